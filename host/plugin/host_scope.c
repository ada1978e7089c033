/* host_scope.c - the scope of a call, and state across calls. */
#include "plugin/host_internal.h"

gantry_call *gn_host_current(void)
{
    return NULL;
}
int gn_host_var_set(gantry_call *call, const gantry_var *var, const gantry_value *value)
{
    (void)call, (void)var, (void)value;
    return GANTRY_ENOTSUP;
}
int gn_host_var_get(gantry_call *call, const gantry_var *var, gantry_value *ret)
{
    (void)call, (void)var, (void)ret;
    return GANTRY_ENOTSUP;
}
int gn_host_var_unset(gantry_call *call, const gantry_var *var)
{
    (void)call, (void)var;
    return GANTRY_ENOTSUP;
}
int gn_host_var_bind(gantry_call *call, const gantry_var *var)
{
    (void)call, (void)var;
    return GANTRY_ENOTSUP;
}
int gn_host_handle_new(gantry_call *call, const char **ret_handle)
{
    (void)call, (void)ret_handle;
    return GANTRY_ENOTSUP;
}
int gn_host_state_get(gantry_call *call, const char *handle, const char *key,
                      const gantry_json **ret)
{
    (void)call, (void)handle, (void)key, (void)ret;
    return GANTRY_ENOTSUP;
}
int gn_host_state_set(gantry_call *call, const char *handle, const char *key,
                      const gantry_json *value)
{
    (void)call, (void)handle, (void)key, (void)value;
    return GANTRY_ENOTSUP;
}
int gn_host_state_delete(gantry_call *call, const char *handle, const char *key)
{
    (void)call, (void)handle, (void)key;
    return GANTRY_ENOTSUP;
}
