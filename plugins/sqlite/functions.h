/* functions.h - SQL functions that replace SQLite's own.
 *
 * instr(), replace(), trim(), ltrim() and rtrim() of SQLite compare every position of one argument
 * with all of the other: with two texts of some megabytes they run for hours, and nothing stops
 * them, since a function is one step of SQLite's machine. These do the same in linear time.
 */
#ifndef SQLITE_FUNCTIONS_H
#define SQLITE_FUNCTIONS_H

#include <sqlite3.h>

/* An SQLite code. */
int functions_install(sqlite3 *db);

#endif
