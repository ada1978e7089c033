/* host_ask.c - questions to the client as plugins ask them: elicitation, sampling, roots. */
#include "plugin/host_internal.h"

int gn_host_ask(gantry_call *call, gantry_ask *const *asks, size_t n)
{
    (void)call, (void)asks, (void)n;
    return GANTRY_ENOTSUP;
}

int gn_host_sample_loop(gantry_call *call, const char *key, const gantry_sampling *sampling,
                        uint32_t max_rounds, gantry_sampled *ret)
{
    (void)call, (void)key, (void)sampling, (void)max_rounds, (void)ret;
    return GANTRY_ENOTSUP;
}

int gn_host_elicitation_done(gantry_plugin *g, const char *id)
{
    (void)g, (void)id;
    return GANTRY_ENOTSUP;
}
