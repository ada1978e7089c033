/* render.c - elements and lists as bytes, each written once. */
#include "registry/render.h"

#include "call/call.h"
#include "util/alloc.h"

#include <sodium.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 20) /* as an answer: what is larger fits none */

/* One list in one form. */
struct gn_rendering {
    struct gn_rendering *next; /* in other forms */
    uint32_t form;
    bool was_listed; /* as a whole */
    uint64_t digest; /* 0: not made yet */
    char *text;      /* the elements with commas between; NULL: not made */
    size_t *begins;  /* of the elements in text, and where one more would begin */
};

/* Never 0, which stands for none. Keyed: nobody can make two lists that look the same to us. */
static uint64_t digest_of(const struct gn_snapshot *s, const void *data, size_t len)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t digest;
    _Static_assert(sizeof hash == sizeof digest, "a digest is one hash");
    crypto_shorthash(hash, data, len, s->cursor_key);
    memcpy(&digest, hash, sizeof digest);
    return digest ? digest : 1;
}

static uint32_t form_of(struct gn_view view)
{
    return (uint32_t)view.revision * 2 + view.inlines;
}

/* ---------------------------------------------------------------- elements */

static struct gn_rendered *render(const struct gn_snapshot *s, const struct gn_component *c,
                                  struct gn_view view, const char *versions)
{
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    struct gn_rendered *r = NULL;
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_component_write_versions(c, view, versions, &w);
    if (!text.overflow) {
        r = gn_malloc(sizeof *r + text.len);
        *r = (struct gn_rendered){
            .form = form_of(view), .digest = digest_of(s, text.data, text.len), .len = text.len};
        memcpy(r->text, text.data, text.len);
    }
    gn_buf_release(&text);
    return r;
}

const struct gn_rendered *gn_component_rendered(const struct gn_snapshot *s, struct gn_component *c,
                                                struct gn_view view)
{
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    view.inlines = view.inlines && (c->input_inline || c->output_inline);
    for (const struct gn_rendered *r = c->rendered; r; r = r->next) {
        if (r->form == form_of(view))
            return r;
    }
    struct gn_rendered *r = render(s, c, view, NULL);
    if (r) {
        r->next = c->rendered;
        c->rendered = r;
    }
    return r;
}

/* An element of this snapshot. *ret_own is what the caller frees: with its versions it is this
 * snapshot's alone, and not kept. NULL: larger than any answer. */
static const struct gn_rendered *element(const struct gn_snapshot *s, struct gn_component *c,
                                         struct gn_view view, struct gn_rendered **ret_own)
{
    const struct gn_map *versions = &s->kinds[c->kind].versions;
    const char *text = versions->count ? gn_map_find(versions, c->key) : NULL;
    *ret_own = text ? render(s, c, view, text) : NULL;
    return text ? *ret_own : gn_component_rendered(s, c, view);
}

/* ---------------------------------------------------------------- lists */

static struct gn_rendering *rendering_of(const struct gn_snapshot *s, enum gn_kind kind,
                                         struct gn_view view)
{
    /* What is kept of a snapshot changes nothing about it. */
    struct gn_snapshot_kind *k = (struct gn_snapshot_kind *)(uintptr_t)&s->kinds[kind];
    for (struct gn_rendering *r = k->renderings; r; r = r->next) {
        if (r->form == form_of(view))
            return r;
    }
    struct gn_rendering *r = gn_calloc(1, sizeof *r);
    r->form = form_of(view);
    r->next = k->renderings;
    k->renderings = r;
    return r;
}

static void write_one(const struct gn_snapshot *s, struct gn_component *c, struct gn_view view,
                      struct gn_jw *w)
{
    struct gn_rendered *own;
    const struct gn_rendered *r = element(s, c, view, &own);
    if (r)
        gn_jw_raw(w, NULL, r->text, r->len);
    else
        gn_component_write(c, view, w); /* the answer will be too large */
    gn_free(own);
}

/* The whole list in one piece. Too large a one stays as it is, in pieces. */
static void join(const struct gn_snapshot *s, enum gn_kind kind, struct gn_view view,
                 struct gn_rendering *r)
{
    const struct gn_snapshot_kind *k = &s->kinds[kind];
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    struct gn_jw w;
    size_t *begins = gn_calloc(k->count + 1, sizeof *begins);
    gn_jw_init(&w, &text);
    gn_jw_array(&w, NULL);
    for (size_t i = 0; i < k->count; i++) {
        begins[i] = i ? text.len + 1 : text.len; /* behind the comma to come */
        write_one(s, k->v[i], view, &w);
    }
    begins[k->count] = text.len + 1;
    if (text.overflow) {
        gn_free(begins);
    } else {
        r->begins = begins;
        r->text = gn_buf_take(&text, NULL);
    }
    gn_buf_release(&text);
}

void gn_snapshot_write_slice(const struct gn_snapshot *s, enum gn_kind kind, size_t from,
                             size_t count, struct gn_view view, struct gn_jw *w)
{
    const struct gn_snapshot_kind *k = &s->kinds[kind];
    struct gn_rendering *r = rendering_of(s, kind, view);
    if (count == 0)
        return;
    if (count == k->count) {
        if (r->was_listed && !r->text)
            join(s, kind, view, r);
        r->was_listed = true;
    }
    if (r->text) {
        size_t begin = r->begins[from];
        gn_jw_raw(w, NULL, r->text + begin, r->begins[from + count] - 1 - begin);
        return;
    }
    for (size_t i = from; i < from + count; i++)
        write_one(s, k->v[i], view, w);
}

uint64_t gn_snapshot_digest(struct gn_snapshot *s, enum gn_kind kind, struct gn_view view)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const struct gn_snapshot_kind *k = &s->kinds[kind];
    struct gn_rendering *r = rendering_of(s, kind, view);
    if (r->digest)
        return r->digest;
    uint64_t *digests = gn_calloc(k->count + 1, sizeof *digests);
    for (size_t i = 0; i < k->count; i++) {
        struct gn_rendered *own;
        const struct gn_rendered *one = element(s, k->v[i], view, &own);
        digests[i] = one ? one->digest : 0;
        gn_free(own);
    }
    r->digest = digest_of(s, digests, k->count * sizeof *digests);
    gn_free(digests);
    return r->digest;
}

void gn_renderings_free(struct gn_rendering *r)
{
    while (r) {
        struct gn_rendering *next = r->next;
        gn_free(r->text);
        gn_free(r->begins);
        gn_free(r);
        r = next;
    }
}
