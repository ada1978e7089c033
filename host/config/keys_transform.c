/* keys_transform.c - the keys of an entry of `transforms`: what it concerns, and those of each
 * kind. */
#include "config/keys.h"

#include <stddef.h>

#define ROW(n, t, field, f)                                                                        \
    .name = (n), .type = GN_KEY_##t, .offset = offsetof(struct gn_config_transform, field),        \
    .fallback = (f)
#define PART(n, t, field, f)                                                                       \
    {                                                                                              \
        ROW(n, t, field, f)                                                                        \
    }
#define REQUIRED(n, t, field)                                                                      \
    {                                                                                              \
        ROW(n, t, field, ""), .required = true                                                     \
    }

/* Not given is not the same as empty, which matches nothing: so these have no default. */
#define USE REQUIRED("use", TEXT, use)
#define OF                                                                                         \
    PART("plugins", TEXTS, plugins, ""), PART("tags", TEXTS, tags, ""),                            \
        PART("versions", TEXTS, versions, "")
#define KINDS PART("kinds", TEXTS, kinds, "")
#define NAMES PART("names", TEXTS, names, "")
#define PRINCIPALS PART("principals", TEXTS, principals, "")
#define PREFIX REQUIRED("prefix", TEXT, prefix)
#define RENAMES REQUIRED("names", JSON, renames)
#define TOOLS REQUIRED("tools", JSON, tools)
#define ALWAYS PART("always", TEXTS, always, "")
#define MAX_RESULTS                                                                                \
    {                                                                                              \
        ROW("max_results", COUNT, max_results, "5"), .min = 1, .max = 100                          \
    }

static const struct gn_config_key all_keys[] = {
    USE, OF, KINDS, NAMES, PRINCIPALS, PREFIX, RENAMES, TOOLS, ALWAYS, MAX_RESULTS, {0},
};

static const struct gn_config_key of_namespace[] = {USE, OF, KINDS, NAMES, PREFIX, {0}};
static const struct gn_config_key of_rename[] = {USE, OF, KINDS, RENAMES, {0}};
static const struct gn_config_key of_rule[] = {USE, OF, KINDS, NAMES, PRINCIPALS, {0}};
static const struct gn_config_key of_offered[] = {USE, OF, NAMES, {0}};
static const struct gn_config_key of_search[] = {USE, OF, NAMES, ALWAYS, MAX_RESULTS, {0}};
static const struct gn_config_key of_tools[] = {USE, OF, TOOLS, {0}};

static const struct gn_config_variant variants[] = {
    {"namespace", of_namespace},
    {"rename", of_rename},
    {"enable", of_rule},
    {"disable", of_rule},
    {"only", of_rule},
    {"prompts_as_tools", of_offered},
    {"resources_as_tools", of_offered},
    {"search", of_search},
    {"tools", of_tools},
    {NULL, NULL},
};

const struct gn_config_entry gn_config_transform_entry = {
    .keys = all_keys,
    .size = sizeof(struct gn_config_transform),
    .line_offset = offsetof(struct gn_config_transform, line),
    .shorthand = "use",
    .by = "use",
    .variants = variants,
};
