/* sampling.h - what a model of the client is asked, as each revision has it, and what it said.
 *
 * Up to 2025-06-18 a message holds one piece of content: what has several is sent as several
 * messages of the same role.
 */
#ifndef GN_PLUGIN_SAMPLING_H
#define GN_PLUGIN_SAMPLING_H

#include "wire/revision.h"
#include "json/json.h"

#include <gantry.h>

/* What the author asks for, checked. All borrowed. */
struct gn_sampling {
    gantry_sampling spec;
    const char *tools; /* an array of MCP Tool as JSON; NULL: none */
    size_t tools_len;
    const char *messages; /* instead of those of spec: JSON that begins an array, without its end */
    size_t messages_len;
    bool has_context; /* the client may be asked for context of other servers */
};

/* Copies and checks what does not need the registry. GN_EINVAL, GN_ENOTSUP: made for a newer host.
 * [any thread] */
GN_NODISCARD int gn_sampling_take(const gantry_sampling *raw, struct gn_sampling *ret,
                                  struct gn_error *err);
/* GANTRY_CAP_ bits that it needs. [any thread] */
uint32_t gn_sampling_needs(const struct gn_sampling *s);
/* Writes CreateMessageRequest.params. GN_EINVAL: messages are none, GN_ENOTSUP: the revision does
 * not have such content. [any thread] */
GN_NODISCARD int gn_sampling_write(const struct gn_sampling *s, enum gn_revision revision,
                                   struct gn_jw *w, struct gn_error *err);
/* The author's messages as the begin of a JSON array, to be gone on with: "[{...},{...}". */
GN_NODISCARD int gn_sampling_begin(const struct gn_sampling *s, enum gn_revision revision,
                                   struct gn_buf *out, struct gn_error *err);
/* Reads a CreateMessageResult into *ret, of memory of the arena. GN_EINVAL: it is none, or uses
 * tools that were not offered; GN_ETOOBIG. [any thread] */
GN_NODISCARD int gn_sampling_read(const gantry_json *result, bool has_tools, struct gn_arena *arena,
                                  gantry_sampled *ret, struct gn_error *err);

#endif
