/* servers_list.c - gantry servers: the names that configuration files know. */
#include "cli.h"
#include "hide.h"
#include "servers.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

static int exec_servers(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"config", 'c', "FILE", "look into this file only"},
    {"output", 'o', "text|json", "for people (default) or programs"},
    {0},
};

const struct gn_command gn_command_servers = {
    .name = "servers",
    .summary = "list the servers that configuration files know by name",
    .options = options,
    .usage =
        "Every name can be the TARGET of a command. It is looked up in gantry's own file,\n"
        "~/.config/gantry/servers.json, then in those of Claude Code, Claude Desktop, Cursor,\n"
        "VS Code and Gemini CLI: first the user's, then those of the project, in this folder and\n"
        "the ones above. gantry install writes them.\n",
    .exec = exec_servers,
};

static const char *const outputs[] = {"text", "json", NULL};

/* ---------------------------------------------------------------- what an entry leads to */

/* Without what stands before the host, and without query and fragment. */
static char *show_url(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *rest = scheme ? scheme + 3 : url;
    size_t host = strcspn(rest, "/?#"), end = strcspn(rest, "?#");
    for (size_t i = host; scheme && i > 0; i--) {
        if (rest[i - 1] == '@') {
            rest += i;
            end -= i;
            break;
        }
    }
    return gn_format("%.*s%.*s%s", scheme ? (int)(scheme + 3 - url) : 0, url, (int)end, rest,
                     rest[end] ? "?..." : "");
}

char *gn_server_shown(const struct gn_server_entry *entry)
{
    static const char *const members[] = {"httpUrl", "url", "serverUrl"};
    if (gn_json_get(entry->value, "command"))
        return gn_hide_command(gn_json_get(entry->value, "command"),
                               gn_json_get(entry->value, "args"));
    for (size_t i = 0; i < GN_COUNT(members); i++) {
        const char *url = gn_json_cstr(gn_json_get(entry->value, members[i]));
        if (url)
            return show_url(url);
    }
    return gn_strdup("?");
}

/* ---------------------------------------------------------------- the command */

/* The first of a name that is not disabled is the one that is taken. */
static bool is_taken(const struct gn_servers *s, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (!s->entries[i].is_disabled && gn_streq(s->entries[i].name, s->entries[index].name))
            return false;
    }
    return !s->entries[index].is_disabled;
}

static void print_json(const struct gn_servers *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        const struct gn_server_entry *e = &s->entries[i];
        const struct gn_known_place *place = &e->file->place;
        GN_AUTO_FREE char *shown = gn_server_shown(e);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "name", e->name,
                                        "target", shown, "client", place->kind->name, "scope",
                                        gn_known_scope_name(place->scope), "file", place->path,
                                        "disabled", e->is_disabled, "taken", is_taken(s, i)));
    }
    json_t *all = json_pack("{s:o}", "servers", list);
    gn_cli_print_json(stdout, all);
    json_decref(all);
}

static void print_text(const struct gn_servers *s)
{
    size_t width = 0;
    for (size_t i = 0; i < s->count; i++)
        width = GN_MAX(width, GN_MIN(gn_utf8_count(s->entries[i].name, strlen(s->entries[i].name)),
                                     (size_t)30));
    const struct gn_servers_file *file = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct gn_server_entry *e = &s->entries[i];
        GN_AUTO_FREE char *shown = gn_server_shown(e);
        size_t used = gn_utf8_count(e->name, strlen(e->name));
        if (e->file != file) {
            fputs(file ? "\n" : "", stdout);
            gn_cli_print_line(stdout, e->file->place.path);
            printf(" (%s%s)\n", e->file->place.kind->title,
                   e->file->place.scope == GN_SCOPE_LOCAL ? ", this project" : "");
        }
        file = e->file;
        fputs("  ", stdout);
        gn_cli_print_line(stdout, e->name);
        printf("%*s  ", used < width ? (int)(width - used) : 0, "");
        gn_cli_print_line(stdout, shown);
        puts(e->is_disabled ? "  (disabled)" : is_taken(s, i) ? "" : "  (one above is taken)");
    }
}

static int exec_servers(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_error err = {0};
    struct gn_servers s;
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(cli, "%s", err.text);
    if (!gn_cli_words(cli, args, 0))
        return GN_EXIT_USAGE;
    if (gn_servers_load(&s, gn_cli_value(args, "config"), &err))
        return gn_cli_fail(cli, GN_EXIT_USAGE, "%s", err.text);
    gn_cli_fail_lines(cli, gn_buf_str(&s.problems));
    if (output == 1)
        print_json(&s);
    else if (s.count > 0)
        print_text(&s);
    else
        puts("no server is known by name (gantry install writes one)");
    gn_servers_release(&s);
    return GN_EXIT_OK;
}
