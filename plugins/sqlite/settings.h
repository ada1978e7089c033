/* settings.h - what the operator may write in the configuration. */
#ifndef SQLITE_SETTINGS_H
#define SQLITE_SETTINGS_H

#include <gantry.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MEMORY ":memory:"

typedef struct {
    const char *database;
    bool write, create;
    gantry_opt_bool transactions;
    const char *begin;
    const char *journal;
    gantry_strings tables; /* n 0: all */
    int64_t connections, timeout, busy_timeout;
    int64_t max_rows, max_bytes, max_value, max_memory, max_database;
} sqlite_settings;

static inline bool is_memory(const sqlite_settings *settings)
{
    return strcmp(settings->database, MEMORY) == 0;
}

#endif
