/* members.h - the members of an object in an order that does not depend on how they were written;
 * private to this folder. */
#ifndef GN_JSON_MEMBERS_H
#define GN_JSON_MEMBERS_H

#include "json/json.h"

struct gn_json_member {
    const gantry_json *name, *value;
};

/* Sorted by the bytes of their names, without those that a later one of the same
 * name hides. Owned by the caller: gn_free. The object has one at least. */
struct gn_json_member *gn_json_sorted_members(const gantry_json *object, size_t *ret_count);

#endif
