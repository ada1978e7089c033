/* schema.h - inside host/schema: checking below a path. The rest is in fields.h. */
#ifndef GN_SCHEMA_SCHEMA_H
#define GN_SCHEMA_SCHEMA_H

#include "schema/problems.h"

/* True if the value satisfies the schema; else each problem is noted. [any thread] */
bool gn_schema_check_at(const struct gn_schema *s, const gantry_json *value,
                        const struct gn_path *at, struct gn_problems *p);

#endif
