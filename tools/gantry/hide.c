/* hide.c - secrets in entries of configuration files, blotted out. */
#include "hide.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define HIDDEN "\"" GN_REDACTED "\""

/* Names of what nobody should read, and of options after which it stands. */
static const char secret_names[] =
    "access_token api_key apikey auth auth_token authorization bearer client_secret cookie "
    "credential credentials header key pass passwd password pat primary_api_key private_key "
    "refresh_token secret token";

/* One pass over a file: the containers that are open. */
struct walk {
    const struct gn_jsonc *j;
    const struct gn_redactor *r;
    struct {
        bool is_object, is_named; /* the name of the member has come */
        bool hides_next;          /* of an array: the element before is such an option */
        char name[64], own[64];   /* of the member that is read; under which this stands */
    } open[GN_JSON_MAX_DEPTH + 1];
    size_t depth;
};

struct gn_redactor *gn_hide_new(void)
{
    char *names[sizeof(secret_names)] = {0};
    GN_AUTO_FREE char *all = gn_strdup(secret_names);
    char *rest = all;
    for (size_t n = 0; rest; n++)
        names[n] = strsep(&rest, " ");
    return gn_redactor_new(names);
}

/* ---------------------------------------------------------------- arguments */

static bool hides_next(const struct gn_redactor *r, const char *arg)
{
    if (gn_streq(arg, "-H"))
        return true;
    const char *name = arg + strspn(arg, "-");
    if (name == arg)
        return false;
    const char *last = strrchr(name, '-'); /* --github-token */
    return gn_redact_name(r, name, strlen(name)) ||
           (last && gn_redact_name(r, last + 1, strlen(last + 1)));
}

/* --github-token=..., GITHUB_TOKEN=...: the length of what may be shown; 0: all. */
static size_t shown_of_pair(const struct gn_redactor *r, const char *arg)
{
    size_t dashes = strspn(arg, "-"), equals = strcspn(arg, "=");
    if (!arg[equals] || equals <= dashes)
        return 0;
    size_t from = equals;
    while (from > dashes && arg[from - 1] != '-' && arg[from - 1] != '_')
        from--;
    bool is_secret = gn_redact_name(r, arg + dashes, equals - dashes) ||
                     gn_redact_name(r, arg + from, equals - from);
    return is_secret ? equals + 1 : 0;
}

static void add_arg(const struct gn_redactor *r, const char *arg, struct gn_buf *out)
{
    struct gn_buf plain = GN_BUF_INIT((size_t)1 << 20);
    size_t part = shown_of_pair(r, arg);
    if (part)
        gn_buf_addf(out, "%.*s" GN_REDACTED, (int)part, arg);
    else if (gn_redact_text(r, arg, strlen(arg), &plain))
        gn_buf_adds(out, gn_buf_str(&plain));
    else
        gn_buf_adds(out, *arg ? arg : "\"\"");
    gn_buf_release(&plain);
}

char *gn_hide_command(const gantry_json *command, const gantry_json *args)
{
    struct gn_redactor *r = gn_hide_new();
    struct gn_buf out = GN_BUF_INIT((size_t)1 << 20);
    const gantry_json *v = NULL;
    const char *program = gn_json_cstr(command);
    bool hides = false;
    gn_buf_adds(&out, program ? program : "?");
    while ((v = gn_json_next(args, v))) {
        const char *arg = gn_json_cstr(v);
        gn_buf_addc(&out, ' ');
        if (!arg || hides)
            gn_buf_adds(&out, arg ? GN_REDACTED : "?");
        else
            add_arg(r, arg, &out);
        hides = arg && !hides && hides_next(r, arg);
    }
    gn_redactor_free(r);
    return gn_buf_take(&out, NULL);
}

/* ---------------------------------------------------------------- texts of a file */

/* The string at `at` of the plain text, cut and without its quotes; escapes stay. */
static void copy_name(const struct gn_jsonc *j, size_t at, size_t end, char out[64])
{
    size_t len = GN_MIN(end - at - 2, (size_t)63);
    memcpy(out, j->plain + at + 1, len);
    out[len] = '\0';
}

/* True if the text at [at, end), a value within the container that is open, is a secret. */
static bool is_secret(struct walk *w, size_t at, size_t end)
{
    if (w->depth == 0)
        return false;
    GN_AUTO_FREE char *text = gn_strndup(w->j->plain + at + 1, end - at - 2);
    bool is_object = w->open[w->depth].is_object;
    bool hides = w->open[w->depth].hides_next;
    w->open[w->depth].hides_next = !is_object && !hides && hides_next(w->r, text);
    if (gn_starts_with(text, "${") || !*text)
        return false;
    if (!is_object)
        return hides || shown_of_pair(w->r, text);
    const char *name = w->open[w->depth].name, *own = w->open[w->depth].own;
    return gn_streq(own, "env") || gn_streq(own, "headers") || shown_of_pair(w->r, text) ||
           gn_redact_name(w->r, name, strlen(name));
}

static void enter(struct walk *w, char c)
{
    if (w->depth == GN_JSON_MAX_DEPTH)
        return;
    char own[64] = "";
    if (w->depth > 0 && w->open[w->depth].is_object)
        memcpy(own, w->open[w->depth].name, sizeof(own));
    w->depth++;
    w->open[w->depth].is_object = c == '{';
    w->open[w->depth].is_named = false;
    w->open[w->depth].hides_next = false;
    memcpy(w->open[w->depth].own, own, sizeof(own));
}

/* A string: a name is noted, a value shown or not. Returns its end. */
static size_t take_string(struct walk *w, size_t at, size_t from, size_t to, struct gn_buf *out)
{
    size_t end = gn_jsonc_string_end(w->j, at);
    bool is_object = w->depth > 0 && w->open[w->depth].is_object;
    bool hidden = false;
    if (is_object && !w->open[w->depth].is_named) {
        copy_name(w->j, at, end, w->open[w->depth].name);
        w->open[w->depth].is_named = true;
    } else {
        hidden = is_secret(w, at, end);
    }
    if (at >= to || end <= from)
        return end;
    struct gn_buf plain = GN_BUF_INIT((size_t)1 << 20);
    size_t first = GN_MAX(at, from), len = GN_MIN(end, to) - first;
    if (hidden)
        gn_buf_adds(out, HIDDEN);
    else if (gn_redact_text(w->r, w->j->text + first, len, &plain))
        gn_buf_adds(out, gn_buf_str(&plain));
    else
        gn_buf_add(out, w->j->text + first, len);
    gn_buf_release(&plain);
    return end;
}

/* A comment: one with a text in it may be an entry that is out of use. Returns its end. */
static size_t take_comment(const struct walk *w, size_t at, size_t from, size_t to,
                           struct gn_buf *out)
{
    const char *text = w->j->text;
    size_t end = gn_jsonc_comment_end(w->j, at);
    struct gn_buf plain = GN_BUF_INIT((size_t)1 << 20);
    if (at >= to || end <= from)
        return end;
    size_t first = GN_MAX(at, from), len = GN_MIN(end, to) - first;
    if (memchr(text + at, '"', end - at))
        gn_buf_adds(out, text[at + 1] == '/' ? "// ..." : "/* ... */");
    else if (gn_redact_text(w->r, text + first, len, &plain))
        gn_buf_adds(out, gn_buf_str(&plain));
    else
        gn_buf_add(out, text + first, len);
    gn_buf_release(&plain);
    return end;
}

void gn_hide_text(const struct gn_jsonc *j, size_t from, size_t to, struct gn_buf *out)
{
    struct walk *w = gn_calloc(1, sizeof(*w));
    struct gn_redactor *r = gn_hide_new();
    *w = (struct walk){.j = j, .r = r};
    for (size_t at = 0; at < to && at < j->len;) {
        char c = j->plain[at];
        if (c == '"') {
            at = take_string(w, at, from, to, out);
            continue;
        }
        if (gn_jsonc_comment_end(j, at) > at) {
            at = take_comment(w, at, from, to, out);
            continue;
        }
        if (c == '{' || c == '[')
            enter(w, c);
        else if ((c == '}' || c == ']') && w->depth > 0)
            w->depth--;
        else if (c == ',' && w->depth > 0)
            w->open[w->depth].is_named = false;
        if (at >= from)
            gn_buf_addc(out, j->text[at]);
        at++;
    }
    gn_redactor_free(r);
    gn_free(w);
}
