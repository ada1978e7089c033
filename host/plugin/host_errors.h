/* host_errors.h - the host's error codes (-errno) as plugins know them (GANTRY_E). */
#ifndef GN_PLUGIN_HOST_ERRORS_H
#define GN_PLUGIN_HOST_ERRORS_H

/* 0 stays 0; a code that plugins have no name for becomes GANTRY_EIO. [any thread] */
int gn_host_code(int rc);

#endif
