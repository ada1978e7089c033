/* audit.c - a line for each call. */
#include "pipeline/audit.h"

#include "observe/file.h"
#include "observe/rules.h"
#include "util/alloc.h"
#include "util/clock.h"

#include <stdio.h>
#include <string.h>

#define FILE_MODE 0600
#define LINE_MAX_ ((size_t)256 << 10)
#define TRACE_ID 32

#define AUDIT_MAGIC 0xa0d17001u
struct gn_audit {
    uint32_t magic;
    struct gn_call_env *env;
    struct gn_call_observer observer;
    struct gn_log_file *file; /* NULL: nothing is written */
    bool arguments;
    bool fails; /* the last line could not be written */
};

/* The same words as in gantry_calls_total. */
static const char *const outcomes[] = {
    [GN_OUT_RESULT] = "ok",           [GN_OUT_FAILED] = "failed",     [GN_OUT_INVALID] = "invalid",
    [GN_OUT_NOT_FOUND] = "not_found", [GN_OUT_ACCIDENT] = "error",    [GN_OUT_TIMEOUT] = "timeout",
    [GN_OUT_BUSY] = "busy",           [GN_OUT_CANCELED] = "canceled", [GN_OUT_UNWOUND] = "asked",
};
#define REFUSED "refused" /* with an error code of its own, whatever the outcome */

static void add(struct gn_jw *w, const char *name, const char *value)
{
    if (value)
        gn_jw_str(w, name, value);
}

static void add_client(struct gn_jw *w, const struct gn_call *call)
{
    if (!call->client_name)
        return;
    gn_jw_object(w, "client");
    gn_jw_str(w, "name", call->client_name);
    add(w, "version", call->client_version);
    gn_jw_end(w);
}

/* Only where a client or a plugin has been told it. */
static void add_correlation(struct gn_jw *w, const struct gn_call *call)
{
    char text[17];
    uint64_t id = __atomic_load_n(&call->correlation, __ATOMIC_RELAXED);
    if (!id)
        return;
    snprintf(text, sizeof text, "%016llx", (unsigned long long)id);
    gn_jw_str(w, "correlation_id", text);
}

static void add_arguments(struct gn_jw *w, const struct gn_call *call)
{
    struct gn_log_rules *rules = gn_log_rules_of(call->env->log);
    const gantry_json *arguments = gn_call_arguments(call);
    if (rules && arguments)
        gn_redact_json(rules->redactor, arguments, w, "arguments");
    gn_log_rules_unref(rules);
}

static void write_line(const struct gn_call *call, enum gn_outcome outcome, bool arguments,
                       struct gn_buf *out)
{
    char when[32];
    gn_wall_format(gn_wall_ms(), when);
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "time", when);
    add(&w, "principal", call->principal);
    add(&w, "session", call->session_id);
    add_client(&w, call);
    add(&w, "transport", call->transport);
    add(&w, "revision", gn_revision_name(call->revision));
    add(&w, "method", call->method);
    add(&w, "component", gn_call_outer_label(call));
    add(&w, "uri", call->uri);
    gn_jw_str(&w, "outcome", call->error_code ? REFUSED : outcomes[outcome]);
    add_correlation(&w, call);
    if (call->began_us)
        gn_jw_num(&w, "duration_ms", (double)(gn_clock_us() - call->began_us) / 1000);
    if (call->request_id)
        gn_jw_raw(&w, "request_id", call->request_id, strlen(call->request_id));
    gn_jw_int(&w, "depth", call->depth);
    if (call->traceparent && strlen(call->traceparent) >= 3 + TRACE_ID)
        gn_jw_strn(&w, "trace_id", call->traceparent + 3, TRACE_ID);
    if (arguments)
        add_arguments(&w, call);
    gn_jw_end(&w);
    gn_buf_addc(out, '\n');
}

static void tell(struct gn_audit *a, int rc, uint64_t lost)
{
    bool failed_before = a->fails;
    a->fails = rc != 0;
    if (rc && !failed_before)
        gn_log(a->env->log, GN_ERROR, "audit", "audit.file cannot be written to: %s",
               strerror(-rc));
    else if (!rc && failed_before)
        gn_log(a->env->log, GN_WARNING, "audit",
               "audit.file is written to again, %llu calls are not in it",
               (unsigned long long)lost);
}

static void ended(struct gn_call_observer *observer, const struct gn_call *call,
                  enum gn_outcome outcome)
{
    struct gn_audit *a = GN_CONTAINER(observer, struct gn_audit, observer);
    GN_CHECK(a, AUDIT_MAGIC);
    if (!a->file)
        return;
    struct gn_buf line = GN_BUF_INIT(LINE_MAX_);
    write_line(call, outcome, a->arguments, &line);
    if (line.overflow) { /* a call is never left out because its arguments are long */
        gn_buf_clear(&line);
        write_line(call, outcome, false, &line);
    }
    uint64_t lost = gn_log_file_lost(a->file);
    tell(a, line.overflow ? GN_ETOOBIG : gn_log_file_write(a->file, line.data, line.len), lost);
    gn_buf_release(&line);
}

struct gn_audit *gn_audit_new(struct gn_call_env *env)
{
    struct gn_audit *a = gn_calloc(1, sizeof *a);
    a->magic = AUDIT_MAGIC;
    a->env = env;
    a->observer.ended = ended;
    gn_call_observe(env, &a->observer);
    return a;
}

int gn_audit_configure(struct gn_audit *a, const struct gn_config *c, struct gn_error *err)
{
    GN_CHECK(a, AUDIT_MAGIC);
    struct gn_log_file_options options = {.path = c->audit_file,
                                          .max_size = c->audit_max_size,
                                          .keep = c->audit_keep,
                                          .mode = FILE_MODE};
    int rc = 0;
    a->arguments = c->audit_arguments;
    if (!c->audit_file) {
        gn_log_file_close(a->file);
        a->file = NULL;
    } else if (a->file) {
        rc = gn_log_file_configure(a->file, &options, err);
    } else {
        a->file = gn_log_file_open(&options, err);
        rc = a->file ? 0 : GN_EINVAL;
    }
    if (rc)
        gn_error_prefix(err, "audit.file: ");
    return rc;
}

void gn_audit_free(struct gn_audit *a)
{
    if (!a)
        return;
    GN_CHECK(a, AUDIT_MAGIC);
    gn_list_remove(&a->observer.node);
    gn_log_file_close(a->file);
    a->magic = 0;
    gn_free(a);
}
