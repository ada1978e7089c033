/* host_errors.c - one table from the host's codes to those of the ABI. */
#include "plugin/host_errors.h"

#include "util/error.h"

#include <gantry.h>

static const struct {
    int host, abi;
} codes[] = {
    {GN_OK, GANTRY_OK},           {GN_EINVAL, GANTRY_EINVAL},
    {GN_ENOTSUP, GANTRY_ENOTSUP}, {GN_ECANCELED, GANTRY_ECANCELED},
    {GN_ETOOBIG, GANTRY_ETOOBIG}, {GN_EBUSY, GANTRY_EBUSY},
    {GN_ENOENT, GANTRY_ENOENT},   {GN_ETIMEDOUT, GANTRY_ETIMEDOUT},
    {GN_EEXIST, GANTRY_EEXIST},   {GN_EPERM, GANTRY_EPERM},
};

int gn_host_code(int rc)
{
    for (size_t i = 0; i < GN_COUNT(codes); i++) {
        if (codes[i].host == rc)
            return codes[i].abi;
    }
    return GANTRY_EIO;
}
