/* meta.h - names of `_meta` members, of extensions and of result types that the protocol fixes. */
#ifndef GN_WIRE_META_H
#define GN_WIRE_META_H

#define GN_META "_meta"

/* Stateless era, in requests (2026-07-28 "Statelessness"); the first three are required. */
#define GN_META_PROTOCOL_VERSION "io.modelcontextprotocol/protocolVersion"
#define GN_META_CLIENT_INFO "io.modelcontextprotocol/clientInfo"
#define GN_META_CLIENT_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define GN_META_LOG_LEVEL "io.modelcontextprotocol/logLevel"

/* Stateless era, in results and notifications. */
#define GN_META_SERVER_INFO "io.modelcontextprotocol/serverInfo"
#define GN_META_SUBSCRIPTION_ID "io.modelcontextprotocol/subscriptionId"

/* Tasks of 2025-11-25. */
#define GN_META_RELATED_TASK "io.modelcontextprotocol/related-task"
#define GN_META_IMMEDIATE_RESPONSE "io.modelcontextprotocol/model-immediate-response"

/* Both eras. */
#define GN_META_PROGRESS_TOKEN "progressToken"
#define GN_META_TRACEPARENT "traceparent" /* W3C Trace Context */
#define GN_META_TRACESTATE "tracestate"
#define GN_META_BAGGAGE "baggage" /* W3C Baggage */

/* Names of extensions, in `capabilities.extensions`. */
#define GN_EXTENSION_TASKS "io.modelcontextprotocol/tasks"
#define GN_EXTENSION_UI "io.modelcontextprotocol/ui"

/* Values of `resultType` (2026-07-28). */
#define GN_RESULT_COMPLETE "complete"
#define GN_RESULT_INPUT_REQUIRED "input_required"
#define GN_RESULT_TASK "task" /* SEP-2663 */

#endif
