/* body.c - statements of a handler. `thing` stands for what the plugin keeps. */
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <gantry.h>

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *url, *text;
    const void *data;
    size_t n;
    int64_t i;
    gantry_mutex *mutex;
} thing_in;

static int fetch_block(void *arg)
{
    (void)arg;
    return 0;
}

static int handler(gantry_call *call, const thing_in *in)
{
    int rc = GANTRY_OK;
    /* EXAMPLE */
    return rc;
}
static int (*const user)(gantry_call *, const thing_in *) = handler;
