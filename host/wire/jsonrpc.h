/* jsonrpc.h - JSON-RPC 2.0 as MCP restricts it: what a message is, and the frame of those we write.
 *
 * Pure functions over parsed messages and buffers. [any thread]
 */
#ifndef GN_WIRE_JSONRPC_H
#define GN_WIRE_JSONRPC_H

#include "util/buf.h"
#include "util/error.h"
#include "json/json.h"

enum gn_rpc_code {
    GN_RPC_PARSE_ERROR = -32700,
    GN_RPC_INVALID_REQUEST = -32600,
    GN_RPC_METHOD_NOT_FOUND = -32601,
    GN_RPC_INVALID_PARAMS = -32602,
    GN_RPC_INTERNAL_ERROR = -32603,
    GN_RPC_RESOURCE_NOT_FOUND = -32002,       /* handshake era only */
    GN_RPC_URL_ELICITATION_REQUIRED = -32042, /* 2025-11-25 only */
    GN_RPC_HEADER_MISMATCH = -32020,          /* these three: stateless era only */
    GN_RPC_MISSING_CAPABILITY = -32021,
    GN_RPC_UNSUPPORTED_VERSION = -32022,
};

enum gn_jsonrpc_kind {
    GN_JSONRPC_INVALID = 0,
    GN_JSONRPC_REQUEST,
    GN_JSONRPC_NOTIFICATION,
    GN_JSONRPC_RESPONSE,
};

/* Everything borrowed from the message's document. */
struct gn_jsonrpc {
    enum gn_jsonrpc_kind kind;
    const char *method;        /* request, notification: without NUL */
    const gantry_json *id;     /* a string or an integer of any size. Set for INVALID, too, where it
                                  could be read, so that the answer can name it. NULL for a
                                  response to a message that its sender could not read */
    const gantry_json *params; /* an object, or NULL */
    const gantry_json *result; /* response: exactly one of these two, each an object */
    const gantry_json *error;
};

/* Says what the message is. GN_EPROTO and kind INVALID if it is none; the message tells why.
 * Members that JSON-RPC does not know are ignored. A batch (an array) is not a message: its
 * elements are. */
int gn_jsonrpc_classify(const gantry_json *message, struct gn_jsonrpc *ret, struct gn_error *err);

enum gn_jsonrpc_flags {
    GN_JSONRPC_OMIT_ID = 1, /* write no id at all instead of null (stateless era) */
};

/* Each appends one message without a line end. `id_json`, `params_json`, `data_json` and
 * `result_json` are JSON text, which is not checked. GN_ETOOBIG if it does not fit. */

/* id_json NULL: the id is null, or left out if flags say so. data_json may be NULL. */
int gn_jsonrpc_write_error(struct gn_buf *out, const char *id_json, int code, const char *message,
                           const char *data_json, unsigned flags);
int gn_jsonrpc_write_result(struct gn_buf *out, const char *id_json, const char *result_json,
                            size_t result_len);
/* params_json may be NULL. */
int gn_jsonrpc_write_request(struct gn_buf *out, const char *id_json, const char *method,
                             const char *params_json);
int gn_jsonrpc_write_notification(struct gn_buf *out, const char *method, const char *params_json);
/* The same piece by piece: opens the message and its params in out, whose members are written next;
 * closes both. */
void gn_jsonrpc_open_notification(struct gn_jw *w, struct gn_buf *out, const char *method);
void gn_jsonrpc_close_notification(struct gn_jw *w);

#endif
