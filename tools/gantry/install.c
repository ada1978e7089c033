/* install.c - gantry install, gantry uninstall: an entry in a client's configuration file.
 *
 * The file is the person's: it is changed only where the entry stands, shown before, and what it
 * says is compared before and after. What cannot be read is left alone.
 */
#include "install.h"

#include "change.h"
#include "json_edit.h"
#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX (GN_JSONC_MAX + ((size_t)1 << 20))

static int exec_install(const struct gn_cli *cli, const struct gn_cli_args *args);
static int exec_uninstall(const struct gn_cli *cli, const struct gn_cli_args *args);

#define PLACE_OPTIONS                                                                              \
    {"user", 0, NULL, "in your own file, for all projects (default)"},                             \
        {"project", 0, NULL, "in the file of the project in this folder"},                         \
        {"local", 0, NULL, "in your own file, for the project in this folder (Claude Code)"},      \
        {"dry-run", 'n', NULL, "show what would change, and change nothing"},                      \
    {                                                                                              \
        "yes", 'y', NULL, "do not ask (without a terminal nobody is asked)"                        \
    }

#define CLIENT_USAGE                                                                               \
    "CLIENT is claude-code, claude-desktop, cursor, vscode, gemini or gantry (whose names are\n"   \
    "the TARGETs of the other commands), or the path of any file with mcpServers. The change is\n" \
    "shown first; the rest of the file stays as it is, comments too, and FILE.gantry-backup\n"     \
    "keeps what was there.\n"

static const struct gn_cli_option install_options[] = {
    {"name", 0, "NAME", "of the entry (default: after the target)"},
    {"env", 'e', "NAME=VALUE", "set for the program; may be repeated"},
    {"header", 'H', "'NAME: VALUE'", "sent to the URL; may be repeated"},
    {"transport", 0, "http|sse", "of the URL"},
    {"config", 'c', "FILE", "gantry itself: the configuration that it serves"},
    {"plugins", 'p', "DIR", "gantry itself: a folder of plugins; may be repeated"},
    {"plugin", 0, "FILE", "gantry itself: a plugin; may be repeated"},
    {"as-is", 0, NULL, "write the command as it stands, without looking for its files"},
    {"force", 'f', NULL, "replace an entry of that name"},
    PLACE_OPTIONS,
    {0},
};

const struct gn_command gn_command_install = {
    .name = "install",
    .args = "[TARGET] CLIENT [-- COMMAND [ARGUMENT...]]",
    .summary = "enter a server in a client's configuration file",
    .options = install_options,
    .usage = "TARGET is a URL, or a folder of plugins, a plugin or a configuration that gantry "
             "serves; without\n"
             "it, the COMMAND is entered, or gantry itself. Clients start programs elsewhere, with "
             "another\n"
             "PATH: the command, and arguments that are files here, are written with their whole "
             "path.\n"
             "\n" CLIENT_USAGE "\n"
             "  gantry install https://example.com/mcp cursor --project\n"
             "  gantry install ./plugins claude-desktop --name weather\n"
             "  gantry install vscode --env LEVEL=debug -- python3 server.py\n",
    .exec = exec_install,
};

static const struct gn_cli_option uninstall_options[] = {PLACE_OPTIONS, {0}};

const struct gn_command gn_command_uninstall = {
    .name = "uninstall",
    .args = "NAME CLIENT",
    .summary = "take a server out of a client's configuration file",
    .options = uninstall_options,
    .usage = CLIENT_USAGE,
    .exec = exec_uninstall,
};

/* What one run does. */
struct job {
    const struct gn_cli *cli;
    const struct gn_cli_args *args;
    struct gn_known_place place;
    bool is_file;         /* any file: the place is its path, and not a client's */
    const char *names[5]; /* the way to the entry, in the file; NULL-terminated */
    const char *name;     /* the last of them */
    struct gn_change change;
    struct gn_json_doc entry; /* empty: it is taken away */
};

/* ---------------------------------------------------------------- the place */

static bool is_path(const char *client)
{
    return strchr(client, '/') || gn_ends_with(client, ".json");
}

static int unknown_client(const struct gn_cli *cli, const char *client)
{
    const char *names[16] = {0};
    struct gn_buf all = GN_BUF_INIT(512);
    for (size_t i = 0; gn_known_clients[i].name && i + 1 < GN_COUNT(names); i++) {
        names[i] = gn_known_clients[i].name;
        gn_buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = gn_nearest(client, names);
    int rc = gn_cli_usage(
        cli, "there is no client \"%s\"%s%s%s; there is %s, or the path of a file", client,
        near ? ", did you mean " : "", near ? near : "", near ? "?" : "", gn_buf_str(&all));
    gn_buf_release(&all);
    return rc;
}

static int find_place(struct job *job, const char *client)
{
    static const char *const scopes[] = {"user", "project", "local"};
    int scope = -1;
    for (int i = 0; i < GN_SCOPE_COUNT; i++) {
        if (!gn_cli_has(job->args, scopes[i]))
            continue;
        if (scope >= 0)
            return gn_cli_usage(job->cli, "--%s and --%s exclude each other", scopes[scope],
                                scopes[i]);
        scope = i;
    }
    if (strstr(client, "://"))
        return gn_cli_usage(job->cli, "needs a CLIENT behind the target: %s is none", client);
    if (is_path(client)) {
        if (scope >= 0)
            return gn_cli_usage(job->cli, "a file is a place already: --%s is for clients",
                                scopes[scope]);
        job->is_file = true;
        job->place = (struct gn_known_place){.kind = gn_known_by_path(client),
                                             .path = gn_strdup(client)};
        return 0;
    }
    struct gn_error err = {0};
    const struct gn_known_client *kind = gn_known_find(client);
    if (!kind)
        return unknown_client(job->cli, client);
    GN_AUTO_FREE char *folder = scope > 0 ? gn_known_folder(&err) : NULL;
    if (scope > 0 && !folder)
        return gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s", err.text);
    if (gn_known_place(kind, scope < 0 ? GN_SCOPE_USER : (enum gn_known_scope)scope, folder,
                       &job->place, &err))
        return gn_cli_usage(job->cli, "%s", err.text);
    return 0;
}

/* The way to the entry, once the file is known: one of no client may have either shape. */
static void find_way(struct job *job)
{
    const struct gn_known_place *place = &job->place;
    const gantry_json *root = gn_json_root(&job->change.before.doc);
    const char *member = place->kind->member;
    if (place->kind == &gn_known_any && !gn_json_get(root, member) &&
        gn_json_type(gn_json_get(root, "servers")) == GN_JSON_OBJECT)
        member = "servers";
    size_t n = 0;
    if (place->scope == GN_SCOPE_LOCAL) {
        job->names[n++] = "projects";
        job->names[n++] = place->folder;
    }
    job->names[n++] = member;
    job->names[n] = job->name;
}

static int begin(struct job *job)
{
    struct gn_error err = {0};
    if (gn_change_begin(&job->change, job->place.path, &err))
        return gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s; the file is left as it is", err.text);
    job->change.is_private = job->place.scope != GN_SCOPE_PROJECT && !job->is_file;
    find_way(job);
    return 0;
}

static void release(struct job *job)
{
    gn_json_release(&job->entry);
    gn_change_release(&job->change);
    gn_known_place_release(&job->place);
}

/* ---------------------------------------------------------------- the change */

static int is_agreed(const struct job *job)
{
    if (gn_cli_has(job->args, "yes") || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return true;
    fputs("Write it? [y/N] ", stdout);
    fflush(stdout);
    char answer[16] = "";
    return fgets(answer, sizeof(answer), stdin) && tolower((unsigned char)answer[0]) == 'y';
}

/* Shows the new text, asks, writes. */
static int carry_out(struct job *job, const struct gn_buf *text, const char *done)
{
    struct gn_error err = {0};
    struct gn_change *c = &job->change;
    const gantry_json *entry = gn_json_root(&job->entry);
    int rc = gn_change_set(c, text, &err);
    if (rc || !gn_json_differs_only(gn_json_root(&c->before.doc), gn_json_root(&c->after.doc),
                                    job->names, entry))
        return gn_cli_fail(job->cli, GN_EXIT_FAILED,
                           "%s: cannot be changed without changing more than this entry; it is "
                           "left as it is",
                           c->path);
    gn_change_print(c, stdout);
    if (gn_cli_has(job->args, "dry-run"))
        return GN_EXIT_OK;
    if (!is_agreed(job)) {
        puts("nothing was written");
        return GN_EXIT_FAILED;
    }
    char *backup = NULL;
    if (gn_change_write(c, &backup, &err))
        return gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s", err.text);
    printf("%s ", done);
    gn_cli_print_line(stdout, job->name);
    fputs(gn_json_root(&job->entry) ? " in " : " from ", stdout);
    gn_cli_print_line(stdout, c->path);
    if (backup) {
        fputs("; what was there is in ", stdout);
        gn_cli_print_line(stdout, backup);
    }
    fputc('\n', stdout);
    gn_free(backup);
    return GN_EXIT_OK;
}

static int install(struct job *job)
{
    struct gn_error err = {0};
    int rc = begin(job);
    if (rc)
        return rc;
    const gantry_json *entry = gn_json_root(&job->entry);
    const gantry_json *old = gn_json_follow(gn_json_root(&job->change.before.doc), job->names);
    if (old && gn_json_equal(old, entry)) {
        gn_cli_print_line(stdout, job->place.path);
        fputs(" has this entry already: ", stdout);
        gn_cli_print_line(stdout, job->name);
        fputc('\n', stdout);
        return GN_EXIT_OK;
    }
    if (old && !gn_cli_has(job->args, "force"))
        return gn_cli_fail(job->cli, GN_EXIT_FAILED,
                           "%s has an entry \"%s\" already: --force replaces it, --name gives "
                           "another name",
                           job->place.path, job->name);
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    const char *unit = gn_streq(job->place.kind->name, "vscode") ? "\t" : "  ";
    if (gn_json_set(&job->change.before, job->names, entry, unit, &text, &err))
        rc = gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s: %s; the file is left as it is",
                         job->place.path, err.text);
    else
        rc = carry_out(job, &text, old ? "replaced" : "entered");
    gn_buf_release(&text);
    return rc;
}

static int unknown_entry(const struct job *job)
{
    const gantry_json *all = gn_json_root(&job->change.before.doc), *v = NULL;
    for (const char *const *n = job->names; n[1]; n++)
        all = gn_json_get(all, *n);
    const char **names = gn_calloc(gn_json_count(all) + 1, sizeof(*names));
    size_t count = 0;
    while (gn_json_type(all) == GN_JSON_OBJECT && (v = gn_json_next(all, v)))
        names[count++] = gn_json_name(v, NULL);
    const char *near = gn_nearest(job->name, names);
    int rc = gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s has no entry \"%s\"%s%s%s", job->place.path,
                         job->name, near ? ", did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
    gn_free(names);
    return rc;
}

static int uninstall(struct job *job)
{
    struct gn_error err = {0};
    int rc = begin(job);
    if (rc)
        return rc;
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    rc = gn_json_remove(&job->change.before, job->names, &text, &err);
    if (rc == GN_ENOENT)
        rc = unknown_entry(job);
    else if (rc)
        rc = gn_cli_fail(job->cli, GN_EXIT_FAILED, "%s: %s; the file is left as it is",
                         job->place.path, err.text);
    else
        rc = carry_out(job, &text, "removed");
    gn_buf_release(&text);
    return rc;
}

/* ---------------------------------------------------------------- the commands */

static int exec_install(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct job job = {.cli = cli, .args = args};
    size_t count = args->word_count;
    if (count == 0)
        return gn_cli_usage(cli, "needs a CLIENT");
    if (count > (args->tail ? 1 : 2))
        return gn_cli_usage(cli, "what is \"%s\"? One argument too many", args->words[count - 1]);
    int rc = find_place(&job, args->words[count - 1]);
    GN_AUTO_FREE char *name = NULL;
    if (rc == 0)
        rc = gn_install_entry(cli, args, job.place.kind, &name, &job.entry);
    job.name = name;
    if (rc == 0)
        rc = install(&job);
    release(&job);
    return rc;
}

static int exec_uninstall(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (!gn_cli_words(cli, args, 2))
        return GN_EXIT_USAGE;
    struct job job = {.cli = cli, .args = args, .name = args->words[0]};
    int rc = find_place(&job, args->words[1]);
    if (rc == 0)
        rc = uninstall(&job);
    release(&job);
    return rc;
}
