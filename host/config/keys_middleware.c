/* keys_middleware.c - the keys of an entry of `middleware`: some that all kinds have, and those of
 * each kind. */
#include "config/keys.h"

#include <stddef.h>

#define ROW(n, t, field, f)                                                                        \
    .name = (n), .type = GN_KEY_##t, .offset = offsetof(struct gn_config_middleware, field),       \
    .fallback = (f)
#define PART(n, t, field, f)                                                                       \
    {                                                                                              \
        ROW(n, t, field, f)                                                                        \
    }
#define NUMBER(n, t, field, f, low, high)                                                          \
    {                                                                                              \
        ROW(n, t, field, f), .min = (low), .max = (high)                                           \
    }
#define MINUTES(n) ((uint64_t)(n)*60000)
#define MIB(n) ((uint64_t)(n) << 20)

#define USE                                                                                        \
    {                                                                                              \
        ROW("use", TEXT, use, ""), .required = true                                                \
    }
#define AROUND                                                                                     \
    PART("priority", INTEGER, priority, "0"), PART("tools", TEXTS, tools, "[]"),                   \
        PART("tags", TEXTS, tags, "[]")

#define LEVEL PART("level", LEVEL, level, "info")
#define PAYLOADS PART("payloads", BOOL, payloads, "false")
#define MAX_PAYLOAD NUMBER("max_payload", SIZE, max_payload, "1KiB", 16, MIB(1))
#define MESSAGE PART("message", TEXT, message, "internal error")
#define MAX_SIZE NUMBER("max_size", SIZE, max_size, "1MB", 64, MIB(1024))
#define SUFFIX                                                                                     \
    PART("suffix", TEXT, suffix, "[truncated: the response was larger than this server allows]")
#define TIMEOUT NUMBER("timeout", DURATION, timeout_ms, "30s", 1, MINUTES(24 * 60))
#define MAX_CALLS NUMBER("max_calls", COUNT, max_calls, "10", 1, 100000)
#define MAX_WAITING NUMBER("max_waiting", COUNT, max_waiting, "100", 0, 1000000)

static const struct gn_config_key all_keys[] = {
    USE,      AROUND, LEVEL,   PAYLOADS,  MAX_PAYLOAD, MESSAGE,
    MAX_SIZE, SUFFIX, TIMEOUT, MAX_CALLS, MAX_WAITING, {0},
};

static const struct gn_config_key logging[] = {USE, AROUND, LEVEL, PAYLOADS, MAX_PAYLOAD, {0}};
static const struct gn_config_key timing[] = {USE, AROUND, LEVEL, {0}};
static const struct gn_config_key mask_errors[] = {USE, AROUND, MESSAGE, {0}};
static const struct gn_config_key response_limit[] = {USE, AROUND, MAX_SIZE, SUFFIX, {0}};
static const struct gn_config_key dereference[] = {USE, {0}};
static const struct gn_config_key timeout[] = {USE, AROUND, TIMEOUT, {0}};
static const struct gn_config_key concurrency[] = {USE, AROUND, MAX_CALLS, MAX_WAITING, {0}};

static const struct gn_config_variant variants[] = {
    {"logging", logging},         {"timing", timing},
    {"mask_errors", mask_errors}, {"response_limit", response_limit},
    {"dereference", dereference}, {"timeout", timeout},
    {"concurrency", concurrency}, {NULL, NULL},
};

const struct gn_config_entry gn_config_middleware_entry = {
    .keys = all_keys,
    .size = sizeof(struct gn_config_middleware),
    .line_offset = offsetof(struct gn_config_middleware, line),
    .shorthand = "use",
    .by = "use",
    .variants = variants,
};
