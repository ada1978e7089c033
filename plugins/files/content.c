/* content.c - see content.h. */
#include "content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *content_read(int fd, int64_t max, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return NULL;
    }
    if (st.st_size > max) {
        errno = EFBIG;
        return NULL;
    }
    size_t cap = (size_t)st.st_size;
    char *data = malloc(cap + 1);
    if (!data)
        return NULL;
    size_t n = 0;
    while (n < cap) { /* a file that grows meanwhile is cut where it was */
        ssize_t got = read(fd, data + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(data);
            return NULL;
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    data[n] = '\0';
    *ret_n = n;
    return data;
}

bool is_utf8(const char *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data, *end = p + n;
    while (p < end) {
        if (*p == 0)
            return false;
        if (*p < 0x80) {
            p++;
            continue;
        }
        unsigned len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
        if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < len)
            return false;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
            (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
            return false; /* overlong, surrogate, beyond U+10FFFF */
        for (unsigned i = 1; i < len; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
        }
        p += len;
    }
    return true;
}

const char *mime_of(const char *path, bool is_text)
{
    static const struct {
        const char *suffix, *mime;
    } table[] = {
        {".md", "text/markdown"},
        {".html", "text/html"},
        {".css", "text/css"},
        {".csv", "text/csv"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".yaml", "application/yaml"},
        {".yml", "application/yaml"},
        {".js", "text/javascript"},
        {".c", "text/x-c"},
        {".h", "text/x-c"},
        {".py", "text/x-python"},
        {".sh", "application/x-sh"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".svg", "image/svg+xml"},
        {".mp3", "audio/mpeg"},
        {".wav", "audio/wav"},
        {".ogg", "audio/ogg"},
        {".pdf", "application/pdf"},
    };
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(suffix, table[i].suffix) == 0)
            return table[i].mime;
    }
    return is_text ? "text/plain" : "application/octet-stream";
}

const char *uri_of(gantry_call *call, const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = gantry_alloc(call, 3 * strlen(path) + 1);
    if (!escaped)
        return NULL;
    char *to = escaped;
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("/-._~", c);
        if (plain) {
            *to++ = *p;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    /* An instance with a name of its own has it in all its URIs. */
    const char *instance = gantry_instance(gantry_self(call));
    if (strcmp(instance, "files") == 0)
        return gantry_format(call, "files://%s", escaped);
    return gantry_format(call, "files://%s/%s", instance, escaped);
}
