/* kinds.c - the types of argument tables. */
#include "schema/kinds.h"

const struct gn_kind *gn_kind_of(uint32_t type)
{
    static const struct gn_kind kinds[] = {
        [GANTRY_T_STRING] = {"string", GN_TEXT, false, false, sizeof(const char *)},
        [GANTRY_T_STR] = {"string", GN_TEXT, false, false, sizeof(gantry_str)},
        [GANTRY_T_INT] = {"integer", GN_INTEGER, false, false, sizeof(int64_t)},
        [GANTRY_T_NUM] = {"number", GN_NUMBER, false, false, sizeof(double)},
        [GANTRY_T_BOOL] = {"boolean", GN_BOOLEAN, false, false, sizeof(bool)},
        [GANTRY_T_OPT_INT] = {"integer", GN_INTEGER, false, true, sizeof(gantry_opt_int)},
        [GANTRY_T_OPT_NUM] = {"number", GN_NUMBER, false, true, sizeof(gantry_opt_num)},
        [GANTRY_T_OPT_BOOL] = {"boolean", GN_BOOLEAN, false, true, sizeof(gantry_opt_bool)},
        [GANTRY_T_STRINGS] = {"array", GN_TEXT, true, false, sizeof(gantry_strings)},
        [GANTRY_T_INTS] = {"array", GN_INTEGER, true, false, sizeof(gantry_ints)},
        [GANTRY_T_NUMS] = {"array", GN_NUMBER, true, false, sizeof(gantry_nums)},
        [GANTRY_T_JSON] = {NULL, GN_ANY, false, false, sizeof(const gantry_json *)},
        [GANTRY_T_OBJECT] = {"object", GN_OBJECT, false, false, 0},
        [GANTRY_T_ARRAY] = {"array", GN_OBJECT, true, false, sizeof(gantry_strings)},
    };
    return type < GN_COUNT(kinds) && kinds[type].size + (kinds[type].json != NULL) > 0
               ? &kinds[type]
               : NULL;
}

const char *gn_basis_name(enum gn_basis basis)
{
    static const char *const names[] = {
        [GN_ANY] = NULL,        [GN_TEXT] = "string",     [GN_INTEGER] = "integer",
        [GN_NUMBER] = "number", [GN_BOOLEAN] = "boolean", [GN_OBJECT] = "object",
    };
    return names[basis];
}
