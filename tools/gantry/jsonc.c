/* jsonc.c - JSON with comments: what is not JSON is made blank, byte for byte, so that the strict
 * parser reads the rest and everything still stands where it does in the file.
 */
#include "jsonc.h"

#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "\xef\xbb\xbf" /* byte order mark */

static const struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH, .max_nodes = 4000000};

/* ---------------------------------------------------------------- reading */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the string whose quote stands at `at`: behind its other quote, or the text's end. */
static size_t string_end(const char *s, size_t len, size_t at)
{
    for (at++; at < len && s[at] != '"'; at++)
        at += s[at] == '\\';
    return GN_MIN(at + 1, len);
}

/* The end of the comment at `at`; 0: it has none. */
static size_t comment_end(const char *s, size_t len, size_t at)
{
    if (s[at + 1] == '/') {
        const char *stop = memchr(s + at, '\n', len - at);
        size_t end = stop ? (size_t)(stop - s) : len;
        return stop && stop[-1] == '\r' ? end - 1 : end;
    }
    const char *stop = len - at > 3 ? memmem(s + at + 2, len - at - 2, "*/", 2) : NULL;
    return stop ? (size_t)(stop - s) + 2 : 0;
}

static void blank(char *s, size_t from, size_t to)
{
    for (; from < to; from++) {
        if (s[from] != '\n' && s[from] != '\r')
            s[from] = ' ';
    }
}

/* 1 + the place of a comment that has no end; 0: fine. */
static size_t blank_extras(char *s, size_t len)
{
    size_t comma = 0, at = 0;
    char last = 0; /* before the comma, or of the text */
    bool has_comma = false;
    if (len >= strlen(MARK) && memcmp(s, MARK, strlen(MARK)) == 0)
        blank(s, 0, strlen(MARK));
    while (at < len) {
        char c = s[at];
        if (is_blank(c)) {
            at++;
        } else if (c == '/' && at + 1 < len && (s[at + 1] == '/' || s[at + 1] == '*')) {
            size_t end = comment_end(s, len, at);
            if (end == 0)
                return at + 1;
            blank(s, at, end);
            at = end;
        } else if (c == ',' && !has_comma && last != 0 && last != '[' && last != '{') {
            has_comma = true;
            comma = at++;
        } else {
            if (has_comma && (c == '}' || c == ']'))
                s[comma] = ' ';
            has_comma = false;
            last = c;
            at = c == '"' ? string_end(s, len, at) : at + 1;
        }
    }
    return 0;
}

/* Line and column instead of the byte. */
static void name_place(const char *text, size_t len, struct gn_error *err)
{
    static const char mark[] = " at byte ";
    char *at = err ? strstr(err->text, mark) : NULL;
    if (!at)
        return;
    size_t offset = 0, line = 1, column = 1;
    const char *rest = at + strlen(mark);
    for (; *rest >= '0' && *rest <= '9'; rest++)
        offset = GN_MIN(offset * 10 + (size_t)(*rest - '0'), len);
    for (size_t i = 0; i < offset; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    GN_AUTO_FREE char *before = gn_strndup(err->text, (size_t)(at - err->text));
    GN_AUTO_FREE char *after = gn_strdup(rest);
    gn_error_set(err, err->code, "%s at line %zu, column %zu%s", before, line, column, after);
}

int gn_jsonc_parse(struct gn_jsonc *j, const char *text, size_t len, struct gn_error *err)
{
    static const char nothing[] = "{}";
    struct gn_error local = {0};
    if (!err)
        err = &local;
    *j = (struct gn_jsonc){0};
    if (len > GN_JSONC_MAX)
        return gn_error_set(err, GN_ETOOBIG, "is larger than %zu MiB", GN_JSONC_MAX >> 20);
    j->text = gn_strndup(text, len);
    j->plain = gn_strndup(text, len);
    j->len = len;
    size_t open = blank_extras(j->plain, len);
    int rc = open ? gn_error_set(err, GN_EINVAL, "not JSON: a comment without end at byte %zu",
                                 open - 1)
                  : 0;
    bool is_empty = strspn(j->plain, " \t\r\n") == len;
    if (rc == 0)
        rc = gn_json_parse_copy(&j->doc, is_empty ? nothing : j->plain,
                                is_empty ? strlen(nothing) : len, &limits, err);
    if (rc) {
        name_place(text, len, err);
        gn_jsonc_release(j);
    }
    return rc;
}

static int open_regular(const char *path, const unsigned *owner, struct gn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return gn_error_set(err, -errno, "%s: %s", path, strerror(errno));
    struct stat st;
    int rc = fstat(fd, &st) == 0 ? 0 : -errno;
    if (rc)
        gn_error_set(err, rc, "%s: %s", path, strerror(-rc));
    else if (!S_ISREG(st.st_mode))
        rc = gn_error_set(err, GN_EINVAL, "%s: is no regular file", path);
    else if (owner && st.st_uid != *owner && st.st_uid != 0)
        rc = gn_error_set(err, GN_EPERM, "%s: belongs to another user", path);
    else if (st.st_size > (off_t)GN_JSONC_MAX)
        rc = gn_error_set(err, GN_ETOOBIG, "%s: is larger than %zu MiB", path, GN_JSONC_MAX >> 20);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int gn_jsonc_read(struct gn_jsonc *j, const char *path, const unsigned *owner, struct gn_error *err)
{
    *j = (struct gn_jsonc){0};
    int fd = open_regular(path, owner, err);
    if (fd < 0)
        return fd;
    struct gn_buf text = GN_BUF_INIT(GN_JSONC_MAX);
    int rc = gn_read_all(fd, &text);
    close(fd);
    if (rc) {
        gn_error_set(err, rc, "%s: %s", path, strerror(-rc));
    } else {
        rc = gn_jsonc_parse(j, gn_buf_str(&text), text.len, err);
        if (rc)
            gn_error_prefix(err, "%s: ", path);
    }
    gn_buf_release(&text);
    return rc;
}

void gn_jsonc_release(struct gn_jsonc *j)
{
    gn_json_release(&j->doc);
    gn_free(j->text);
    gn_free(j->plain);
    *j = (struct gn_jsonc){0};
}

/* ---------------------------------------------------------------- where things stand
 *
 * `plain` has been parsed: from here on its grammar is right. */

static size_t skip_blanks(const struct gn_jsonc *j, size_t at)
{
    while (at < j->len && is_blank(j->plain[at]))
        at++;
    return at;
}

size_t gn_jsonc_string_end(const struct gn_jsonc *j, size_t at)
{
    return string_end(j->plain, j->len, at);
}

size_t gn_jsonc_comment_end(const struct gn_jsonc *j, size_t at)
{
    /* What is blank for JSON, and no blank. */
    bool is_comment = at < j->len && j->text[at] == '/' && j->plain[at] == ' ';
    return is_comment ? comment_end(j->text, j->len, at) : at;
}

size_t gn_jsonc_skip(const struct gn_jsonc *j, size_t at, size_t end)
{
    while (at < end && (is_blank(j->text[at]) || gn_jsonc_comment_end(j, at) > at))
        at = is_blank(j->text[at]) ? at + 1 : gn_jsonc_comment_end(j, at);
    return GN_MIN(at, end);
}

static size_t value_end(const struct gn_jsonc *j, size_t at)
{
    size_t depth = 0;
    do {
        char c = j->plain[at];
        if (c == '"') {
            at = string_end(j->plain, j->len, at);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
        if (c == '{' || c == '[' || c == '}' || c == ']' || c == ',' || c == ':' || is_blank(c))
            continue;
        while (at < j->len && !is_blank(j->plain[at]) && !strchr(",:]}", j->plain[at]))
            at++;
    } while (depth > 0 && at < j->len);
    return at;
}

struct gn_jsonc_span gn_jsonc_root(const struct gn_jsonc *j)
{
    size_t from = skip_blanks(j, 0);
    return (struct gn_jsonc_span){from, from < j->len ? value_end(j, from) : from};
}

bool gn_jsonc_next(const struct gn_jsonc *j, struct gn_jsonc_span object,
                   const struct gn_jsonc_member *prev, struct gn_jsonc_member *ret)
{
    if (object.from >= object.to || j->plain[object.from] != '{')
        return false;
    size_t at = skip_blanks(j, prev ? prev->value.to : object.from + 1);
    if (prev && j->plain[at] == ',')
        at = skip_blanks(j, at + 1);
    if (at >= object.to || j->plain[at] != '"')
        return false;
    ret->name = (struct gn_jsonc_span){at, string_end(j->plain, j->len, at)};
    at = skip_blanks(j, ret->name.to);
    at = skip_blanks(j, at + 1); /* the colon */
    ret->value = (struct gn_jsonc_span){at, value_end(j, at)};
    return true;
}

/* True if the name, written with or without escapes, is that. */
static bool is_named(const struct gn_jsonc *j, struct gn_jsonc_span name, const char *wanted)
{
    struct gn_json_doc doc;
    if (gn_json_parse_copy(&doc, j->plain + name.from, name.to - name.from, NULL, NULL))
        return false;
    bool is = gn_json_streq(gn_json_root(&doc), wanted);
    gn_json_release(&doc);
    return is;
}

bool gn_jsonc_find(const struct gn_jsonc *j, struct gn_jsonc_span object, const char *name,
                   struct gn_jsonc_member *ret)
{
    struct gn_jsonc_member m, *prev = NULL;
    bool found = false;
    while (gn_jsonc_next(j, object, prev, &m)) {
        prev = &m;
        if (is_named(j, m.name, name)) {
            *ret = m;
            found = true;
        }
    }
    return found;
}
