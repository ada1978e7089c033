/* schema.h - what is in the database: the resources, and completion of the names of tables. */
#ifndef SQLITE_SCHEMA_H
#define SQLITE_SCHEMA_H

#include <gantry.h>

/* Reads sqlite://schema: tables and views, and the SQL that made them. */
int schema_read(gantry_call *call);
/* Reads sqlite://table/{name}: columns, indexes, foreign keys, how many rows. GANTRY_ENOENT. */
int schema_read_table(gantry_call *call, const char *name);
/* A gantry_complete_fn for the name of a table. */
int schema_complete(gantry_call *call, const char *argument, const char *value);

#endif
