/* http_parse.h - the head of an HTTP/1 request (RFC 9112), strictly: what two parsers might read
 * differently is an error, since that is how requests are smuggled past a proxy. Pure functions.
 */
#ifndef GN_TRANSPORT_HTTP_PARSE_H
#define GN_TRANSPORT_HTTP_PARSE_H

#include "util/arena.h"

#define GN_HTTP_FIELDS_MAX 128

struct gn_http_field {
    const char *name;  /* lower case */
    const char *value; /* without blanks around it; of several fields of one name: joined by ", " */
};

/* All text lives in the arena. */
struct gn_http_head {
    const char *method;
    const char *path;      /* as sent, without query; "*" for OPTIONS */
    const char *query;     /* after the question mark; NULL: there is none */
    const char *authority; /* of an absolute target; else NULL */
    int minor;             /* HTTP/1.minor: 0 or 1 */
    struct gn_http_field *fields;
    size_t field_count;
};

/* The length of the head with its empty line; 0: it is not complete. *scanned remembers where to go
 * on with more data; 0 at first. */
size_t gn_http_head_end(const char *data, size_t len, size_t *scanned);
/* 0, or the status to refuse the request with: 400, 431 too many fields, 505. */
int gn_http_head_parse(struct gn_http_head *head, struct gn_arena *arena, const char *data,
                       size_t len);
/* A field's value by its name in lower case; NULL: absent. */
const char *gn_http_head_find(const struct gn_http_head *head, const char *name);

#endif
