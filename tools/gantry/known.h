/* known.h - well-known clients of MCP and the files in which they keep servers.
 */
#ifndef GANTRY_KNOWN_H
#define GANTRY_KNOWN_H

#include "util/error.h"

/* What a client replaces in texts of an entry. */
enum gn_known_variables {
    GN_VARS_BRACES = 1,  /* ${NAME}, ${NAME:-default} */
    GN_VARS_ENV = 2,     /* ${env:NAME} */
    GN_VARS_FOLDERS = 4, /* ${workspaceFolder}, ${userHome}, ${pathSeparator}, ... */
    GN_VARS_INPUTS = 8,  /* ${input:ID}, described in the file's "inputs" */
    GN_VARS_BARE = 16,   /* $NAME */
    GN_VARS_LENIENT = 32 /* what is not set is left as it stands */
};

enum gn_known_scope {
    GN_SCOPE_USER,    /* everywhere */
    GN_SCOPE_PROJECT, /* a file within the project's folder */
    GN_SCOPE_LOCAL,   /* a file of the user's, but for one project only */
    GN_SCOPE_COUNT
};

/* How an entry is written, where clients differ. */
struct gn_known_client {
    const char *name;   /* "claude-desktop" */
    const char *title;  /* "Claude Desktop" */
    const char *member; /* of the file: "mcpServers"; "servers" */
    unsigned variables; /* enum gn_known_variables */
    bool has_type;      /* entries say "type": "stdio" or "http" */
    bool has_urls;      /* other than programs can be entered */
    const char *url;    /* the member for Streamable HTTP: "url", "httpUrl" */
    /* By scope; NULL: there is none. The first of the path says below what: "~/", "$config/" (that
     * is XDG_CONFIG_HOME), "$claude/" (CLAUDE_CONFIG_DIR, else ~), "./" (the project). */
    const char *paths[GN_SCOPE_COUNT];
    const char *mac_paths[GN_SCOPE_COUNT]; /* NULL: the same */
};

/* All of them; ends with one without name. gantry's own is the first. */
extern const struct gn_known_client gn_known_clients[];
/* For a file of no client that is known. */
extern const struct gn_known_client gn_known_any;

/* A place where servers may stand. */
struct gn_known_place {
    const struct gn_known_client *kind;
    enum gn_known_scope scope;
    char *path;   /* of the file, absolute unless the user gave it otherwise. Owned */
    char *folder; /* of the project that it belongs to; NULL: none. Owned */
};

/* By name; NULL: there is none. */
const struct gn_known_client *gn_known_find(const char *name);
/* The kind that keeps its servers in a file of such a path; else gn_known_any. */
const struct gn_known_client *gn_known_by_path(const char *path);
/* The file of a scope. folder: of the project. GN_ENOTSUP: the client has no such scope; GN_EINVAL:
 * HOME is not set. */
int gn_known_place(const struct gn_known_client *kind, enum gn_known_scope scope,
                   const char *folder, struct gn_known_place *ret, struct gn_error *err);
void gn_known_place_release(struct gn_known_place *place);
const char *gn_known_scope_name(enum gn_known_scope scope);
/* The working folder. Owned by the caller; NULL with err. */
char *gn_known_folder(struct gn_error *err);

#endif
