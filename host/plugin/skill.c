/* skill.c - from gantry_skill to components: paths, front matter, digests, and the handler that
 * reads a file. */
#include "plugin/skill.h"

#include "config/yaml.h"
#include "plugin/abi_internal.h"
#include "plugin/host_internal.h"
#include "plugin/prefix.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define MANIFEST "SKILL.md"
#define NAME_MAX_BYTES 64
#define FRONTMATTER_MAX ((size_t)64 << 10)
#define FILE_PATH_MAX 1024 /* bytes */
#define DEPTH_MAX 16       /* segments of a path */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

/* component->data: one file. */
struct file {
    char *root; /* of its skill: "skill://PATH/" */
    size_t n;
    char bytes[];
};

static const struct {
    const char *suffix, *mime;
} types[] = {
    {".md", "text/markdown"},      {".txt", "text/plain"},       {".json", "application/json"},
    {".yaml", "application/yaml"}, {".yml", "application/yaml"}, {".py", "text/x-python"},
    {".sh", "application/x-sh"},   {".js", "text/javascript"},   {".ts", "text/x-typescript"},
    {".html", "text/html"},        {".css", "text/css"},         {".csv", "text/csv"},
    {".xml", "application/xml"},   {".svg", "image/svg+xml"},    {".png", "image/png"},
    {".jpg", "image/jpeg"},        {".jpeg", "image/jpeg"},      {".gif", "image/gif"},
    {".webp", "image/webp"},       {".pdf", "application/pdf"},
};

static bool is_text(const char *data, size_t n)
{
    return gn_utf8_valid(data, n) && !memchr(data, '\0', n);
}

static const char *type_of(const char *path, const char *data, size_t n)
{
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_ends_with(path, types[i].suffix))
            return types[i].mime;
    }
    return is_text(data, n) ? "text/plain" : "application/octet-stream";
}

/* ---------------------------------------------------------------- reading */

/* [coroutine on the loop] */
static int read_file(gantry_call *call, const void *in)
{
    (void)in;
    const struct file *f = gn_host_data(call);
    if (!f)
        return GANTRY_ENOENT;
    if (is_text(f->bytes, f->n))
        return gn_host_text_add(call, f->bytes, f->n);
    return gn_host_data_add(call, GANTRY_DATA_BLOB, f->bytes, f->n, NULL);
}

static void free_file(void *data)
{
    struct file *f = data;
    gn_free(f->root);
    gn_free(f);
}

/* ---------------------------------------------------------------- paths */

/* Segments with something in them that is neither "." nor "..", of these characters (NULL: any). */
static bool is_path(const char *path, size_t max, const char *chars)
{
    size_t depth = 0;
    if (!path || strnlen(path, max + 1) > max || !gn_utf8_valid(path, strlen(path)))
        return false;
    for (const char *at = path;; at++) {
        size_t n = strcspn(at, "/");
        bool is_dots = (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.');
        if (n == 0 || is_dots || ++depth > DEPTH_MAX || (chars && strspn(at, chars) < n))
            return false;
        for (size_t i = 0; i < n; i++) {
            if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f || at[i] == '\\')
                return false;
        }
        at += n;
        if (!*at)
            return true;
    }
}

/* Names of the Agent Skills specification: a-z, 0-9 and single hyphens within. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_BYTES &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] && name[0] != '-' &&
           name[n - 1] != '-' && !strstr(name, "--");
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The root as the plugin would write it, without the instance's prefix. */
static char *plain_root(const char *path)
{
    return gn_format("skill://%s/", path);
}

char *gn_skill_root(const struct gn_generation *g, const char *path)
{
    GN_AUTO_FREE char *plain = plain_root(path);
    return gn_prefix_key(g, GN_RESOURCE, plain);
}

bool gn_skill_has(const struct gn_generation *g, const char *root, const struct gn_component *c)
{
    (void)g;
    return c->free_data == free_file && c->data &&
           gn_streq(((const struct file *)c->data)->root, root);
}

/* ---------------------------------------------------------------- front matter */

/* What stands between the first line, "---", and the next of the same; NULL: there is none. */
static const char *find_frontmatter(const char *text, size_t n, size_t *ret_n)
{
    size_t at = 0;
    if (n >= 4 && memcmp(text, "---\n", 4) == 0)
        at = 4;
    else if (n >= 5 && memcmp(text, "---\r\n", 5) == 0)
        at = 5;
    else
        return NULL;
    const char *start = text + at;
    while (at < n) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        size_t bare = len > 0 && text[at + len - 1] == '\r' ? len - 1 : len;
        if (bare == 3 && memcmp(text + at, "---", 3) == 0) {
            *ret_n = (size_t)(text + at - start);
            return start;
        }
        at += len + 1;
    }
    return NULL;
}

/* The front matter as JSON, a new reference; NULL: err says why. */
static json_t *parse_frontmatter(const char *text, size_t n, struct gn_error *err)
{
    struct gn_arena arena;
    struct gn_buf problems = GN_BUF_INIT(GN_ERROR_MAX);
    struct gn_yaml_report report = {.file = MANIFEST, .problems = &problems};
    gn_arena_init(&arena, GN_YAML_ARENA);
    const struct gn_yaml *root = gn_yaml_parse(&arena, text, n, &report);
    json_t *json = NULL;
    if (report.count > 0)
        gn_error_set(err, GN_EINVAL, "front matter: %.*s",
                     (int)strcspn(gn_buf_str(&problems), "\n"), gn_buf_str(&problems));
    else if (!root || root->kind != GN_YAML_MAP)
        gn_error_set(err, GN_EINVAL, "front matter: not a mapping of names to values");
    else
        json = gn_yaml_to_json(root);
    gn_arena_release(&arena);
    gn_buf_release(&problems);
    return json;
}

static int take_frontmatter(struct gn_component *c, const struct file *f, const char *path,
                            struct gn_error *err)
{
    size_t n = 0;
    const char *text = is_text(f->bytes, f->n) ? find_frontmatter(f->bytes, f->n, &n) : NULL;
    if (!text)
        return gn_error_set(err, GN_EINVAL,
                            MANIFEST " must begin with YAML front matter between lines of ---");
    if (n > FRONTMATTER_MAX)
        return gn_error_set(err, GN_ETOOBIG, MANIFEST ": its front matter is larger than 64 KiB");
    c->frontmatter = parse_frontmatter(text, n, err);
    if (!c->frontmatter)
        return GN_EINVAL;
    const char *name = json_string_value(json_object_get(c->frontmatter, "name"));
    const char *about = json_string_value(json_object_get(c->frontmatter, "description"));
    if (!name || !about || !*about)
        return gn_error_set(err, GN_EINVAL,
                            MANIFEST ": its front matter needs name and description");
    if (!gn_streq(name, last_part(path)))
        return gn_error_set(err, GN_EINVAL,
                            "its path ends with %s, but " MANIFEST " names it %.64s",
                            last_part(path), gn_abi_label(name));
    return gn_abi_text("its description", about, &c->description, err);
}

/* ---------------------------------------------------------------- files */

static char *digest_of(const struct file *f)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256(hash, (const unsigned char *)f->bytes, f->n);
    gn_hex(hex, hash, sizeof hash);
    return gn_format("sha256:%s", hex);
}

/* skill://PATH/FILE, with everything encoded that is not plain. */
static char *uri_of(const char *path, const char *file)
{
    static const char digits[] = "0123456789ABCDEF";
    struct gn_buf out = GN_BUF_INIT(GN_ABI_URI_MAX);
    gn_buf_addf(&out, "skill://%s/", path);
    for (const char *p = file; *p; p++) {
        unsigned char byte = (unsigned char)*p;
        if (*p == '/' || strchr(PLAIN, *p)) {
            gn_buf_addc(&out, *p);
        } else {
            gn_buf_addc(&out, '%');
            gn_buf_addc(&out, digits[byte >> 4]);
            gn_buf_addc(&out, digits[byte & 15]);
        }
    }
    char *uri = out.overflow ? NULL : gn_buf_take(&out, NULL);
    gn_buf_release(&out);
    return uri;
}

static int fill_file(struct gn_generation *g, struct gn_component *c, const char *path,
                     const gantry_skill_file *from, struct gn_error *err)
{
    bool is_manifest = gn_streq(from->path, MANIFEST);
    size_t n = from->n ? from->n : strnlen(from->data, GN_SKILL_FILE_BYTES + 1);
    if (n > GN_SKILL_FILE_BYTES)
        return gn_error_set(err, GN_ETOOBIG, "is larger than 8 MiB");
    struct file *f = gn_calloc(1, sizeof *f + n + 1);
    memcpy(f->bytes, from->data, n);
    f->n = n;
    f->root = gn_skill_root(g, path);
    c->data = f;
    c->free_data = free_file;
    c->run = read_file;
    c->owner = &g->owner;
    c->byte_size = (int64_t)n;
    c->digest = digest_of(f);
    c->key = uri_of(path, from->path);
    if (!c->key)
        return gn_error_set(err, GN_ETOOBIG, "its URI is too long");
    int rc = gn_abi_name(GN_RESOURCE, last_part(is_manifest ? path : from->path), &c->name, err);
    if (!rc)
        rc = gn_abi_text("its MIME type",
                         from->mime_type ? from->mime_type : type_of(from->path, f->bytes, n),
                         &c->mime_type, err);
    if (!rc && is_manifest)
        rc = take_frontmatter(c, f, path, err);
    return rc ? rc : gn_prefix_component(g, c, err);
}

static int add_file(struct gn_generation *g, const char *path, const gantry_skill_file *from,
                    struct gn_component **v, size_t count, struct gn_error *err)
{
    if (!is_path(from->path, FILE_PATH_MAX, NULL))
        return gn_error_set(err, GN_EINVAL, "file %s: not a path below the skill",
                            gn_abi_label(from->path));
    if (!from->data)
        return gn_error_set(err, GN_EINVAL, "file %s: .data is NULL", from->path);
    struct gn_component *c = gn_component_new(GN_RESOURCE);
    v[count] = c;
    int rc = fill_file(g, c, path, from, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (gn_streq(v[i]->key, c->key))
            rc = gn_error_set(err, GN_EEXIST, "is there twice");
    }
    if (rc)
        gn_error_prefix(err, "file %s: ", from->path);
    return rc;
}

/* ---------------------------------------------------------------- a skill */

static int check(const gantry_skill *s, struct gn_error *err)
{
    if (!is_path(s->path, GN_SKILL_PATH_MAX, PLAIN "/"))
        return gn_error_set(err, GN_EINVAL,
                            "its path must be parts of A-Z a-z 0-9 - . _ ~ with / between them");
    if (!is_name(last_part(s->path)))
        return gn_error_set(err, GN_EINVAL,
                            "the last part of its path must be 1 to %d of a-z, 0-9 and single "
                            "hyphens within",
                            NAME_MAX_BYTES);
    if (!s->files || s->file_size < sizeof(gantry_skill_file))
        return gn_error_set(err, GN_EINVAL, "has no files, or no .file_size");
    return GN_OK;
}

static void free_all(struct gn_component **v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gn_component_unref(v[i]);
    gn_free(v);
}

static int take_files(struct gn_generation *g, const gantry_skill *s, struct gn_component **v,
                      size_t *ret_count, struct gn_error *err)
{
    const char *at = (const char *)s->files;
    bool has_manifest = false;
    size_t bytes = 0;
    for (;; at += s->file_size) {
        gantry_skill_file from;
        memcpy(&from, at, sizeof from);
        if (!from.path)
            break;
        if (*ret_count >= GN_SKILL_FILES_MAX)
            return gn_error_set(err, GN_ETOOBIG, "has more than %d files", GN_SKILL_FILES_MAX);
        int rc = add_file(g, s->path, &from, v, (*ret_count)++, err);
        if (rc)
            return rc;
        bytes += (size_t)v[*ret_count - 1]->byte_size;
        if (bytes > GN_SKILL_BYTES)
            return gn_error_set(err, GN_ETOOBIG, "its files are larger than 16 MiB together");
        has_manifest = has_manifest || v[*ret_count - 1]->frontmatter;
    }
    return has_manifest ? GN_OK : gn_error_set(err, GN_EINVAL, "has no " MANIFEST);
}

int gn_skill_import(struct gn_generation *g, const gantry_skill *raw, struct gn_component ***ret,
                    size_t *ret_count, struct gn_error *err)
{
    gantry_skill s;
    struct gn_component **v = NULL;
    size_t count = 0;
    int rc = gn_abi_copy(&s, sizeof s, sizeof s, raw, err);
    if (!rc)
        rc = check(&s, err);
    if (!rc) {
        v = gn_calloc(GN_SKILL_FILES_MAX, sizeof(struct gn_component *));
        rc = take_files(g, &s, v, &count, err);
    }
    if (rc) {
        gn_error_prefix(err, "skill %s: ", gn_abi_label(s.path));
        free_all(v, count);
        return rc;
    }
    *ret = v;
    *ret_count = count;
    return GN_OK;
}
