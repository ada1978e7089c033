/* str.c - comparison, numbers with units, paths, "did you mean". UTF-8 and encodings: utf8.c. */
#include "util/str.h"

#include "util/alloc.h"
#include "util/error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEAREST_MAX 64                 /* longest word that gn_nearest looks at */
#define NEAREST_WORK ((size_t)1000000) /* pairs of characters that it compares at most */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"kb", 1000},
    {"kib", UINT64_C(1) << 10},
    {"mb", 1000000},
    {"mib", UINT64_C(1) << 20},
    {"gb", UINT64_C(1000000000)},
    {"gib", UINT64_C(1) << 30},
    {"tb", UINT64_C(1000000000000)},
    {"tib", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 86400000}, {NULL, 0},
};

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

/* Digits, then blanks, then one of the units. */
static bool parse_unit(const char *s, const struct unit *units, uint64_t *ret)
{
    if (!s || *s < '0' || *s > '9')
        return false;
    uint64_t value = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
            return false;
    }
    const char *name = s;
    while (*name == ' ')
        name++;
    if (*name == '\0' && name != s)
        return false;
    for (; units->name; units++) {
        if (gn_strcaseeq(name, units->name))
            return !__builtin_mul_overflow(value, units->factor, ret);
    }
    return false;
}

/* Optimal string alignment distance; both at most NEAREST_MAX long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t best = last[j - 1] + (same ? 0 : 1);
            best = GN_MIN(best, last[j] + 1);
            best = GN_MIN(best, now[j - 1] + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                best = GN_MIN(best, before[j - 2] + 1);
            now[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b_len];
}

int gn_read_all(int fd, struct gn_buf *out)
{
    for (;;) {
        /* One byte more than the buffer may hold tells "full" from "too big". */
        size_t room = out->max - out->len;
        size_t want = GN_MIN(room, (size_t)64 * 1024);
        char extra;
        char *at = want ? gn_buf_reserve(out, want) : &extra;
        if (!at)
            return GN_ETOOBIG;
        *at = '\0'; /* reserved memory is as it was found */
        ssize_t n = read(fd, at, want ? want : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        if (want == 0) {
            out->overflow = true;
            return GN_ETOOBIG;
        }
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}

int gn_write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

bool gn_strcaseeq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

bool gn_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool gn_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s), suffix_len = strlen(suffix);
    return len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

bool gn_parse_int64(const char *s, int64_t *ret)
{
    if (!s)
        return false;
    bool negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    if (*s == '\0')
        return false;
    int64_t value = 0;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        /* Counted downwards, since INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, (int64_t)(*s - '0'), &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    *ret = value;
    return true;
}

bool gn_parse_size(const char *s, uint64_t *ret_bytes)
{
    return parse_unit(s, size_units, ret_bytes);
}

bool gn_parse_duration(const char *s, uint64_t *ret_ms)
{
    if (gn_streq(s, "0")) {
        *ret_ms = 0;
        return true;
    }
    return parse_unit(s, duration_units, ret_ms);
}

const char *gn_nearest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    if (len > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = len / 3 + 1, work = 0;
    for (; *candidates && work < NEAREST_WORK; candidates++) {
        size_t other = strnlen(*candidates, NEAREST_MAX + 1);
        size_t apart = other > len ? other - len : len - other;
        if (other > NEAREST_MAX || apart >= best_distance)
            continue;
        work += (len + 1) * (other + 1);
        size_t d = distance(word, len, *candidates, other);
        if (d < best_distance) {
            best = *candidates;
            best_distance = d;
        }
    }
    return best;
}

char *gn_path_join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    if (len == 0)
        return gn_strdup(name);
    while (len > 0 && dir[len - 1] == '/')
        len--;
    while (*name == '/')
        name++;
    return gn_format("%.*s/%s", (int)GN_MIN(len, (size_t)INT32_MAX), dir, name);
}

const char *gn_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int gn_read_file(const char *path, struct gn_buf *out)
{
    /* Not blocking: opening a pipe that nobody writes to would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    size_t before = out->len;
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) != 0)
        rc = -errno;
    else if (S_ISDIR(st.st_mode))
        rc = -EISDIR;
    else if (!S_ISREG(st.st_mode))
        rc = GN_EINVAL;
    else
        rc = gn_read_all(fd, out);
    close(fd);
    if (rc)
        out->len = before;
    if (out->data)
        out->data[out->len] = '\0';
    return rc;
}
