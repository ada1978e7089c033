/* form_cache.c - forms that were made before.
 *
 * To make one takes about fifteen times as long as to write it. They are known by what they say,
 * not by where they stand: a table may be made anew for each question, with other choices.
 */
#include "plugin/form_internal.h"

#include "call/journal.h"
#include "plugin/abi_internal.h"
#include "util/alloc.h"
#include "util/map.h"

#include <string.h>

#define FORMS_MAX 64 /* of a plugin; then it begins anew */
#define ROWS_MAX 1024
#define SAID_MAX ((size_t)256 * 1024)

struct gn_forms {
    struct gn_map by_digest;
};

static void say_text(struct gn_buf *out, const char *s)
{
    gn_buf_addc(out, s ? 't' : 'n');
    if (s)
        gn_buf_add(out, s, strlen(s) + 1);
}

static void say_list(struct gn_buf *out, const char *const *list)
{
    for (; list && *list; list++)
        say_text(out, *list);
    say_text(out, NULL);
}

static void say_row(struct gn_buf *out, const gantry_arg *row)
{
    const uint32_t numbers[] = {row->type,     row->offset,     row->elem_size,
                                row->optional, row->length.min, row->length.max};
    const double range[] = {row->range.min, row->range.max};
    const char *const texts[] = {row->name,   row->description,  row->pattern,
                                 row->format, row->default_json, row->title,
                                 row->header, row->schema_json};
    gn_buf_add(out, numbers, sizeof numbers);
    gn_buf_add(out, range, sizeof range);
    for (size_t i = 0; i < GN_COUNT(texts); i++)
        say_text(out, texts[i]);
    say_list(out, row->one_of);
    say_list(out, row->titles);
}

/* All that a form says. False: it is one to be made, or to be refused, each time. */
static bool say(struct gn_buf *out, const gantry_form *f)
{
    gantry_arg row;
    say_text(out, f->schema_json);
    if (!f->args)
        return f->schema_json != NULL;
    if (f->schema_json || f->arg_size != sizeof row)
        return false;
    gn_buf_add(out, &f->in_size, sizeof f->in_size);
    for (size_t i = 0;; i++) {
        memcpy(&row, &f->args[i], sizeof row);
        if (!row.name)
            return !out->overflow;
        if (row.fields || i >= ROWS_MAX)
            return false;
        say_row(out, &row);
    }
}

static bool digest(const gantry_form *raw, unsigned char ret[GN_JOURNAL_DIGEST])
{
    struct gn_buf said = GN_BUF_INIT(SAID_MAX);
    gantry_form f = {0};
    bool is_known = raw &&
                    gn_abi_copy(&f, sizeof f, offsetof(gantry_form, reserved2), raw, NULL) == 0 &&
                    say(&said, &f);
    if (is_known)
        gn_journal_digest(ret, &(struct gn_piece){said.data, said.len}, 1);
    gn_buf_release(&said);
    return is_known;
}

static void unref(void *form)
{
    gn_form_unref(form);
}

int gn_forms_get(struct gn_forms **forms, const gantry_form *raw, struct gn_form **ret,
                 struct gn_error *err)
{
    unsigned char key[GN_JOURNAL_DIGEST];
    bool is_known = digest(raw, key);
    *ret = is_known && *forms ? gn_map_findn(&(*forms)->by_digest, key, sizeof key) : NULL;
    if (*ret) {
        gn_form_ref(*ret);
        return 0;
    }
    int rc = gn_form_make(raw, ret, err);
    if (rc || !is_known)
        return rc;
    if (*forms && (*forms)->by_digest.count >= FORMS_MAX) {
        gn_forms_free(*forms);
        *forms = NULL;
    }
    if (!*forms) {
        *forms = gn_calloc(1, sizeof **forms);
        gn_map_init(&(*forms)->by_digest);
    }
    gn_map_putn(&(*forms)->by_digest, key, sizeof key, gn_form_ref(*ret));
    return 0;
}

void gn_forms_free(struct gn_forms *forms)
{
    if (!forms)
        return;
    gn_map_release(&forms->by_digest, unref);
    gn_free(forms);
}
