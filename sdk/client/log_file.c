/* log_file.c - the client's log file. */
#include "internal.h"

void gn_client_log_open(gantry_client *c)
{
    (void)c;
}

void gn_client_log_close(gantry_client *c)
{
    (void)c;
}

void gn_client_log_line(gantry_client *c, const char *what, const char *text, size_t len)
{
    (void)c, (void)what, (void)text, (void)len;
}
