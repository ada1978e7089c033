/* secrets.c - what the operator gives and nobody is shown: from the file, or a file of its own
 * each.
 *
 * A value is in no message, not even where it is of the wrong kind.
 */
#include "config/keys.h"

#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_LEN 64
#define VALUE_MAX (64u << 10)

static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

static bool is_name(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= NAME_LEN && strspn(s, allowed) == len;
}

static void wipe(struct gn_buf *text)
{
    if (text->len > 0)
        sodium_memzero(text->data, text->len);
    gn_buf_release(text);
}

static const char *read_problem(int rc)
{
    return rc == GN_ETOOBIG  ? "is larger than 64KiB"
           : rc == GN_EINVAL ? "is not a regular file"
                             : strerror(-rc);
}

/* The content of a file, without the newline at its end. */
static void read_file(struct gn_config_reader *r, const char *path, const struct gn_yaml *from,
                      struct gn_config_secret *s)
{
    GN_AUTO_FREE char *file = *from->text == '/' ? gn_strdup(from->text)
                                                 : gn_path_join(r->folder, from->text);
    struct gn_buf text = GN_BUF_INIT(VALUE_MAX);
    struct stat st;
    int rc = gn_read_file(file, &text);
    size_t len = text.len;
    if (rc == 0 && len > 0 && text.data[len - 1] == '\n')
        len--;
    if (rc == 0 && len > 0 && text.len > len && text.data[len - 1] == '\r')
        len--;
    if (rc)
        gn_yaml_problem(r->report, from->line, path, "%s: %s", file, read_problem(rc));
    else if (len == 0)
        gn_yaml_problem(r->report, from->line, path, "%s is empty", file);
    else if (memchr(text.data, '\0', len) || !gn_utf8_valid(text.data, len))
        gn_yaml_problem(r->report, from->line, path, "%s is not text in UTF-8", file);
    else
        s->value = gn_strndup(text.data, len);
    if (rc == 0 && stat(file, &st) == 0 && (st.st_mode & S_IROTH))
        s->exposed = gn_strdup(file);
    wipe(&text);
}

/* {file: PATH} and nothing else. */
static void read_mapping(struct gn_config_reader *r, const char *path, const struct gn_yaml *map,
                         struct gn_config_secret *s)
{
    const struct gn_yaml *file = map->first;
    bool is_one = map->count == 1 && gn_streq(file->name, "file");
    if (is_one && file->failed)
        return;
    if (is_one && file->kind == GN_YAML_TEXT && *file->text)
        read_file(r, path, file, s);
    else if (is_one)
        gn_yaml_problem(r->report, file->line, path, "file must be a path");
    else
        gn_yaml_problem(r->report, map->line, path, "must be a text, or {file: PATH}");
}

static void read_secret(struct gn_config_reader *r, const char *path, const struct gn_yaml *value,
                        struct gn_config_secret *s)
{
    s->name = gn_strdup(value->name);
    s->line = value->line;
    if (!is_name(value->name))
        gn_yaml_problem(r->report, value->line, path,
                        "names of secrets are 1 to %d of A-Z a-z 0-9 _ - .", NAME_LEN);
    else if (value->kind == GN_YAML_MAP)
        read_mapping(r, path, value, s);
    else if (value->kind != GN_YAML_TEXT)
        gn_yaml_problem(r->report, value->line, path, "must be a text, or {file: PATH}");
    else if (value->failed)
        return;
    else if (!*value->text || gn_yaml_is_null(value))
        gn_yaml_problem(r->report, value->line, path, "is empty");
    else if (strlen(value->text) > VALUE_MAX)
        gn_yaml_problem(r->report, value->line, path, "is larger than 64KiB");
    else
        s->value = gn_strdup(value->text);
}

struct gn_config_secret *gn_config_read_secrets(struct gn_config_reader *r, const char *path,
                                                const struct gn_yaml *map, size_t *ret_count)
{
    struct gn_config_secret *secrets = gn_calloc(map->count + 1, sizeof *secrets);
    size_t count = 0;
    for (const struct gn_yaml *value = map->first; value; value = value->next) {
        /* A name that is none might be a value that stands in the wrong place. */
        GN_AUTO_FREE char *key = gn_format("%s.%s", path, is_name(value->name) ? value->name : "?");
        gn_config_note_line(r, key, value->line);
        read_secret(r, key, value, &secrets[count++]);
    }
    *ret_count = count;
    return secrets;
}

void gn_config_free_secrets(struct gn_config_secret *secrets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (secrets[i].value)
            sodium_memzero(secrets[i].value, strlen(secrets[i].value));
        gn_free(secrets[i].value);
        gn_free(secrets[i].name);
        gn_free(secrets[i].exposed);
    }
    gn_free(secrets);
}
