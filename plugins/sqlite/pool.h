/* pool.h - the connections of an instance, and who may write.
 *
 * SQLite has one writer at a time. Those of this instance do not race for it: they stand in line
 * for one permit, and whoever has it never meets another one of ours. It comes with a connection
 * that nobody else uses, so that whoever holds the permit never waits for the connections that
 * those who only read share. Loop thread only.
 */
#ifndef SQLITE_POOL_H
#define SQLITE_POOL_H

#include "connection.h"

typedef struct {
    const sqlite_settings *settings;
    gantry_semaphore *readers; /* as many permits as there are connections to read with */
    gantry_semaphore *writer;  /* one permit */
    connection *free;          /* to read with */
    connection *reserved;      /* of whoever writes; a database in memory has no other */
    connection *all;
    size_t count;
} pool;

/* In start: opens the first connection. GANTRY_OK, or the code of a gantry_fail(). */
int pool_new(gantry_call *call, gantry_plugin *plugin, pool **ret);
void pool_free(pool *p); /* NULL is fine */

/* A connection to read with. [awaits] */
int pool_take_reader(gantry_call *call, pool *p, connection **ret);
void pool_give_reader(pool *p, connection *c);
/* The permit to write; p->reserved goes with it. [awaits] */
int pool_take_writer(gantry_call *call, pool *p);
void pool_give_writer(pool *p);

/* Opens it unless it is open. GANTRY_OK, or the code of a gantry_fail(). [awaits] */
int pool_open(gantry_call *call, connection *c);

#endif
