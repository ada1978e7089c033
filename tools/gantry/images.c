/* images.c - pictures, sounds and other bytes of a result, saved to files. */
#include "images.h"

#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEM_MAX 60
#define EXTENSION_MAX 8
#define TRIES_MAX 10000

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *extension_of(const char *mime)
{
    static const struct {
        const char *mime, *extension;
    } types[] = {
        {"image/png", "png"},         {"image/jpeg", "jpg"},      {"image/gif", "gif"},
        {"image/webp", "webp"},       {"image/svg+xml", "svg"},   {"image/bmp", "bmp"},
        {"image/avif", "avif"},       {"image/tiff", "tiff"},     {"audio/wav", "wav"},
        {"audio/x-wav", "wav"},       {"audio/wave", "wav"},      {"audio/mpeg", "mp3"},
        {"audio/mp3", "mp3"},         {"audio/ogg", "ogg"},       {"audio/flac", "flac"},
        {"audio/mp4", "m4a"},         {"audio/webm", "webm"},     {"video/mp4", "mp4"},
        {"application/pdf", "pdf"},   {"application/zip", "zip"}, {"application/gzip", "gz"},
        {"application/json", "json"}, {"text/plain", "txt"},      {"text/html", "html"},
        {"text/markdown", "md"},      {"text/csv", "csv"},
    };
    size_t len = mime ? strcspn(mime, "; ") : 0;
    GN_AUTO_FREE char *type = gn_strndup(mime ? mime : "", len);
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_strcaseeq(type, types[i].mime))
            return types[i].extension;
    }
    return NULL;
}

/* What is behind the last dot of a name, if it looks like an extension; its length, else 0. */
static size_t own_extension(const char *name, size_t len)
{
    size_t n = 0;
    while (n < len && is_letter(name[len - n - 1]))
        n++;
    bool has_dot = n > 0 && n < len && n + 1 < len && name[len - n - 1] == '.';
    return has_dot && n <= EXTENSION_MAX ? n : 0;
}

void gn_image_add_name(struct gn_buf *out, const char *kind, const char *uri, const char *mime,
                       unsigned n)
{
    size_t all = uri ? strcspn(uri, "?#") : 0, from = all;
    while (from > 0 && uri[from - 1] != '/')
        from--;
    const char *name = uri && all > from ? uri + from : kind;
    size_t len = uri && all > from ? all - from : strlen(kind);
    size_t own = own_extension(name, len);
    const char *extension = extension_of(mime);
    size_t stem = own ? len - own - 1 : len, start = out->len;
    while (stem > 0 && *name == '.') { /* it would be hidden */
        name++;
        stem--;
        len--;
    }
    for (size_t i = 0; i < GN_MIN(stem, (size_t)STEM_MAX); i++) {
        char c = name[i];
        /* A program may take what begins with a dash for an option. */
        bool is_kept = is_letter(c) || c == '.' || (c == '-' && i > 0);
        gn_buf_addc(out, is_kept ? c : '_');
    }
    if (out->len == start)
        gn_buf_adds(out, "file");
    if (n > 1)
        gn_buf_addf(out, "-%u", n);
    if (extension)
        gn_buf_addf(out, ".%s", extension);
    else if (own)
        gn_buf_addf(out, ".%.*s", (int)own, name + len - own);
    else
        gn_buf_adds(out, ".bin");
}

static const char *default_folder(void)
{
    static const char *const names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        const char *folder = getenv(names[i]);
        if (folder && *folder == '/' && access(folder, W_OK) == 0)
            return folder;
    }
    return "/tmp";
}

static int open_new(const char *save, const char *kind, const char *uri, const char *mime,
                    char **ret_path, struct gn_error *err)
{
    const char *folder = save ? save : default_folder();
    uint8_t random[6];
    char hex[2 * sizeof(random) + 1];
    if (save && mkdir(save, 0700) != 0 && errno != EEXIST)
        return gn_error_set(err, -errno, "%s: %s", save, strerror(errno));
    for (unsigned n = 1; n < TRIES_MAX; n++) {
        struct gn_buf name = GN_BUF_INIT(1024);
        if (!save) {
            gn_assert(sodium_init() >= 0);
            randombytes_buf(random, sizeof(random));
            gn_hex(hex, random, sizeof(random));
            gn_buf_addf(&name, "gantry-%s-", hex);
        }
        gn_image_add_name(&name, kind, uri, mime, save ? n : 1);
        *ret_path = gn_path_join(folder, gn_buf_str(&name));
        gn_buf_release(&name);
        int fd = open(*ret_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            return fd;
        int code = errno;
        gn_error_set(err, -code, "%s: %s", *ret_path, strerror(code));
        gn_free(*ret_path);
        *ret_path = NULL;
        if (code != EEXIST)
            return -code;
    }
    return gn_error_set(err, GN_EEXIST, "%s: all names are taken", folder);
}

int gn_image_save(const char *save, const char *kind, const char *uri, const char *mime,
                  const void *bytes, size_t len, char **ret_path, struct gn_error *err)
{
    *ret_path = NULL;
    int fd = open_new(save, kind, uri, mime, ret_path, err);
    if (fd < 0)
        return fd;
    gn_assert(*ret_path != NULL);
    int rc = gn_write_all(fd, bytes, len);
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc) {
        gn_error_set(err, rc, "%s: %s", *ret_path, strerror(-rc));
        unlink(*ret_path);
        gn_free(*ret_path);
        *ret_path = NULL;
    }
    return rc;
}
