/* servers.h - servers by the names they have in configuration files: gantry's own and those of
 * well-known clients.
 *
 * Without a file of the caller's the user's own files are looked through first, then those of the
 * project (the working folder, then the ones above): what a project brings cannot take the place of
 * what the user has set up. Files of a project that belong to somebody else are passed over. Files
 * are hostile input: nothing is started here, sizes are bounded, and no message quotes a value.
 */
#ifndef GANTRY_SERVERS_H
#define GANTRY_SERVERS_H

#include "gantry_client.h"
#include "jsonc.h"
#include "known.h"

/* One server, with all variables replaced. Everything is owned. */
struct gn_server {
    char *name, *file;
    char *note;     /* what a person should know (the name stands in another file, too); or NULL */
    char *url;      /* as gantry_client_options has it; NULL: command is set */
    char **command; /* NULL-terminated, as the next two */
    char **environment; /* "NAME=value"; NULL: none */
    char **headers;     /* "Name: value"; NULL: none */
    char *directory;    /* NULL: here */
    gantry_client_transport transport;
};

/* Finds a server. config: the only file to look in; NULL: all that are known. GN_ENOENT with a
 * suggestion and the names there are; GN_EINVAL names file and key. */
int gn_servers_find(const char *config, const char *name, struct gn_server *ret,
                    struct gn_error *err);
void gn_server_release(struct gn_server *s);
/* Sets what the server has in the options, all but the headers (the caller has some of its own).
 * Borrowed: s must live until the client is made. */
void gn_server_apply(const struct gn_server *s, gantry_client_options *options);

/* ---- all of them */

/* An entry as it stands in its file. */
struct gn_server_entry {
    const char *name;         /* borrowed from the file */
    const gantry_json *value; /* any type */
    const struct gn_servers_file *file;
    bool is_disabled;
};

/* A file that has been read. */
struct gn_servers_file {
    struct gn_known_place place;
    struct gn_jsonc json;
};

struct gn_servers {
    struct gn_servers_file *files;
    size_t file_count;
    struct gn_server_entry *entries; /* in the order in which they count */
    size_t count;
    struct gn_buf problems; /* a line for each file that was passed over */
};

/* Reads the files. A file of the caller's must be there and right, or GN_E... */
int gn_servers_load(struct gn_servers *s, const char *config, struct gn_error *err);
void gn_servers_release(struct gn_servers *s);
/* Reads an entry: GN_EINVAL names file and key. */
int gn_server_read(const struct gn_server_entry *entry, struct gn_server *ret,
                   struct gn_error *err);
/* Reads a file of NAME=VALUE lines (the "envFile" of an entry), and adds what own (may be NULL)
 * does not set: *ret takes the place of own, which is freed. GN_E..., and own stays, with a message
 * that names the file and the line, but no value. */
int gn_server_env_file(const char *path, char **own, char ***ret, struct gn_error *err);
/* What the entry leads to, for a person: the URL without credentials and query, or the command
 * without what may be a secret. Owned by the caller. */
char *gn_server_shown(const struct gn_server_entry *entry);

#endif
