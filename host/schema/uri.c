/* uri.c - references resolved against a base, as RFC 3986 has it in section 5.2. */
#include "schema/uri.h"

#include "schema/chars.h"
#include "util/error.h"

#include <string.h>

struct part {
    const char *s;
    size_t len;
    bool there;
};

/* scheme ":" "//" authority path "?" query; the fragment is cut off before. */
struct uri {
    struct part scheme, authority, path, query;
};

static bool is_scheme(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool other = gn_is_digit(c) || gn_is_one_of(c, "+-.");
        if (!gn_is_alpha(c) && (i == 0 || !other))
            return false;
    }
    return len > 0;
}

static size_t span(const char *s, size_t len, const char *stop)
{
    size_t n = 0;
    while (n < len && (s[n] == '\0' || !strchr(stop, s[n])))
        n++;
    return n;
}

static void split(struct uri *u, const char *s, size_t len)
{
    memset(u, 0, sizeof(*u));
    size_t n = span(s, len, ":/?");
    if (n < len && s[n] == ':' && is_scheme(s, n)) {
        u->scheme = (struct part){s, n, true};
        s += n + 1;
        len -= n + 1;
    }
    if (len >= 2 && s[0] == '/' && s[1] == '/') {
        n = span(s + 2, len - 2, "/?");
        u->authority = (struct part){s + 2, n, true};
        s += n + 2;
        len -= n + 2;
    }
    n = span(s, len, "?");
    u->path = (struct part){s, n, true};
    if (n < len)
        u->query = (struct part){s + n + 1, len - n - 1, true};
}

/* Section 5.2.4, in place, behind out->data[from]. Returns the new length. */
static size_t remove_dots(char *path, size_t len)
{
    size_t in = 0, out = 0;
    while (in < len) {
        size_t n = span(path + in + 1, len - in - 1, "/") + 1; /* one segment with its slash */
        bool slash = path[in] == '/';
        const char *name = path + in + slash;
        size_t name_len = n - slash;
        bool last = in + n == len;
        if (name_len == 1 && name[0] == '.') {
            if (last && slash)
                path[out++] = '/';
        } else if (name_len == 2 && name[0] == '.' && name[1] == '.') {
            while (out > 0 && path[--out] != '/')
                ;
            if (last && slash)
                path[out++] = '/';
        } else {
            memmove(path + out, path + in, n);
            out += n;
        }
        in += n;
    }
    return out;
}

static void add_part(struct gn_buf *out, const char *before, const struct part *p,
                     const char *after)
{
    if (!p->there)
        return;
    gn_buf_adds(out, before);
    gn_buf_add(out, p->s, p->len);
    gn_buf_adds(out, after);
}

/* Section 5.2.3: the base's path up to its last slash, then the reference's. */
static void add_merged(struct gn_buf *out, const struct uri *base, const struct part *path)
{
    const char *slash = base->path.len ? memrchr(base->path.s, '/', base->path.len) : NULL;
    if (base->authority.there && base->path.len == 0)
        gn_buf_addc(out, '/');
    else if (slash)
        gn_buf_add(out, base->path.s, (size_t)(slash - base->path.s) + 1);
    gn_buf_add(out, path->s, path->len);
}

int gn_uri_resolve(const char *base, const char *ref, size_t len, struct gn_buf *out,
                   const char **ret_fragment)
{
    struct uri b, r;
    const char *hash = memchr(ref, '#', len);
    *ret_fragment = hash ? hash + 1 : NULL;
    len = hash ? (size_t)(hash - ref) : len;
    split(&b, base, span(base, strlen(base), "#"));
    split(&r, ref, len);
    bool own_path = r.scheme.there || r.authority.there || r.path.len > 0;
    add_part(out, "", r.scheme.there ? &r.scheme : &b.scheme, ":");
    add_part(out, "//", r.scheme.there || r.authority.there ? &r.authority : &b.authority, "");
    size_t from = out->len;
    if (!own_path)
        gn_buf_add(out, b.path.s, b.path.len);
    else if (r.scheme.there || r.authority.there || r.path.s[0] == '/')
        gn_buf_add(out, r.path.s, r.path.len);
    else
        add_merged(out, &b, &r.path);
    /* The dots of a URI without hierarchy (urn:a.b) are its own. */
    if (own_path && !out->overflow && out->len > from)
        gn_buf_cut(out, from + remove_dots(out->data + from, out->len - from));
    add_part(out, "?", own_path || r.query.there ? &r.query : &b.query, "");
    return out->overflow ? GN_ETOOBIG : 0;
}
