/* keys.h - inside host/config: the tables of all keys, and the one function that reads values by
 * them.
 *
 * A row names a key, the field it fills, its type, limits and default. Tables of entries (a
 * listener, a token, an instance) look the same; their offsets are those of the entry's struct.
 * Reading, defaults, freeing, suggestions and the test of etc/gantry.yaml all go by these tables.
 */
#ifndef GN_CONFIG_KEYS_H
#define GN_CONFIG_KEYS_H

#include "config/config.h"
#include "config/yaml.h"

#define GN_CONFIG_SECRET 32 /* bytes of a key to seal with */

enum gn_config_type {
    GN_KEY_BOOL = 1,
    GN_KEY_COUNT,      /* uint32_t: a number */
    GN_KEY_INTEGER,    /* int32_t: a number, perhaps a negative one */
    GN_KEY_DURATION,   /* uint32_t: milliseconds, or a text with a unit */
    GN_KEY_SIZE,       /* uint64_t: bytes, or a text with a unit */
    GN_KEY_MODE,       /* uint32_t: octal permissions */
    GN_KEY_TEXT,       /* char *; NULL if not given */
    GN_KEY_PATH,       /* char *, made absolute */
    GN_KEY_PLUGIN,     /* char *: a name, or a path made absolute */
    GN_KEY_ADDRESS,    /* char *: the path of a unix socket is made absolute */
    GN_KEY_HASH,       /* char *: "sha256:" and 64 hexadecimal digits, made lower case */
    GN_KEY_TEXTS,      /* char **, NULL-terminated */
    GN_KEY_PATHS,      /* char **, NULL-terminated, made absolute */
    GN_KEY_SECRETS,    /* char **, NULL-terminated: GN_CONFIG_SECRET bytes each, never shown */
    GN_KEY_LEVEL,      /* enum gn_level */
    GN_KEY_LOG_FORMAT, /* bool: json */
    GN_KEY_UNLOAD,     /* bool: never */
    GN_KEY_OUTPUT,     /* enum gn_output_check */
    GN_KEY_REFERENCES, /* bool: inline */
    GN_KEY_JSON,       /* json_t *: an object of any content */
    GN_KEY_ENTRIES,    /* array of structs described by `entry`; offset of the pointer */
    GN_KEY_NAMED,      /* array of struct gn_config_secret, from a mapping; never shown */
    GN_KEY_REFUSED,    /* known, and why it is wrong: `fallback` says so */
};

struct gn_config_entry;
struct gn_config_key {
    const char *name; /* dotted: "limits.max_body" */
    enum gn_config_type type;
    size_t offset;
    const char *fallback; /* the default, as in the file; "" : not given */
    uint64_t min, max; /* numbers, durations, sizes; max 0: what the field holds; lists: entries */
    bool required;     /* of an entry */
    const struct gn_config_entry *entry;
    size_t count_offset; /* ENTRIES, NAMED: of the size_t that counts them */
};

/* A sort of entry that has keys of its own: named by the value of its key `by`. */
struct gn_config_variant {
    const char *name;
    const struct gn_config_key *keys; /* all that such an entry may have */
};

/* What one kind of entry is made of. */
struct gn_config_entry {
    const struct gn_config_key *keys; /* ends with a row without name */
    size_t size, line_offset;         /* of the struct / of its int line */
    const char *shorthand; /* the key that is meant when an entry is plain text; or NULL */
    const char *by;        /* the key that chooses the variant; or NULL */
    const struct gn_config_variant
        *variants; /* ends with one without name; `keys` has all theirs */
};

extern const struct gn_config_key gn_config_keys[]; /* ends with a row without name */
extern const struct gn_config_entry gn_config_middleware_entry;
extern const struct gn_config_entry gn_config_transform_entry;

struct gn_config_reader {
    struct gn_arena *arena;
    struct gn_yaml_report *report;
    const char *folder;   /* what relative paths are relative to: absolute */
    struct gn_map *lines; /* where each key stands, by its whole name; NULL: not kept */
};

/* secrets.c: what a mapping of names gives; problems say no value. `path` is the name of the key.
 * The array is the caller's, *ret_count of them. */
struct gn_config_secret *gn_config_read_secrets(struct gn_config_reader *r, const char *path,
                                                const struct gn_yaml *map, size_t *ret_count);
void gn_config_free_secrets(struct gn_config_secret *secrets, size_t count);
/* Remembers where a key stands, or that what it has now is not from the file. */
void gn_config_note_line(const struct gn_config_reader *r, const char *path, int line);

/* Fills the struct at `base` from a MAP (or nothing) by the table; what is wrong is reported under
 * `path`, the name of the whole ("" at the top). */
void gn_config_read(struct gn_config_reader *r, const struct gn_config_key *table, void *base,
                    const char *path, const struct gn_yaml *map);
/* Sets one key from one value. */
void gn_config_read_key(struct gn_config_reader *r, const struct gn_config_key *key, void *base,
                        const char *path, const struct gn_yaml *value);
/* Appends one entry, written as plain text, to a list. GN_EINVAL if the key takes none. */
int gn_config_append(struct gn_config_reader *r, const struct gn_config_key *key, void *base,
                     const struct gn_yaml *item);
void gn_config_defaults(const struct gn_config_key *table, void *base);
void gn_config_release(const struct gn_config_key *table, void *base);
const struct gn_config_key *gn_config_find_key(const struct gn_config_key *table, const char *name);
/* The known key nearest to a whole dotted name, or NULL. */
const char *gn_config_nearest_key(const struct gn_config_key *table, const char *name);

#endif
