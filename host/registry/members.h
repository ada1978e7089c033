/* members.h - inside the registry: objects of JSON that people write, read by tables of members.
 *
 * A member is a row: its name, where its value goes in a struct, and the function that reads it.
 * Problems go out as they are found, each with the path of the value; no message shows a value,
 * which may be private.
 */
#ifndef GN_REGISTRY_MEMBERS_H
#define GN_REGISTRY_MEMBERS_H

#include "util/buf.h"

#include <jansson.h>

#define GN_MEMBERS_PATH 1024

/* Zeroed, but for these. */
struct gn_members {
    void (*fn)(void *arg, const char *path, const char *text); /* takes a problem */
    void *arg;
    struct gn_buf path; /* of what is read: "arguments.limit"; GN_MEMBERS_PATH at most */
    size_t count;       /* problems so far */
};

struct gn_member {
    const char *name; /* NULL ends a table */
    void (*read)(struct gn_members *r, const json_t *value, void *base, const struct gn_member *m);
    size_t offset; /* of the field in the struct at `base` */
};

void gn_members_wrong(struct gn_members *r, const char *fmt, ...) GN_PRINTF(2, 3);
/* What comes next is about this member of what was read; gn_members_leave with the result goes
 * back. A path that is too long is cut. */
size_t gn_members_enter(struct gn_members *r, const char *name);
void gn_members_leave(struct gn_members *r, size_t before);
/* What a value is, for messages: "a list". */
const char *gn_members_kind(const json_t *value);
/* Reads an object. Members that are in no row are problems, with a suggestion. */
void gn_members_read(struct gn_members *r, const json_t *object, const struct gn_member *members,
                     void *base);

/* ---- what rows may name, and what functions of their own build on */
bool gn_members_is_text(struct gn_members *r, const json_t *value);
bool gn_members_is_bool(struct gn_members *r, const json_t *value);
void gn_members_set_text(void *base, const struct gn_member *m, const char *text);
void gn_members_set_json(void *base, const struct gn_member *m, json_t *value); /* takes it over */
/* char *: a text that is not empty; null: as it was. */
void gn_members_read_name(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m);
/* char *: a text; null: "". */
void gn_members_read_text(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m);
/* bool. */
void gn_members_read_flag(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m);
/* json_t *: anything. */
void gn_members_read_value(struct gn_members *r, const json_t *value, void *base,
                           const struct gn_member *m);
/* json_t *: an object, or null. */
void gn_members_read_object(struct gn_members *r, const json_t *value, void *base,
                            const struct gn_member *m);

#endif
