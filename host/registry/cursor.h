/* cursor.h - inside the registry: pages of lists, and what they are written with (list.c). */
#ifndef GN_REGISTRY_CURSOR_H
#define GN_REGISTRY_CURSOR_H

#include "registry/registry.h"

/* Lists that are not of one kind of component have cursors of their own. */
enum gn_cursor_kind { GN_CURSOR_SKILLS = 64, GN_CURSOR_DIRECTORY };

/* `nextCursor`: the page after this key. kind: an enum gn_kind or gn_cursor_kind. */
void gn_cursor_write(const struct gn_snapshot *s, uint32_t kind, const char *key, struct gn_jw *w);
/* Appends the key that the cursor holds; GN_EINVAL: it is none of this kind. */
GN_NODISCARD int gn_cursor_read(const struct gn_snapshot *s, uint32_t kind, const char *cursor,
                                struct gn_buf *key, struct gn_error *err);
/* Index of the first component whose key sorts after `key`. */
size_t gn_snapshot_index_after(const struct gn_snapshot_kind *k, const char *key);
/* A member of any value; nothing if it takes more than 1 MiB. */
void gn_component_write_json(struct gn_jw *w, const char *name, const json_t *value);

#endif
