/* read.c - JSON for those who use the library: reading by pointer, writing from a template. */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

#define TOKEN_MAX 4096

/* One step of a pointer: "~0" is "~", "~1" is "/" (RFC 6901, section 3). */
static const gantry_json *step(const gantry_json *v, const char *token, size_t len)
{
    char name[TOKEN_MAX];
    size_t n = 0;
    if (len >= sizeof(name))
        return NULL;
    for (size_t i = 0; i < len; i++) {
        name[n] = token[i];
        if (token[i] == '~' && i + 1 < len && (token[i + 1] == '0' || token[i + 1] == '1'))
            name[n] = token[++i] == '0' ? '~' : '/';
        n++;
    }
    name[n] = '\0';
    if (gn_json_type(v) == GN_JSON_OBJECT)
        return gn_json_getn(v, name, n);
    int64_t index;
    bool is_index = name[0] >= '0' && name[0] <= '9' && (name[0] != '0' || n == 1) &&
                    gn_parse_int64(name, &index);
    return is_index ? gn_json_at(v, (size_t)index) : NULL;
}

const gantry_json *gantry_read(const gantry_json *v, const char *pointer)
{
    const char *at = pointer ? pointer : "";
    while (v && *at == '/') {
        size_t len = strcspn(++at, "/");
        v = step(v, at, len);
        at += len;
    }
    return *at ? NULL : v;
}

const char *gantry_read_text(const gantry_json *v, const char *pointer)
{
    return gn_json_cstr(gantry_read(v, pointer));
}

const char *gantry_read_bytes(const gantry_json *v, const char *pointer, size_t *ret_size)
{
    return gn_json_str(gantry_read(v, pointer), ret_size);
}

int64_t gantry_read_int(const gantry_json *v, const char *pointer, int64_t otherwise)
{
    int64_t i;
    return gn_json_int(gantry_read(v, pointer), &i) ? i : otherwise;
}

double gantry_read_num(const gantry_json *v, const char *pointer, double otherwise)
{
    double d;
    return gn_json_num(gantry_read(v, pointer), &d) ? d : otherwise;
}

bool gantry_read_bool(const gantry_json *v, const char *pointer, bool otherwise)
{
    bool b;
    return gn_json_bool(gantry_read(v, pointer), &b) ? b : otherwise;
}

int gantry_read_type(const gantry_json *v, const char *pointer)
{
    return gn_json_type(gantry_read(v, pointer));
}

size_t gantry_read_count(const gantry_json *v, const char *pointer)
{
    return gn_json_count(gantry_read(v, pointer));
}

const gantry_json *gantry_read_next(const gantry_json *v, const gantry_json *prev)
{
    return gn_json_next(v, prev);
}

const char *gantry_read_name(const gantry_json *v)
{
    return gn_json_name(v, NULL);
}

gantry_json *gantry_parse_json(const char *text, gantry_client_error *err)
{
    struct gn_json_doc doc;
    struct gn_error why = {0};
    size_t len = text ? strlen(text) : 0;
    int rc = gn_json_parse_copy(&doc, text ? text : "", len, NULL, &why);
    /* All of it in one piece, which begins with the root. */
    gantry_json *v = rc ? NULL : gn_try_malloc(doc.count * sizeof(*v) + len + 1);
    if (!v && err) {
        *err = (gantry_client_error){.status = GANTRY_CLIENT_INVALID};
        snprintf(err->message, sizeof(err->message), "%s", rc ? why.text : "too large");
    }
    if (v) {
        char *own = (char *)(v + doc.count);
        memcpy(own, doc.text, len + 1);
        for (size_t i = 0; i < doc.count; i++) {
            v[i] = doc.nodes[i];
            if (v[i].text)
                v[i].text = own + (v[i].text - doc.text);
        }
    }
    if (rc == 0)
        gn_json_release(&doc);
    return v;
}

char *gantry_read_print(const gantry_json *v)
{
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    if (!v || gn_json_write(&out, v)) {
        gn_buf_release(&out);
        return NULL;
    }
    return gn_buf_take(&out, NULL);
}

void gantry_client_free(void *text)
{
    gn_free(text);
}

/* ---------------------------------------------------------------- writing */

/* One conversion, at the character behind '%'; returns what stands behind it, NULL if it is none.
 */
static const char *add_conversion(struct gn_buf *out, const char *at, va_list *ap)
{
    int longs = 0;
    bool is_size = *at == 'z';
    at += is_size;
    while (*at == 'l' && longs < 2) {
        longs++;
        at++;
    }
    bool is_unsigned = *at == 'u';
    const char *s;
    switch (*at) {
    case 's':
        s = va_arg(*ap, const char *);
        if (s)
            gn_json_write_str(out, s, strlen(s));
        else
            gn_buf_adds(out, "null");
        return at + 1;
    case 'd':
    case 'i':
    case 'u':
        if (is_size)
            gn_buf_addf(out, is_unsigned ? "%zu" : "%zd", va_arg(*ap, size_t));
        else if (longs == 2)
            gn_buf_addf(out, is_unsigned ? "%llu" : "%lld", va_arg(*ap, long long));
        else if (longs)
            gn_buf_addf(out, is_unsigned ? "%lu" : "%ld", va_arg(*ap, long));
        else
            gn_buf_addf(out, is_unsigned ? "%u" : "%d", va_arg(*ap, int));
        return at + 1;
    case 'f':
    case 'g':
        gn_json_write_num(out, va_arg(*ap, double));
        return at + 1;
    case '%':
        gn_buf_addc(out, '%');
        return at + 1;
    default:
        return NULL;
    }
}

char *gantry_format_json(const char *format, ...)
{
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    struct gn_json_doc doc = {0};
    va_list ap;
    va_start(ap, format);
    const char *at = format;
    while (at && *at) {
        if (*at == '%')
            at = add_conversion(&out, at + 1, &ap);
        else
            gn_buf_addc(&out, *at == '\'' ? '"' : *at), at++;
    }
    va_end(ap);
    bool ok = at && gn_json_parse_copy(&doc, gn_buf_str(&out), out.len, NULL, NULL) == 0;
    gn_json_release(&doc);
    if (ok)
        return gn_buf_take(&out, NULL);
    gn_buf_release(&out);
    return NULL;
}

/* ---------------------------------------------------------------- all texts of a result */

static void add_text(struct gn_buf *out, const gantry_json *block)
{
    const char *s = gn_json_cstr(gn_json_get(block, "text"));
    if (s && out->len)
        gn_buf_addc(out, '\n');
    if (s)
        gn_buf_adds(out, s);
}

const char *gantry_request_text(gantry_request *r)
{
    static const char *const lists[] = {"content", "contents", "messages"};
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    GN_CHECK(r, GN_REQUEST_MAGIC);
    for (size_t i = 0; i < GN_COUNT(lists) && !r->text; i++) {
        const gantry_json *item = NULL, *list = gn_json_get(r->result, lists[i]);
        while ((item = gn_json_next(list, item))) {
            const gantry_json *content = gn_json_get(item, "content");
            add_text(&out, content ? content : item);
        }
    }
    if (!r->text)
        r->text = gn_buf_take(&out, NULL);
    return r->text ? r->text : "";
}
