/* read.c - values of every type, from a tree into the fields that the tables name. */
#include "config/keys.h"

#include "util/alloc.h"
#include "util/str.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define PATH_BYTES 512 /* of a key's whole name in messages */
#define NAMES_MAX 256  /* keys of one table */
#define ENTRIES_MAX 10000
#define HASH_DIGITS 64

static const char secret_form[] = "32 bytes in Base64 or hex, as `openssl rand -base64 32` prints";

struct context {
    struct gn_config_reader *r;
    const struct gn_config_key *key;
    const struct gn_yaml *value;
    const char *path;
    void *field;
};

static void wrong(const struct context *c, const char *fmt, ...) GN_PRINTF(2, 3);
static void wrong(const struct context *c, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(2048);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    gn_yaml_problem(c->r->report, c->value->line, c->path, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
}

void gn_config_note_line(const struct gn_config_reader *r, const char *path, int line)
{
    if (r->lines && line > 0)
        gn_map_put(r->lines, path, (void *)(intptr_t)line);
    else if (r->lines)
        gn_map_remove(r->lines, path);
}

static void note_entry_line(const struct gn_config_reader *r, const char *path, size_t index,
                            int line)
{
    GN_AUTO_FREE char *entry = gn_format("%s[%zu]", path, index);
    gn_config_note_line(r, entry, line);
}

/* What stands there, shortened, for messages. */
static const char *shown(const struct gn_yaml *value, char out[80])
{
    if (value->kind != GN_YAML_TEXT)
        return value->kind == GN_YAML_MAP ? "a mapping" : "a list";
    size_t len = strlen(value->text), cut = gn_utf8_cut(value->text, len, 60);
    size_t at = 0;
    out[at++] = '"';
    for (size_t i = 0; i < cut; i++)
        out[at++] = (unsigned char)value->text[i] < ' ' ? ' ' : value->text[i];
    memcpy(out + at, cut < len ? "...\"" : "\"", cut < len ? 5 : 2);
    return out;
}

static bool is_text(const struct context *c, const char *expected)
{
    char got[80];
    if (c->value->kind == GN_YAML_TEXT)
        return true;
    wrong(c, "must be %s, but is %s", expected, shown(c->value, got));
    return false;
}

static char *absolute(const struct gn_config_reader *r, const char *path)
{
    return *path == '/' ? gn_strdup(path) : gn_path_join(r->folder, path);
}

static void set_text(const struct context *c, char *text)
{
    char **field = c->field;
    gn_free(*field);
    *field = text;
}

static void read_bool(const struct context *c)
{
    char got[80];
    bool *field = c->field;
    if (!is_text(c, "true or false"))
        return;
    if (gn_strcaseeq(c->value->text, "true"))
        *field = true;
    else if (gn_strcaseeq(c->value->text, "false"))
        *field = false;
    else
        wrong(c, "must be true or false, but is %s", shown(c->value, got));
}

static void format_duration(char out[32], uint64_t ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
    struct gn_buf text = GN_BUF_INIT(31);
    for (size_t i = 0; i < GN_COUNT(units) && !text.len; i++) {
        if (ms >= units[i].ms && ms % units[i].ms == 0)
            gn_buf_addf(&text, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
    }
    if (!text.len)
        gn_buf_addf(&text, "%" PRIu64 "ms", ms);
    memcpy(out, text.data, text.len + 1);
    gn_buf_release(&text);
}

static void format_size(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < GN_COUNT(units))
        bytes /= 1024, unit++;
    struct gn_buf text = GN_BUF_INIT(31);
    gn_buf_addf(&text, "%" PRIu64 "%s", bytes, units[unit]);
    memcpy(out, text.data, text.len + 1);
    gn_buf_release(&text);
}

static void format_count(char out[32], uint64_t n)
{
    struct gn_buf text = GN_BUF_INIT(31);
    gn_buf_addf(&text, "%" PRIu64, n);
    memcpy(out, text.data, text.len + 1);
    gn_buf_release(&text);
}

static bool parse_count(const char *s, uint64_t *ret)
{
    int64_t n;
    if (!gn_parse_int64(s, &n) || n < 0)
        return false;
    *ret = (uint64_t)n;
    return true;
}

/* A duration; a plain number counts milliseconds. */
static bool parse_ms(const char *s, uint64_t *ret)
{
    return parse_count(s, ret) || gn_parse_duration(s, ret);
}

/* One of the three kinds of numbers; ret is within the row's limits. */
static bool read_number(const struct context *c, uint64_t field_max, uint64_t *ret)
{
    static const struct {
        bool (*parse)(const char *s, uint64_t *ret);
        void (*format)(char out[32], uint64_t value);
        const char *expected;
    } kinds[] = {
        [GN_KEY_COUNT] = {parse_count, format_count, "a whole number, 0 or more"},
        [GN_KEY_DURATION] = {parse_ms, format_duration,
                             "a duration (250ms, 30s, 10m, 1h, or a number of milliseconds)"},
        [GN_KEY_SIZE] = {gn_parse_size, format_size,
                         "a size (64KiB, 4MiB, 1GiB, or a number of bytes)"},
    };
    char got[80], low[32], high[32];
    uint64_t max = c->key->max ? c->key->max : field_max, value;
    gn_assert(kinds[c->key->type].parse);
    if (!is_text(c, kinds[c->key->type].expected))
        return false;
    if (!kinds[c->key->type].parse(c->value->text, &value)) {
        wrong(c, "must be %s, but is %s", kinds[c->key->type].expected, shown(c->value, got));
        return false;
    }
    if (value < c->key->min || value > max) {
        kinds[c->key->type].format(low, c->key->min);
        kinds[c->key->type].format(high, max);
        wrong(c, "must be between %s and %s, but is %s", low, high, shown(c->value, got));
        return false;
    }
    *ret = value;
    return true;
}

static void read_u32(const struct context *c)
{
    uint64_t value;
    if (read_number(c, UINT32_MAX, &value))
        *(uint32_t *)c->field = (uint32_t)value;
}

static void read_u64(const struct context *c)
{
    uint64_t value;
    if (read_number(c, UINT64_MAX, &value))
        *(uint64_t *)c->field = value;
}

static void read_integer(const struct context *c)
{
    char got[80];
    int64_t value;
    if (!is_text(c, "a whole number"))
        return;
    if (gn_parse_int64(c->value->text, &value) && value >= INT32_MIN && value <= INT32_MAX)
        *(int32_t *)c->field = (int32_t)value;
    else
        wrong(c, "must be a whole number between %d and %d, but is %s", INT32_MIN, INT32_MAX,
              shown(c->value, got));
}

static void read_mode(const struct context *c)
{
    char got[80];
    if (!is_text(c, "permissions (\"0660\")"))
        return;
    const char *s = c->value->text;
    size_t digits = strspn(s, "01234567");
    if (digits < 3 || digits > 4 || s[digits] || (digits == 4 && *s != '0')) {
        wrong(c, "must be permissions as \"0660\", but is %s", shown(c->value, got));
        return;
    }
    uint32_t mode = 0;
    for (; *s; s++)
        mode = mode * 8 + (uint32_t)(*s - '0');
    *(uint32_t *)c->field = mode;
}

static void read_text(const struct context *c)
{
    if (is_text(c, "a text"))
        set_text(c, gn_strdup(c->value->text));
}

static void read_path(const struct context *c)
{
    if (!is_text(c, "a path"))
        return;
    if (*c->value->text)
        set_text(c, absolute(c->r, c->value->text));
    else
        wrong(c, "is an empty path");
}

static void read_plugin(const struct context *c)
{
    if (!is_text(c, "the name of a plugin, or the path of its file"))
        return;
    const char *s = c->value->text;
    if (!*s)
        wrong(c, "must name a plugin");
    else if (strchr(s, '/'))
        set_text(c, absolute(c->r, s));
    else if (gn_ends_with(s, ".so") && s[3])
        set_text(c, gn_strndup(s, strlen(s) - 3));
    else
        set_text(c, gn_strdup(s));
}

static void read_address(const struct context *c)
{
    struct gn_error err = {0};
    char *host, *path;
    int port;
    if (!is_text(c, "an address (\"127.0.0.1:8080\", \"[::1]:8080\", \"unix:gantry.sock\")"))
        return;
    if (gn_config_parse_address(c->value->text, &host, &port, &path, &err)) {
        wrong(c, "%s", err.text);
        return;
    }
    if (path) {
        GN_AUTO_FREE char *full = absolute(c->r, path);
        set_text(c, gn_format("unix:%s", full));
    } else {
        set_text(c, gn_strdup(c->value->text));
    }
    gn_free(host);
    gn_free(path);
}

static void read_hash(const struct context *c)
{
    static const char prefix[] = "sha256:";
    if (!is_text(c, "\"sha256:\" and 64 hexadecimal digits"))
        return;
    const char *s = c->value->text;
    const char *digits = s + sizeof(prefix) - 1;
    /* What was written is not shown: it might be the token itself. */
    if (!gn_starts_with(s, prefix) || strlen(digits) != HASH_DIGITS ||
        strspn(digits, "0123456789abcdefABCDEF") != HASH_DIGITS) {
        wrong(c, "must be \"sha256:\" and 64 hexadecimal digits, as `gantry token` prints it");
        return;
    }
    char *hash = gn_strdup(s);
    for (char *p = hash; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + ('a' - 'A')) : *p;
    set_text(c, hash);
}

static void free_secrets(char **texts)
{
    for (char **p = texts; p && *p; p++)
        sodium_memzero(*p, strlen(*p));
    gn_texts_free(texts);
}

static bool is_secret(const char *text)
{
    unsigned char key[GN_CONFIG_SECRET];
    int rc = gn_parse_key(text, key, sizeof(key));
    sodium_memzero(key, sizeof(key));
    return rc == 0;
}

static void read_texts(const struct context *c)
{
    char got[80];
    bool are_paths = c->key->type == GN_KEY_PATHS, are_secrets = c->key->type == GN_KEY_SECRETS;
    const char *one = are_paths ? "a path" : are_secrets ? secret_form : "a text that is not empty";
    size_t max = c->key->max ? (size_t)c->key->max : ENTRIES_MAX;
    if (c->value->kind == GN_YAML_MAP || c->value->count > max) {
        wrong(c, "must be a list of at most %zu, each %s", max, one);
        return;
    }
    /* One text is a list of one. */
    bool single = c->value->kind == GN_YAML_TEXT;
    char **texts = gn_calloc(c->value->count + 2, sizeof(*texts));
    size_t n = 0, index = 0;
    const struct gn_yaml *item = single ? c->value : c->value->first;
    for (; item; item = single ? NULL : item->next, index++) {
        if (item->kind != GN_YAML_TEXT || !*item->text) {
            gn_yaml_problem(c->r->report, item->line, c->path, "entry %zu must be %s, but is %s",
                            index, one, shown(item, got));
        } else if (are_secrets && !is_secret(item->text)) {
            /* What was written is not shown: it might be most of a key. */
            gn_yaml_problem(c->r->report, item->line, c->path, "entry %zu must be %s", index, one);
        } else {
            note_entry_line(c->r, c->path, n, item->line);
            texts[n++] = are_paths ? absolute(c->r, item->text) : gn_strdup(item->text);
        }
    }
    char ***field = c->field;
    if (are_secrets)
        free_secrets(*field);
    else
        gn_texts_free(*field);
    *field = texts;
}

/* The index of the name that a value is; -1: none, which is reported. */
static int choose(struct gn_yaml_report *report, const char *path, const struct gn_yaml *value,
                  const char *const *names)
{
    char got[80];
    struct gn_buf all = GN_BUF_INIT(1024);
    int found = -1;
    for (int i = 0; names[i]; i++) {
        gn_buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
        if (value->kind == GN_YAML_TEXT && gn_streq(value->text, names[i]))
            found = i;
    }
    if (found < 0) {
        const char *near = value->kind == GN_YAML_TEXT ? gn_nearest(value->text, names) : NULL;
        gn_yaml_problem(report, value->line, path, "must be one of %s, but is %s%s%s%s",
                        gn_buf_str(&all), shown(value, got), near ? "; did you mean " : "",
                        near ? near : "", near ? "?" : "");
    }
    gn_buf_release(&all);
    return found;
}

static void read_choice(const struct context *c, const char *const *names, int *ret)
{
    int found = choose(c->r->report, c->path, c->value, names);
    if (found >= 0)
        *ret = found;
}

static void read_level(const struct context *c)
{
    const char *names[GN_COUNT(gn_level_names) + 1] = {0};
    for (size_t i = 0; i < GN_COUNT(gn_level_names); i++)
        names[i] = gn_level_names[i];
    int level = -1;
    read_choice(c, names, &level);
    if (level >= 0)
        *(enum gn_level *)c->field = (enum gn_level)level;
}

static void read_log_format(const struct context *c)
{
    static const char *const names[] = {"text", "json", NULL};
    int format = *(bool *)c->field;
    read_choice(c, names, &format);
    *(bool *)c->field = format == 1;
}

static void read_unload(const struct context *c)
{
    static const char *const names[] = {"auto", "never", NULL};
    int never = *(bool *)c->field;
    read_choice(c, names, &never);
    *(bool *)c->field = never == 1;
}

static void read_output(const struct context *c)
{
    static const char *const names[] = {
        [GN_OUTPUT_WARN] = "warn", [GN_OUTPUT_OFF] = "off", [GN_OUTPUT_STRICT] = "strict", NULL};
    int check = -1;
    read_choice(c, names, &check);
    if (check >= 0)
        *(enum gn_output_check *)c->field = (enum gn_output_check)check;
}

static void read_references(const struct context *c)
{
    static const char *const names[] = {"keep", "inline", NULL};
    int is_inline = *(bool *)c->field;
    read_choice(c, names, &is_inline);
    *(bool *)c->field = is_inline == 1;
}

/* Where each value of an object stands, for those who look into it. path holds the name of node. */
static void note_lines(const struct gn_config_reader *r, const struct gn_yaml *node,
                       struct gn_buf *path)
{
    size_t len = path->len, index = 0;
    for (const struct gn_yaml *child = node->first; child; child = child->next, index++) {
        if (child->name)
            gn_buf_addf(path, ".%s", child->name);
        else
            gn_buf_addf(path, "[%zu]", index);
        if (!path->overflow) {
            gn_config_note_line(r, gn_buf_str(path), child->line);
            note_lines(r, child, path);
        }
        gn_buf_cut(path, len);
        path->overflow = false;
    }
}

static void read_json(const struct context *c)
{
    char got[80];
    json_t **field = c->field;
    if (c->value->kind != GN_YAML_MAP) {
        wrong(c, "must be a mapping, but is %s", shown(c->value, got));
        return;
    }
    json_decref(*field);
    *field = gn_yaml_to_json(c->value);
    struct gn_buf path = GN_BUF_INIT(PATH_BYTES);
    gn_buf_adds(&path, c->path);
    if (c->r->lines)
        note_lines(c->r, c->value, &path);
    gn_buf_release(&path);
}

/* Pointers to structs of any kind are copied, not cast: their types differ. */
static char *get_entries(const struct gn_config_key *key, const void *base)
{
    char *entries;
    memcpy(&entries, (const char *)base + key->offset, sizeof(entries));
    return entries;
}

static size_t count_entries(const struct gn_config_key *key, const void *base)
{
    size_t count;
    memcpy(&count, (const char *)base + key->count_offset, sizeof(count));
    return count;
}

static void set_entries(const struct gn_config_key *key, void *base, char *entries, size_t count)
{
    memcpy((char *)base + key->offset, &entries, sizeof(entries));
    memcpy((char *)base + key->count_offset, &count, sizeof(count));
}

static void release_entries(const struct gn_config_key *key, void *base)
{
    char *entries = get_entries(key, base);
    size_t count = count_entries(key, base);
    for (size_t i = 0; i < count; i++)
        gn_config_release(key->entry->keys, entries + i * key->entry->size);
    gn_free(entries);
    set_entries(key, base, NULL, 0);
}

/* The keys that an entry may have: of a kind with variants, those of the one it names. NULL: it
 * names none, which is reported. */
static const struct gn_config_key *keys_of_entry(const struct context *c,
                                                 const struct gn_yaml *item, const char *path)
{
    const struct gn_config_entry *kind = c->key->entry;
    const struct gn_yaml *by = item->kind == GN_YAML_TEXT ? item : item->first;
    const char *names[NAMES_MAX + 1] = {0};
    if (!kind->variants)
        return kind->keys;
    while (by && by != item && !gn_streq(by->name, kind->by))
        by = by->next;
    if (!by || gn_yaml_is_null(by)) {
        gn_yaml_problem(c->r->report, item->line, path, "%s is missing", kind->by);
        return NULL;
    }
    for (size_t i = 0; i < NAMES_MAX && kind->variants[i].name; i++)
        names[i] = kind->variants[i].name;
    GN_AUTO_FREE char *key = gn_format("%s.%s", path, kind->by);
    int found = choose(c->r->report, by == item ? path : key, by, names);
    return found >= 0 ? kind->variants[found].keys : NULL;
}

/* One entry: a mapping, or the text that stands for its first key. */
static void read_entry(const struct context *c, const struct gn_yaml *item, const char *path,
                       void *entry)
{
    const struct gn_config_entry *kind = c->key->entry;
    size_t before = c->r->report->count;
    gn_config_defaults(kind->keys, entry);
    *(int *)(void *)((char *)entry + kind->line_offset) = item->line;
    bool is_short = item->kind == GN_YAML_TEXT && kind->shorthand && !gn_yaml_is_null(item);
    if (!is_short && item->kind != GN_YAML_MAP) {
        char got[80];
        gn_yaml_problem(c->r->report, item->line, path, "must be a mapping, but is %s",
                        shown(item, got));
        return;
    }
    const struct gn_config_key *keys = keys_of_entry(c, item, path);
    if (!keys)
        return;
    if (is_short)
        gn_config_read_key(c->r, gn_config_find_key(keys, kind->shorthand), entry, path, item);
    else
        gn_config_read(c->r, keys, entry, path, item);
    if (c->r->report->count > before)
        return; /* a key with a wrong value is not a missing one */
    for (const struct gn_config_key *k = keys; k->name; k++) {
        if (k->required && !*(char **)(void *)((char *)entry + k->offset))
            gn_yaml_problem(c->r->report, item->line, path, "%s is missing", k->name);
    }
}

static void read_entries(const struct context *c)
{
    bool single = c->value->kind == GN_YAML_TEXT && c->key->entry->shorthand;
    if (c->value->count > ENTRIES_MAX || (c->value->kind != GN_YAML_LIST && !single)) {
        wrong(c, "must be a list of at most %d entries (\"- \" before each)", ENTRIES_MAX);
        return;
    }
    void *base = (char *)c->field - c->key->offset;
    release_entries(c->key, base);
    size_t count = single ? 1 : c->value->count, index = 0;
    char *entries = gn_calloc(count ? count : 1, c->key->entry->size);
    set_entries(c->key, base, entries, count);
    const struct gn_yaml *item = single ? c->value : c->value->first;
    for (; index < count; item = item->next, index++) {
        struct gn_buf path = GN_BUF_INIT(PATH_BYTES);
        gn_buf_addf(&path, "%s[%zu]", c->path, index);
        gn_config_note_line(c->r, gn_buf_str(&path), item->line);
        read_entry(c, item, gn_buf_str(&path), entries + index * c->key->entry->size);
        gn_buf_release(&path);
    }
}

static void release_secrets(const struct gn_config_key *key, void *base)
{
    struct gn_config_secret **field = (void *)((char *)base + key->offset);
    size_t *count = (void *)((char *)base + key->count_offset);
    gn_config_free_secrets(*field, *count);
    *field = NULL;
    *count = 0;
}

static void read_named(const struct context *c)
{
    struct gn_config_secret **field = c->field;
    char *base = (char *)c->field - c->key->offset;
    /* What stands there is not shown: it might be a secret by itself. */
    if (c->value->kind != GN_YAML_MAP || c->value->count > c->key->max) {
        wrong(c, "must be a mapping of at most %zu names (\"name: value\")", (size_t)c->key->max);
        return;
    }
    release_secrets(c->key, base);
    *field = gn_config_read_secrets(c->r, c->path, c->value, (void *)(base + c->key->count_offset));
}

static void read_refused(const struct context *c)
{
    wrong(c, "%s", c->key->fallback);
}

static void (*const readers[])(const struct context *c) = {
    [GN_KEY_BOOL] = read_bool,       [GN_KEY_COUNT] = read_u32,
    [GN_KEY_DURATION] = read_u32,    [GN_KEY_SIZE] = read_u64,
    [GN_KEY_MODE] = read_mode,       [GN_KEY_TEXT] = read_text,
    [GN_KEY_INTEGER] = read_integer, [GN_KEY_PATH] = read_path,
    [GN_KEY_PLUGIN] = read_plugin,   [GN_KEY_ADDRESS] = read_address,
    [GN_KEY_HASH] = read_hash,       [GN_KEY_TEXTS] = read_texts,
    [GN_KEY_PATHS] = read_texts,     [GN_KEY_SECRETS] = read_texts,
    [GN_KEY_LEVEL] = read_level,     [GN_KEY_LOG_FORMAT] = read_log_format,
    [GN_KEY_UNLOAD] = read_unload,   [GN_KEY_OUTPUT] = read_output,
    [GN_KEY_JSON] = read_json,       [GN_KEY_REFERENCES] = read_references,
    [GN_KEY_ENTRIES] = read_entries, [GN_KEY_REFUSED] = read_refused,
    [GN_KEY_NAMED] = read_named,
};

/* Reports a key that is in no table, with the nearest one of those that may stand there. `prefix`
 * is the dotted name of the section within the table, with its dot, or "". */
static void report_unknown(struct gn_config_reader *r, const struct gn_config_key *table,
                           const char *path, const char *prefix, const struct gn_yaml *value)
{
    char words[NAMES_MAX][64];
    const char *names[NAMES_MAX + 1];
    size_t n = 0, prefix_len = strlen(prefix);
    for (const struct gn_config_key *k = table; k->name && n < NAMES_MAX; k++) {
        if (!gn_starts_with(k->name, prefix) || k->type == GN_KEY_REFUSED)
            continue;
        const char *word = k->name + prefix_len;
        size_t len = strcspn(word, ".");
        if (len >= sizeof(words[0]) ||
            (n > 0 && strlen(words[n - 1]) == len && memcmp(words[n - 1], word, len) == 0))
            continue;
        memcpy(words[n], word, len);
        words[n][len] = '\0';
        names[n] = words[n];
        n++;
    }
    names[n] = NULL;
    const char *near = gn_nearest(value->name, names);
    if (near) {
        gn_yaml_problem(r->report, value->line, path, "unknown key, did you mean %s?", near);
        return;
    }
    struct gn_buf all = GN_BUF_INIT(1500);
    for (size_t i = 0; i < n; i++)
        gn_buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
    gn_yaml_problem(r->report, value->line, path, "unknown key; known here: %s", gn_buf_str(&all));
    gn_buf_release(&all);
}

static bool is_section(const struct gn_config_key *table, const char *prefix)
{
    for (; table->name; table++) {
        if (gn_starts_with(table->name, prefix))
            return true;
    }
    return false;
}

static void read_section(struct gn_config_reader *r, const struct gn_config_key *table, void *base,
                         const char *path, const char *prefix, const struct gn_yaml *map)
{
    for (const struct gn_yaml *v = map->first; v; v = v->next) {
        struct gn_buf full = GN_BUF_INIT(PATH_BYTES), name = GN_BUF_INIT(PATH_BYTES);
        gn_buf_addf(&full, "%s%s%s", path, *path ? "." : "", v->name);
        gn_buf_addf(&name, "%s%s", prefix, v->name);
        const struct gn_config_key *key = gn_config_find_key(table, gn_buf_str(&name));
        gn_buf_addc(&name, '.');
        bool section = !key && !name.overflow && is_section(table, gn_buf_str(&name));
        if (key)
            gn_config_read_key(r, key, base, gn_buf_str(&full), v);
        else if (section && v->kind == GN_YAML_MAP)
            read_section(r, table, base, gn_buf_str(&full), gn_buf_str(&name), v);
        else if (!section)
            report_unknown(r, table, gn_buf_str(&full), prefix, v);
        else if (!gn_yaml_is_null(v))
            gn_yaml_problem(r->report, v->line, gn_buf_str(&full),
                            "must be a mapping (\"key: value\")");
        gn_buf_release(&full);
        gn_buf_release(&name);
    }
}

void gn_config_read(struct gn_config_reader *r, const struct gn_config_key *table, void *base,
                    const char *path, const struct gn_yaml *map)
{
    if (!map || gn_yaml_is_null(map))
        return;
    if (map->kind == GN_YAML_MAP)
        read_section(r, table, base, path, "", map);
    else
        gn_yaml_problem(r->report, map->line, path, "must be a mapping (\"key: value\")");
}

void gn_config_read_key(struct gn_config_reader *r, const struct gn_config_key *key, void *base,
                        const char *path, const struct gn_yaml *value)
{
    struct context c = {r, key, value, path, (char *)base + key->offset};
    /* A key without a value keeps its default. */
    if (gn_yaml_is_null(value) && key->type != GN_KEY_REFUSED)
        return;
    gn_config_note_line(r, path, value->line);
    readers[key->type](&c);
}

int gn_config_append(struct gn_config_reader *r, const struct gn_config_key *key, void *base,
                     const struct gn_yaml *item)
{
    struct context c = {r, key, item, key->name, (char *)base + key->offset};
    if (key->type == GN_KEY_TEXTS || key->type == GN_KEY_PATHS) {
        char ***field = c.field;
        size_t n = 0;
        while (*field && (*field)[n])
            n++;
        *field = gn_reallocarray(*field, n + 2, sizeof(**field));
        (*field)[n] = key->type == GN_KEY_PATHS ? absolute(r, item->text) : gn_strdup(item->text);
        (*field)[n + 1] = NULL;
        note_entry_line(r, key->name, n, item->line);
        return 0;
    }
    if (key->type != GN_KEY_ENTRIES || !key->entry->shorthand)
        return GN_EINVAL;
    size_t size = key->entry->size, n = count_entries(key, base);
    char *entries = gn_reallocarray(get_entries(key, base), n + 1, size);
    memset(entries + n * size, 0, size);
    set_entries(key, base, entries, n + 1);
    read_entry(&c, item, key->name, entries + n * size);
    return 0;
}

void gn_config_defaults(const struct gn_config_key *table, void *base)
{
    struct gn_buf problems = GN_BUF_INIT(4096);
    struct gn_yaml_report report = {.problems = &problems};
    struct gn_arena arena;
    gn_arena_init(&arena, GN_YAML_ARENA);
    struct gn_config_reader r = {.arena = &arena, .report = &report, .folder = "/"};
    for (const struct gn_config_key *k = table; k->name; k++) {
        if (k->type == GN_KEY_REFUSED)
            continue;
        struct gn_yaml value = {.kind = GN_YAML_TEXT, .text = k->fallback};
        if (gn_streq(k->fallback, "[]"))
            value = (struct gn_yaml){.kind = GN_YAML_LIST, .text = ""};
        else if (gn_streq(k->fallback, "{}"))
            value = (struct gn_yaml){.kind = GN_YAML_MAP, .text = ""};
        else if (k->type == GN_KEY_TEXTS && *k->fallback)
            value = *gn_yaml_parse(&arena, k->fallback, strlen(k->fallback), &report);
        gn_config_read_key(&r, k, base, k->name, &value);
    }
    gn_arena_release(&arena);
    gn_assert(report.count == 0);
    gn_buf_release(&problems);
}

void gn_config_release(const struct gn_config_key *table, void *base)
{
    for (const struct gn_config_key *k = table; k->name; k++) {
        void *field = (char *)base + k->offset;
        switch (k->type) {
        case GN_KEY_TEXT:
        case GN_KEY_PATH:
        case GN_KEY_PLUGIN:
        case GN_KEY_ADDRESS:
        case GN_KEY_HASH:
            gn_free(*(char **)field);
            break;
        case GN_KEY_TEXTS:
        case GN_KEY_PATHS:
            gn_texts_free(*(char ***)field);
            break;
        case GN_KEY_SECRETS:
            free_secrets(*(char ***)field);
            break;
        case GN_KEY_JSON:
            json_decref(*(json_t **)field);
            break;
        case GN_KEY_ENTRIES:
            release_entries(k, base);
            break;
        case GN_KEY_NAMED:
            release_secrets(k, base);
            break;
        default:
            break;
        }
    }
}

const struct gn_config_key *gn_config_find_key(const struct gn_config_key *table, const char *name)
{
    for (; table->name; table++) {
        if (gn_streq(table->name, name))
            return table;
    }
    return NULL;
}

const char *gn_config_nearest_key(const struct gn_config_key *table, const char *name)
{
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (; table->name && n < NAMES_MAX; table++)
        names[n++] = table->name;
    names[n] = NULL;
    return gn_nearest(name, names);
}
