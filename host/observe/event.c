/* event.c - the processors of log lines. */
#include "observe/event.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <string.h>

#define ARENA_BYTES ((size_t)2 << 20)

static struct gn_arena *arena_of(struct gn_event *e)
{
    if (!e->has_arena)
        gn_arena_init(&e->arena, ARENA_BYTES);
    e->has_arena = true;
    return &e->arena;
}

static void add_field(struct gn_event *e, const char *key, const gantry_value *value)
{
    if (e->count == GN_COUNT(e->fields)) {
        e->left_out++;
        return;
    }
    e->fields[e->count++] = (struct gn_event_field){key, *value};
}

/* ---------------------------------------------------------------- scope */

/* What the line says itself goes before what is bound. */
static void add_bound(void *to, const char *name, const gantry_value *value)
{
    struct gn_event *e = to;
    for (uint32_t i = 0; i < e->count; i++) {
        if (gn_streq(e->fields[i].key, name))
            return;
    }
    add_field(e, name, value);
}

static void add_scope(struct gn_event *e)
{
    if (e->record->each_bound)
        e->record->each_bound(e->record->bound_arg, e->bind, add_bound, e);
}

/* ---------------------------------------------------------------- redact */

/* The text itself, or a copy without its secrets. */
static const char *redacted(struct gn_event *e, const char *text)
{
    size_t len = strlen(text);
    struct gn_buf clean = GN_BUF_INIT(len * 4 + 64);
    const char *result = text;
    if (gn_redact_text(e->redactor, text, len, &clean)) {
        result = clean.overflow ? NULL
                                : gn_arena_strndup(arena_of(e), gn_buf_str(&clean), clean.len);
        if (!result)
            result = GN_REDACTED;
    }
    gn_buf_release(&clean);
    return result;
}

static gantry_value redacted_json(struct gn_event *e, const gantry_json *json)
{
    struct gn_buf text = GN_BUF_INIT(GN_EVENT_VALUE_MAX);
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_redact_json(e->redactor, json, &w, NULL);
    gantry_value value = gantry_value_text("[too long]");
    const char *kept = text.overflow ? NULL
                                     : gn_arena_strndup(arena_of(e), gn_buf_str(&text), text.len);
    if (kept) {
        value.type = GN_VALUE_RAW;
        value.as.text = kept;
    }
    gn_buf_release(&text);
    return value;
}

static void redact_field(struct gn_event *e, struct gn_event_field *f)
{
    if (gn_redact_name(e->redactor, f->key, strlen(f->key)))
        f->value = gantry_value_text(GN_REDACTED);
    else if (f->value.type == GANTRY_VALUE_TEXT && f->value.as.text)
        f->value.as.text = redacted(e, f->value.as.text);
    else if (f->value.type == GANTRY_VALUE_JSON && f->value.as.json)
        f->value = redacted_json(e, f->value.as.json);
}

static void redact(struct gn_event *e)
{
    e->text = redacted(e, e->text);
    for (uint32_t i = 0; i < e->count; i++)
        redact_field(e, &e->fields[i]);
}

/* ---------------------------------------------------------------- time, level */

static void add_time(struct gn_event *e)
{
    gn_wall_format(gn_wall_ms(), e->time);
}

static void add_level(struct gn_event *e)
{
    e->level = gn_level_names[e->record->level];
}

/* ---------------------------------------------------------------- the chain */

const char *const gn_processor_names[] = {"scope", "redact", "time", "level", NULL};
static gn_processor *const processors[] = {add_scope, redact, add_time, add_level};

const char *const gn_bind_names[] = {"request_id", "session_id", "client",
                                     "principal",  "trace_id",   "transport",
                                     "method",     "component",  NULL};

bool gn_chain_add(struct gn_chain *chain, const char *name)
{
    for (size_t i = 0; gn_processor_names[i]; i++) {
        if (!gn_streq(name, gn_processor_names[i]) || chain->count == GN_CHAIN_MAX)
            continue;
        chain->v[chain->count++] = processors[i];
        return true;
    }
    return false;
}

uint32_t gn_bind_parse(const char *name)
{
    for (uint32_t i = 0; gn_bind_names[i]; i++) {
        if (gn_streq(name, gn_bind_names[i]))
            return 1u << i;
    }
    return 0;
}

/* What a plugin gives is not trusted to be of a known type. */
static void take_fields(struct gn_event *e, const struct gn_record *r)
{
    for (const gantry_field *f = r->fields; f && f->key; f++) {
        if (f->value.type >= GANTRY_VALUE_TEXT && f->value.type <= GANTRY_VALUE_JSON)
            add_field(e, f->key, &f->value);
    }
    for (size_t i = 0; i < r->text_count; i++) {
        gantry_value value = gantry_value_text(r->texts[i].value);
        add_field(e, r->texts[i].key, &value);
    }
    for (size_t i = 0; i < r->json_count; i++) {
        gantry_value value = gantry_value_text(r->json[i].json);
        value.type = GN_VALUE_RAW;
        add_field(e, r->json[i].key, &value);
    }
}

void gn_event_make(struct gn_event *e, const struct gn_record *r, const struct gn_chain *chain,
                   uint32_t bind, const struct gn_redactor *redactor)
{
    e->record = r;
    e->bind = bind;
    e->redactor = redactor;
    e->component = r->component;
    e->text = r->text ? r->text : "";
    e->level = NULL;
    e->time[0] = '\0';
    e->count = e->left_out = 0;
    e->has_arena = false;
    take_fields(e, r);
    for (size_t i = 0; i < chain->count; i++)
        chain->v[i](e);
}

void gn_event_release(struct gn_event *e)
{
    if (e->has_arena)
        gn_arena_release(&e->arena);
    e->has_arena = false;
}
