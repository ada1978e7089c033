/* pool.c - see pool.h. */
#include "pool.h"

#include <stdlib.h>

typedef struct {
    connection *connection;
    const char *problem;
    char text[300];
} opening;

static int open_one(void *arg)
{
    opening *o = arg;
    o->problem = connection_open(o->connection, o->text, sizeof o->text);
    return GANTRY_OK;
}

int pool_open(gantry_call *call, connection *c)
{
    opening o = {.connection = c};
    if (c->db)
        return GANTRY_OK;
    int rc = gantry_work(call, open_one, &o);
    if (rc)
        return rc;
    return o.problem ? gantry_fail(call, "cannot open the database: %s", o.problem) : GANTRY_OK;
}

int pool_new(gantry_call *call, gantry_plugin *plugin, pool **ret)
{
    const sqlite_settings *settings = gantry_settings(plugin);
    pool *p = calloc(1, sizeof *p);
    if (!p)
        return gantry_fail(call, "no memory");
    size_t readers = is_memory(settings) ? 0 : (size_t)settings->connections;
    p->settings = settings;
    p->count = readers + 1;
    p->all = calloc(p->count, sizeof *p->all);
    p->readers = gantry_semaphore_new(plugin, (uint32_t)readers);
    p->writer = gantry_semaphore_new(plugin, 1);
    if (!p->all || !p->readers || !p->writer) {
        pool_free(p);
        return gantry_fail(call, "no memory");
    }
    for (size_t i = 0; i < p->count; i++)
        p->all[i].settings = settings;
    p->reserved = &p->all[0];
    for (size_t i = p->count; --i > 0;) {
        p->all[i].next = p->free;
        p->free = &p->all[i];
    }
    int rc = pool_open(call, p->free ? p->free : p->reserved);
    if (rc) {
        pool_free(p);
        return rc;
    }
    *ret = p;
    return GANTRY_OK;
}

void pool_free(pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->all && i < p->count; i++)
        connection_close(&p->all[i]);
    gantry_semaphore_free(p->readers);
    gantry_semaphore_free(p->writer);
    free(p->all);
    free(p);
}

int pool_take_reader(gantry_call *call, pool *p, connection **ret)
{
    int rc = gantry_semaphore_take(call, p->readers, 0);
    if (rc)
        return rc;
    *ret = p->free; /* there is one for each permit */
    p->free = (*ret)->next;
    return GANTRY_OK;
}

void pool_give_reader(pool *p, connection *c)
{
    c->next = p->free;
    p->free = c;
    gantry_semaphore_give(p->readers);
}

int pool_take_writer(gantry_call *call, pool *p)
{
    return gantry_semaphore_take(call, p->writer, 0);
}

void pool_give_writer(pool *p)
{
    gantry_semaphore_give(p->writer);
}
