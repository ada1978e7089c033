/* suite.c - build/tests/bin/schema-suite: runs files in the format of the official JSON Schema test
 * suite through the compiler and the validator, prints what fails, and counts.
 *
 * A file is an array of groups: {"description", "schema", "tests": [{"description", "data",
 * "valid"}]}. A group whose schema does not compile fails with all its cases.
 */
#include "schema/schema.h"
#include "util/alloc.h"
#include "util/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)
#define REMOTE_BASE "http://localhost:1234/"
#define FOLDERS_UP 6  /* how far above a path its remotes are looked for */
#define FOLDERS_IN 32 /* how deep folders are read */

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: schema-suite [--remotes DIR] [--draft DIALECT] [--format] PATH...\n"
    "Runs files or folders (*.json) in the format of the official JSON Schema test suite.\n"
    "  --remotes DIR    documents for http://localhost:1234/ (default: a folder `remotes` near "
    "PATH)\n"
    "  --draft DIALECT  of schemas without $schema (default: from a folder's name, else 2020-12)\n"
    "  --format         formats are asserted\n";

/* Folders of the official suite. */
static const struct {
    const char *folder;
    enum gn_dialect dialect;
} folders[] = {
    {"draft2020-12", GN_DIALECT_2020_12},
    {"draft2019-09", GN_DIALECT_2019_09},
    {"draft7", GN_DIALECT_DRAFT_07},
};
static const char supported[] =
    "2020-12, 2019-09, draft-07 (draft2020-12, draft2019-09, draft7), or a meta-schema's URI";

struct strings {
    char **v;
    size_t count;
};

struct remote {
    struct gn_json_doc doc;
    char *uri;
};

struct run {
    struct gn_schema_options options;
    bool has_draft; /* --draft was given */
    struct strings files;
    struct remote *remotes;
    struct gn_schema_document *documents;
    size_t remote_count;
    unsigned long passed, failed;
    bool has_bad_file;
};

/* One case: where it stands, what it should be. */
struct test_case {
    const char *file, *group, *name;
    bool valid;
};

static void strings_add(struct strings *s, char *owned)
{
    s->v = gn_reallocarray(s->v, s->count + 1, sizeof(*s->v));
    s->v[s->count++] = owned;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* All files NAME.json below path, in order of name; folders called `remotes` hold none. */
static bool find_files(struct strings *out, const char *path, int depth)
{
    struct dirent **entries = NULL;
    int n = depth < FOLDERS_IN ? scandir(path, &entries, not_hidden, by_name) : -1;
    bool ok = n >= 0;
    if (!ok)
        fprintf(stderr, "schema-suite: %s cannot be read\n", path);
    for (int i = 0; i < n; i++) {
        char *child = gn_path_join(path, entries[i]->d_name);
        if (is_folder(child)) {
            if (!gn_streq(entries[i]->d_name, "remotes"))
                ok = find_files(out, child, depth + 1) && ok;
            gn_free(child);
        } else if (gn_ends_with(child, ".json")) {
            strings_add(out, child);
        } else {
            gn_free(child);
        }
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool read_json(const char *path, struct gn_json_doc *doc)
{
    static const struct gn_json_limits limits = {GN_JSON_MAX_DEPTH, 0};
    struct gn_buf text = GN_BUF_INIT(FILE_MAX);
    struct gn_error err = {0};
    if (gn_read_file(path, &text) != 0)
        gn_error_set(&err, GN_ENOENT, "cannot be read");
    else if (gn_json_parse_copy(doc, gn_buf_str(&text), text.len, &limits, &err) != 0)
        gn_error_prefix(&err, "not JSON: ");
    gn_buf_release(&text);
    if (err.code)
        fprintf(stderr, "schema-suite: %s: %s\n", path, err.text);
    return err.code == 0;
}

/* A name such as draft4: another draft's folder, if it is none of ours. */
static bool is_draft_folder(const char *name)
{
    if (!gn_starts_with(name, "draft"))
        return false;
    name += strlen("draft");
    name += *name == '-';
    return *name >= '0' && *name <= '9';
}

static bool parse_dialect(const char *name, enum gn_dialect *ret)
{
    for (size_t i = 0; i < GN_COUNT(folders); i++) {
        if (gn_streq(name, folders[i].folder)) {
            *ret = folders[i].dialect;
            return true;
        }
    }
    return gn_dialect_parse(name, ret);
}

/* From the last folder in the path that is named like a draft. */
static bool deduce_dialect(const char *file, enum gn_dialect *ret)
{
    char *path = realpath(file, NULL);
    bool ok = true;
    *ret = GN_DIALECT_2020_12;
    for (char *part = path, *end; part && (end = strchr(part, '/')); part = end + 1) {
        enum gn_dialect found;
        *end = '\0';
        if (parse_dialect(part, &found)) {
            *ret = found;
            ok = true;
        } else if (is_draft_folder(part)) {
            ok = false;
        }
    }
    free(path);
    if (!ok)
        fprintf(stderr, "schema-suite: %s: its draft is not supported; there are: %s\n", file,
                supported);
    return ok;
}

/* The folder `remotes` in path or beside it, or beside a folder it is in; NULL: none. */
static char *find_remotes(const char *path)
{
    char *dir = realpath(path, NULL);
    char *found = NULL;
    for (int i = 0; dir && !found && i <= FOLDERS_UP; i++) {
        found = gn_path_join(dir, "remotes");
        if (!is_folder(found)) {
            gn_free(found);
            found = NULL;
        }
        char *slash = strrchr(dir, '/');
        if (!slash || slash == dir)
            break;
        *slash = '\0';
    }
    free(dir);
    return found;
}

/* A remote belongs to no draft, or to one that is supported. */
static bool is_wanted_remote(const char *below)
{
    const char *slash = strchr(below, '/');
    GN_AUTO_FREE char *first = gn_strndup(below, slash ? (size_t)(slash - below) : 0);
    enum gn_dialect dialect;
    if (gn_streq(first, "v1"))
        return false;
    return !is_draft_folder(first) || parse_dialect(first, &dialect);
}

static bool load_remotes(struct run *r, const char *dir)
{
    struct strings files = {0};
    bool ok = find_files(&files, dir, 0);
    r->remotes = gn_calloc(files.count + 1, sizeof(*r->remotes));
    r->documents = gn_calloc(files.count + 1, sizeof(*r->documents));
    for (size_t i = 0; i < files.count; i++) {
        const char *below = files.v[i] + strlen(dir);
        below += strspn(below, "/");
        struct remote *remote = &r->remotes[r->remote_count];
        if (ok && is_wanted_remote(below)) {
            ok = read_json(files.v[i], &remote->doc);
            remote->uri = gn_format(REMOTE_BASE "%s", below);
            r->documents[r->remote_count].uri = remote->uri;
            r->documents[r->remote_count++].root = gn_json_root(&remote->doc);
        }
        gn_free(files.v[i]);
    }
    gn_free(files.v);
    r->options.documents = r->documents;
    r->options.document_count = r->remote_count;
    return ok;
}

/* A line break in a description would look like the end of it. */
static void print_line(const char *what, const char *text)
{
    printf("  %s: ", what);
    for (; *text; text++)
        putchar(*text == '\n' ? ' ' : *text);
    putchar('\n');
}

static void print_failure(struct run *r, const struct test_case *c, const char *why,
                          const char *said)
{
    r->failed++;
    printf("FAILED %s\n", c->file);
    print_line("group", c->group);
    print_line("case", c->name);
    printf("  expected %s, %s\n", c->valid ? "valid" : "invalid", why);
    while (*said) {
        size_t len = strcspn(said, "\n");
        printf("    %.*s\n", (int)len, said);
        said += len + (said[len] == '\n');
    }
}

static void run_case(struct run *r, const struct test_case *c, const struct gn_schema *schema,
                     const gantry_json *value)
{
    struct gn_problems problems;
    gn_problems_init(&problems);
    int quick = gn_schema_validate(schema, value, 0, NULL);
    int full = gn_schema_validate(schema, value, 0, &problems);
    const char *said = gn_buf_str(&problems.text);
    if (full == GN_ETOOBIG || quick == GN_ETOOBIG)
        print_failure(r, c, "but the validator gave up", said);
    else if (quick != full)
        print_failure(r, c,
                      full ? "but only asked for problems it finds some"
                           : "but only not asked for problems it finds some",
                      said);
    else if (full == 0 && problems.count > 0)
        print_failure(r, c, "found valid, with problems", said);
    else if (full != 0 && (problems.count == 0 || !*said))
        print_failure(r, c, "found invalid, without a problem", "");
    else if ((full == 0) != c->valid)
        print_failure(r, c, full == 0 ? "found valid" : "found invalid", said);
    else
        r->passed++;
    gn_problems_release(&problems);
}

/* False if the group has not the right form. */
static bool is_group(const gantry_json *group)
{
    const gantry_json *tests = gn_json_get(group, "tests");
    bool ok = gn_json_str(gn_json_get(group, "description"), NULL) &&
              gn_json_get(group, "schema") && gn_json_type(tests) == GN_JSON_ARRAY;
    for (const gantry_json *t = gn_json_next(tests, NULL); ok && t; t = gn_json_next(tests, t)) {
        bool valid;
        ok = gn_json_str(gn_json_get(t, "description"), NULL) && gn_json_get(t, "data") &&
             gn_json_bool(gn_json_get(t, "valid"), &valid);
    }
    return ok;
}

static void run_group(struct run *r, const char *file, const gantry_json *group)
{
    struct test_case c = {.file = file,
                          .group = gn_json_str(gn_json_get(group, "description"), NULL)};
    const gantry_json *tests = gn_json_get(group, "tests");
    struct gn_buf text = GN_BUF_INIT(FILE_MAX);
    struct gn_error err = {0};
    struct gn_schema *schema = NULL;
    if (gn_json_write(&text, gn_json_get(group, "schema")) != 0)
        gn_error_set(&err, GN_ETOOBIG, "the schema is too large");
    else if (gn_schema_compile(gn_buf_str(&text), text.len, &r->options, &schema, &err) != 0 &&
             err.code == 0)
        gn_error_set(&err, GN_EINVAL, "no reason is given");
    for (const gantry_json *t = gn_json_next(tests, NULL); t; t = gn_json_next(tests, t)) {
        c.name = gn_json_str(gn_json_get(t, "description"), NULL);
        gn_json_bool(gn_json_get(t, "valid"), &c.valid);
        if (schema)
            run_case(r, &c, schema, gn_json_get(t, "data"));
        else
            print_failure(r, &c, "but the schema does not compile", err.text);
    }
    gn_schema_free(schema);
    gn_buf_release(&text);
}

static bool run_file(struct run *r, const char *file)
{
    struct gn_json_doc doc = {0};
    bool ok = r->has_draft || deduce_dialect(file, &r->options.dialect);
    ok = ok && read_json(file, &doc);
    const gantry_json *root = gn_json_root(&doc);
    if (ok && gn_json_type(root) != GN_JSON_ARRAY) {
        fprintf(stderr, "schema-suite: %s: not in the format: no array of groups\n", file);
        ok = false;
    }
    size_t index = 0;
    for (const gantry_json *g = NULL; ok && (g = gn_json_next(root, g)); index++) {
        ok = is_group(g);
        if (ok)
            run_group(r, file, g);
        else
            fprintf(stderr,
                    "schema-suite: %s: not in the format: group %zu has not description, schema "
                    "and tests, each with description, data and valid\n",
                    file, index);
    }
    gn_json_release(&doc);
    return ok;
}

struct arguments {
    const char *remotes;
    struct strings paths; /* borrowed from argv */
};

/* What is wrong has been said when it returns false. */
static bool read_arguments(struct run *r, int argc, char **argv, struct arguments *ret)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (gn_streq(arg, "--format")) {
            r->options.assert_formats = true;
        } else if (gn_streq(arg, "--draft") && value) {
            r->has_draft = parse_dialect(value, &r->options.dialect);
            if (!r->has_draft) {
                fprintf(stderr, "schema-suite: unknown dialect '%s'; there are: %s\n", value,
                        supported);
                return false;
            }
            i++;
        } else if (gn_streq(arg, "--remotes") && value) {
            ret->remotes = value;
            i++;
        } else if (arg[0] == '-') {
            fprintf(stderr, "schema-suite: unknown option, or one without its value: '%s'\n%s", arg,
                    usage);
            return false;
        } else {
            strings_add(&ret->paths, argv[i]);
        }
    }
    if (ret->paths.count == 0)
        fprintf(stderr, "schema-suite: no path is given\n%s", usage);
    return ret->paths.count > 0;
}

/* Finds the files and loads the remotes. */
static bool prepare(struct run *r, const struct arguments *args)
{
    GN_AUTO_FREE char *remotes = gn_strdup(args->remotes);
    for (size_t i = 0; i < args->paths.count; i++) {
        const char *path = args->paths.v[i];
        if (!is_folder(path))
            strings_add(&r->files, gn_strdup(path));
        else if (!find_files(&r->files, path, 0))
            return false;
        if (access(path, R_OK) != 0) {
            fprintf(stderr, "schema-suite: %s cannot be read: %s\n", path, strerror(errno));
            return false;
        }
        if (!remotes)
            remotes = find_remotes(path);
    }
    return !remotes || load_remotes(r, remotes);
}

int main(int argc, char **argv)
{
    struct run r = {.options = {.dialect = GN_DIALECT_2020_12}};
    struct arguments args = {0};
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was found is said even if the next case crashes */
    bool ok = read_arguments(&r, argc, argv, &args) && prepare(&r, &args);
    gn_free(args.paths.v);
    for (size_t i = 0; ok && i < r.files.count; i++)
        r.has_bad_file = !run_file(&r, r.files.v[i]) || r.has_bad_file;
    if (ok)
        printf("%lu passed, %lu failed\n", r.passed, r.failed);
    for (size_t i = 0; i < r.files.count; i++)
        gn_free(r.files.v[i]);
    gn_free(r.files.v);
    for (size_t i = 0; i < r.remote_count; i++) {
        gn_json_release(&r.remotes[i].doc);
        gn_free(r.remotes[i].uri);
    }
    gn_free(r.remotes);
    gn_free(r.documents);
    if (!ok || r.has_bad_file)
        return EXIT_USAGE;
    return r.failed == 0 && r.passed > 0 ? EXIT_FINE : EXIT_FAILED;
}
