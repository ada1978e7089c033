/* known.c - the table of clients: where they keep servers, and how they write them. */
#include "known.h"

#include "util/alloc.h"
#include "util/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#define IS_MAC true
#else
#define IS_MAC false
#endif

#define EDITOR_VARS (GN_VARS_ENV | GN_VARS_FOLDERS)

const struct gn_known_client gn_known_clients[] = {
    {
        .name = "gantry",
        .title = "gantry",
        .member = "mcpServers",
        .variables = GN_VARS_BRACES | GN_VARS_INPUTS | EDITOR_VARS,
        .has_urls = true,
        .url = "url",
        .paths = {[GN_SCOPE_USER] = "$config/gantry/servers.json"},
    },
    {
        .name = "claude-code",
        .title = "Claude Code",
        .member = "mcpServers",
        .variables = GN_VARS_BRACES,
        .has_type = true,
        .has_urls = true,
        .url = "url",
        .paths = {[GN_SCOPE_USER] = "$claude/.claude.json",
                  [GN_SCOPE_PROJECT] = "./.mcp.json",
                  [GN_SCOPE_LOCAL] = "$claude/.claude.json"},
    },
    {
        .name = "claude-desktop",
        .title = "Claude Desktop",
        .member = "mcpServers",
        .paths = {[GN_SCOPE_USER] = "$config/Claude/claude_desktop_config.json"},
        .mac_paths = {[GN_SCOPE_USER] =
                          "~/Library/Application Support/Claude/claude_desktop_config.json"},
    },
    {
        .name = "cursor",
        .title = "Cursor",
        .member = "mcpServers",
        .variables = EDITOR_VARS,
        .has_urls = true,
        .url = "url",
        .paths =
            {[GN_SCOPE_USER] = "~/.cursor/mcp.json", [GN_SCOPE_PROJECT] = "./.cursor/mcp.json"},
    },
    {
        .name = "vscode",
        .title = "VS Code",
        .member = "servers",
        .variables = GN_VARS_INPUTS | EDITOR_VARS,
        .has_type = true,
        .has_urls = true,
        .url = "url",
        .paths = {[GN_SCOPE_USER] = "$config/Code/User/mcp.json",
                  [GN_SCOPE_PROJECT] = "./.vscode/mcp.json"},
        .mac_paths = {[GN_SCOPE_USER] = "~/Library/Application Support/Code/User/mcp.json"},
    },
    {
        .name = "gemini",
        .title = "Gemini CLI",
        .member = "mcpServers",
        .variables = GN_VARS_BRACES | GN_VARS_BARE | GN_VARS_LENIENT,
        .has_urls = true,
        .url = "httpUrl",
        .paths = {[GN_SCOPE_USER] = "~/.gemini/settings.json",
                  [GN_SCOPE_PROJECT] = "./.gemini/settings.json"},
    },
    {0},
};

const struct gn_known_client gn_known_any = {
    .name = "file",
    .title = "file",
    .member = "mcpServers",
    .variables = GN_VARS_BRACES | GN_VARS_INPUTS | EDITOR_VARS,
    .has_urls = true,
    .url = "url",
};

static const char *scope_path(const struct gn_known_client *kind, enum gn_known_scope scope)
{
    if (IS_MAC && kind->mac_paths[scope])
        return kind->mac_paths[scope];
    return kind->paths[scope];
}

const struct gn_known_client *gn_known_find(const char *name)
{
    for (const struct gn_known_client *k = gn_known_clients; k->name; k++) {
        if (gn_streq(k->name, name))
            return k;
    }
    return NULL;
}

const struct gn_known_client *gn_known_by_path(const char *path)
{
    for (const struct gn_known_client *k = gn_known_clients; k->name; k++) {
        for (int scope = 0; scope < GN_SCOPE_COUNT; scope++) {
            const char *pattern = scope_path(k, (enum gn_known_scope)scope);
            const char *end = pattern ? strchr(pattern, '/') : NULL; /* with its slash */
            if (end && (gn_ends_with(path, end) || gn_streq(path, end + 1)))
                return k;
        }
    }
    return &gn_known_any;
}

/* The folder that stands for the first part of a path; NULL: unknown. Owned by the caller. */
static char *base_folder(const char *path, const char *folder)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    const char *claude = getenv("CLAUDE_CONFIG_DIR");
    if (*path == '.')
        return gn_strdup(folder);
    if (gn_starts_with(path, "$config/") && config && *config == '/')
        return gn_strdup(config);
    if (gn_starts_with(path, "$claude/") && claude && *claude == '/')
        return gn_strdup(claude);
    if (!home || *home != '/')
        return NULL;
    return gn_starts_with(path, "$config/") ? gn_path_join(home, ".config") : gn_strdup(home);
}

int gn_known_place(const struct gn_known_client *kind, enum gn_known_scope scope,
                   const char *folder, struct gn_known_place *ret, struct gn_error *err)
{
    const char *path = scope_path(kind, scope);
    if (!path)
        return gn_error_set(err, GN_ENOTSUP, "%s has no servers of --%s", kind->title,
                            gn_known_scope_name(scope));
    GN_AUTO_FREE char *base = base_folder(path, folder);
    if (!base)
        return gn_error_set(err, GN_EINVAL, "HOME is not set: where is the home folder?");
    *ret = (struct gn_known_place){
        .kind = kind,
        .scope = scope,
        .path = gn_path_join(base, strchr(path, '/') + 1),
        .folder = scope == GN_SCOPE_USER ? NULL : gn_strdup(folder),
    };
    return 0;
}

void gn_known_place_release(struct gn_known_place *place)
{
    gn_free(place->path);
    gn_free(place->folder);
    *place = (struct gn_known_place){0};
}

const char *gn_known_scope_name(enum gn_known_scope scope)
{
    static const char *const names[] = {"user", "project", "local"};
    return names[scope];
}

char *gn_known_folder(struct gn_error *err)
{
    char path[PATH_MAX];
    if (getcwd(path, sizeof(path)) && *path == '/')
        return gn_strdup(path);
    gn_error_set(err, GN_ENOENT, "the working folder is gone, or cannot be reached");
    return NULL;
}
