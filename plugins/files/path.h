/* path.h - names of files below configured roots, and opening them without ever leaving the root.
 *
 * A client names a file as ROOT/part/part: the name of a root, then parts that are neither empty,
 * "." nor "..". Opening resolves below the root's directory in the kernel (openat2 with
 * RESOLVE_BENEATH), so a symbolic link that leads out, or a directory swapped for one in the middle
 * of it, is an error and not a hole. Where openat2 is missing or forbidden, links are not followed
 * at all.
 *
 * Everything here blocks, and may run on several threads at once: after `start` nothing changes.
 */
#ifndef FILES_PATH_H
#define FILES_PATH_H

#include <stddef.h>

#define MAX_ROOTS 64
#define MAX_PATH 4096 /* bytes of a path, its NUL included */

typedef struct {
    char *name; /* what clients call it: the last part of the directory, made unique */
    int fd;     /* the open directory: a root that is renamed stays the same root */
} root;

typedef struct {
    size_t count;
    root v[MAX_ROOTS];
} roots;

/* Adds a directory by its absolute path. NULL, or what is wrong with it (static text). */
const char *roots_add(roots *r, const char *dir);
void roots_close(roots *r);
/* The root of that name, len bytes; NULL: there is none. */
const root *roots_find(const roots *r, const char *name, size_t len);

/* Splits a client's path: *ret_root, and the rest relative to it ("." for the root itself) in rest,
 * which holds MAX_PATH bytes. NULL, or why it is refused (static text). "" is no root: *ret_root is
 * NULL. */
const char *path_parse(const roots *r, const char *path, const root **ret_root, char *rest);

/* Opens what is there below the root. A descriptor, or -errno: -EXDEV where the path leads out. */
int path_open(const root *r, const char *rest, int flags);
/* Opens a directory. */
int path_open_dir(const root *r, const char *rest);
/* Opens a regular file to read, and nothing else: -EISDIR, or -EINVAL for a pipe, socket or device.
 */
int path_open_file(const root *r, const char *rest);
/* Opens the directory that holds the last part of rest; *ret_name points at that part. */
int path_open_parent(const root *r, const char *rest, const char **ret_name);

/* What an errno value means for a path. Static text, without any path. */
const char *path_error(int error);

#endif
