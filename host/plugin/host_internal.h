/* host_internal.h - inside the host table: its functions, file by file, and what they share.
 *
 * Each gn_host_NAME is the member NAME of struct gantry_host; sdk/gantry.h says what it does. They
 * run on the thread of the handler that calls them. What belongs to the loop alone (registry,
 * streams, reference counts) is done there, by gn_host_on_loop.
 */
#ifndef GN_PLUGIN_HOST_INTERNAL_H
#define GN_PLUGIN_HOST_INTERNAL_H

#include "call/call.h"
#include "plugin/generation.h"

/* Bytes a result may take unless the host says otherwise. */
#define GN_HOST_RESULT_BYTES ((uint64_t)16 << 20)

/* ---- host_call.c: shared */
/* False; the log tells, unless the call is none at all. */
bool gn_host_runs_not(const gantry_call *call);
/* True if this is a call whose handler runs now; otherwise the function must do nothing. */
static inline bool gn_host_is_on_task(const gantry_call *call)
{
    return call && call->magic == GN_CALL_MAGIC && call->task && gn_task_current() == call->task;
}
static inline bool gn_host_runs(const gantry_call *call)
{
    return gn_host_is_on_task(call) || gn_host_runs_not(call);
}
/* A mistake in the plugin's code, told to its author through the log. Returns GANTRY_EINVAL. */
int gn_host_misuse(gantry_call *call, const char *fmt, ...) GN_PRINTF(2, 3);
/* fn(arg) on the loop's thread: at once for a coroutine, which is on it already. */
void gn_host_on_loop(gantry_call *call, void (*fn)(void *arg), void *arg);
uint64_t gn_host_result_limit(const gantry_call *call);
/* The writer's text as a value in the call's memory; GANTRY_ETOOBIG. Releases out. */
int gn_host_keep_json(gantry_call *call, struct gn_buf *out, const gantry_json **ret);

/* ---- host_content.c */
int gn_host_textv(gantry_call *call, const char *fmt, va_list ap) GN_PRINTF(2, 0);
int gn_host_text_add(gantry_call *call, const char *text, size_t n);
int gn_host_data_add(gantry_call *call, uint32_t kind, const void *data, size_t n,
                     const char *mime);
int gn_host_embed(gantry_call *call, const char *uri, const char *mime, const void *data, size_t n,
                  uint32_t is_text);
int gn_host_link(gantry_call *call, const char *uri, const char *name, const char *mime,
                 const char *description);
int gn_host_annotate(gantry_call *call, const gantry_annotations *annotations);
int gn_host_role(gantry_call *call, uint32_t role);
int gn_host_structured(gantry_call *call, const void *value);
int gn_host_structured_json(gantry_call *call, const gantry_json *value);
int gn_host_result_meta(gantry_call *call, const char *key, const gantry_json *value);
int gn_host_failv(gantry_call *call, const char *fmt, va_list ap) GN_PRINTF(2, 0);
int gn_host_suggest(gantry_call *call, const char *value);
int gn_host_suggest_total(gantry_call *call, int64_t total);

/* ---- host_call.c */
int gn_host_progress(gantry_call *call, double done, double total, const char *message);
int gn_host_sleep(gantry_call *call, uint32_t ms);
int gn_host_cancelled(gantry_call *call);
int gn_host_shield(gantry_call *call, uint32_t ms);
int gn_host_work(gantry_call *call, int (*fn)(void *arg), void *arg);
gantry_mutex *gn_host_mutex_new(gantry_plugin *plugin);
void gn_host_mutex_free(gantry_mutex *mutex);
int gn_host_lock(gantry_call *call, gantry_mutex *mutex);
void gn_host_unlock(gantry_call *call, gantry_mutex *mutex);
void *gn_host_alloc(gantry_call *call, size_t n);
char *gn_host_formatv(gantry_call *call, const char *fmt, va_list ap) GN_PRINTF(2, 0);
void *gn_host_data(gantry_call *call);
gantry_plugin *gn_host_self(gantry_call *call);
const char *gn_host_uri(gantry_call *call);
const char *gn_host_header(gantry_call *call, const char *name);
const gantry_json *gn_host_params(gantry_call *call);
const gantry_json *gn_host_arguments(gantry_call *call);
const gantry_json *gn_host_request_meta(gantry_call *call);
const char *gn_host_info(gantry_call *call, uint32_t what);
int gn_host_can(gantry_call *call, uint32_t capability);

/* ---- host_work.c */
int gn_host_work_interruptible(gantry_call *call, int (*fn)(void *arg),
                               void (*interrupt)(void *arg), void *arg);
gantry_semaphore *gn_host_semaphore_new(gantry_plugin *plugin, uint32_t permits);
void gn_host_semaphore_free(gantry_semaphore *semaphore);
int gn_host_semaphore_take(gantry_call *call, gantry_semaphore *semaphore, uint32_t ms);
void gn_host_semaphore_give(gantry_semaphore *semaphore);

/* ---- host_reach.c: beyond the call */
int gn_host_http(gantry_call *call, const gantry_http_request *request,
                 const gantry_http_response **ret);
int gn_host_call_tool(gantry_call *call, const char *name, const gantry_json *arguments,
                      const gantry_json **ret_result);
int gn_host_read_resource(gantry_call *call, const char *uri, const gantry_json **ret_result);

/* ---- host_ask.c */
int gn_host_ask(gantry_call *call, gantry_ask *const *asks, size_t n);
int gn_host_sample_loop(gantry_call *call, const char *key, const gantry_sampling *sampling,
                        uint32_t max_rounds, gantry_sampled *ret);

/* ---- host_once.c */
int gn_host_once(gantry_call *call, const char *key,
                 int (*fn)(gantry_call *call, void *arg, const gantry_json **ret), void *arg,
                 const gantry_json **ret);
const char *gn_host_elicitation_id(gantry_call *call, const char *key);
int gn_host_elicitation_done(gantry_plugin *g, const char *id);

/* ---- host_task.c */
int gn_host_become_task(gantry_call *call, const gantry_task_options *options);
int gn_host_task_status(gantry_call *call, const char *message);
const char *gn_host_task_id(gantry_call *call);
int gn_host_close_stream(gantry_call *call, uint32_t retry_ms);
const gantry_json *gn_host_client_extension(gantry_call *call, const char *name);

/* ---- host_subscribe.c */
int gn_host_resource_updated(gantry_plugin *g, const char *uri);
int gn_host_is_subscribed(gantry_plugin *g, const char *uri);
int gn_host_subscriptions(gantry_call *call, gantry_strings *ret);

/* ---- host_skill.c */
int gn_host_set_skill(gantry_plugin *g, const gantry_skill *skill);
int gn_host_remove_skill(gantry_plugin *g, const char *path);

/* ---- host_json.c */
int gn_host_json_int(const gantry_json *v, int64_t *ret);
int gn_host_json_num(const gantry_json *v, double *ret);
const gantry_json *gn_host_json_parse(gantry_call *call, const char *text, size_t n);
const char *gn_host_json_print(gantry_call *call, const gantry_json *v);
gantry_builder *gn_host_builder_new(gantry_call *call);
int gn_host_builder_open(gantry_builder *b, const char *name, uint32_t type);
int gn_host_builder_close(gantry_builder *b);
int gn_host_builder_string(gantry_builder *b, const char *name, const char *s, size_t n);
int gn_host_builder_int(gantry_builder *b, const char *name, int64_t v);
int gn_host_builder_num(gantry_builder *b, const char *name, double v);
int gn_host_builder_word(gantry_builder *b, const char *name, uint32_t type);
int gn_host_builder_json(gantry_builder *b, const char *name, const gantry_json *v);
const gantry_json *gn_host_builder_end(gantry_builder *b);

/* ---- host_plugin.c: shared */
/* A change of what an instance provides, carried to the loop. */
struct gn_change {
    gantry_plugin *g;
    enum gn_kind kind;
    bool is_made;     /* raw is a gantry_from */
    const void *raw;  /* to add */
    const char *name; /* to remove */
    int rc;
    struct gn_error err;
};
/* True, with rc and err set, if nothing may be changed (any more, or now). [loop] */
bool gn_change_is_late(struct gn_change *c);
/* fn(c) on the loop; what went wrong is logged. As plugins read it: GANTRY_E. [a thread of the
 * host] */
int gn_change_carry_out(struct gn_change *c, void (*fn)(void *arg));

/* ---- host_transform.c */
void gn_change_remove_transform(void *arg);
int gn_host_add_transform(gantry_plugin *g, const gantry_transform *transform);
int gn_host_transforms_changed(gantry_plugin *g);
int gn_host_session_transform(gantry_call *call, const gantry_transform *transform);

/* ---- host_plugin.c */
const void *gn_host_settings(gantry_plugin *g);
const char *gn_host_instance(gantry_plugin *g);
void gn_host_set_state(gantry_plugin *g, void *state);
void *gn_host_state(gantry_plugin *g);
int gn_host_buffer_add(gantry_buffer *out, const void *data, size_t n);
int gn_host_add_tool(gantry_plugin *g, const gantry_tool *tool);
int gn_host_tool_from(gantry_plugin *g, const gantry_from *from);
int gn_host_add_resource(gantry_plugin *g, const gantry_resource *resource);
int gn_host_add_template(gantry_plugin *g, const gantry_template *uri_template);
int gn_host_add_prompt(gantry_plugin *g, const gantry_prompt *prompt);
int gn_host_remove(gantry_plugin *g, uint32_t kind, const char *name);

/* ---- host_scope.c */
gantry_call *gn_host_current(void);
int gn_host_var_set(gantry_call *call, const gantry_var *var, const gantry_value *value);
int gn_host_var_get(gantry_call *call, const gantry_var *var, gantry_value *ret);
int gn_host_var_unset(gantry_call *call, const gantry_var *var);
int gn_host_var_bind(gantry_call *call, const gantry_var *var);
int gn_host_handle_new(gantry_call *call, const char **ret_handle);
int gn_host_state_get(gantry_call *call, const char *handle, const char *key,
                      const gantry_json **ret);
int gn_host_state_set(gantry_call *call, const char *handle, const char *key,
                      const gantry_json *value);
int gn_host_state_delete(gantry_call *call, const char *handle, const char *key);

/* ---- host_middleware.c */
int gn_host_add_middleware(gantry_plugin *g, const gantry_middleware *middleware);
int gn_host_depth(gantry_call *call);
int gn_host_next(gantry_call *call);
int gn_host_forward(gantry_call *call, const gantry_json *arguments, uint32_t raw);
int gn_host_outcome(gantry_call *call);
const char *gn_host_failure(gantry_call *call);
const gantry_json *gn_host_result(gantry_call *call);
int gn_host_set_result(gantry_call *call, const gantry_json *result);
int gn_host_set_arguments(gantry_call *call, const gantry_json *arguments);
int gn_host_refusev(gantry_call *call, int code, const char *fmt, va_list ap) GN_PRINTF(3, 0);
int gn_host_set_timeout(gantry_call *call, uint32_t ms);
int gn_host_has_tag(gantry_call *call, const char *tag);
int gn_host_no_park(gantry_call *call, int held);

/* ---- host_background.c */
int gn_host_spawn(gantry_call *call, const gantry_background *work);
gantry_schedule *gn_host_schedule(gantry_plugin *g, const gantry_background *work,
                                  uint32_t after_ms, uint32_t every_ms);
void gn_host_schedule_stop(gantry_schedule *schedule);

/* ---- host_log.c */
void gn_host_logv(gantry_call *call, uint32_t level, const char *fmt, va_list ap) GN_PRINTF(3, 0);
void gn_host_plugin_logv(gantry_plugin *g, uint32_t level, const char *fmt, va_list ap)
    GN_PRINTF(3, 0);
void gn_host_log_withv(gantry_call *call, uint32_t level, const char *category,
                       const gantry_field *fields, const char *fmt, va_list ap) GN_PRINTF(5, 0);
void gn_host_plugin_log_withv(gantry_plugin *g, uint32_t level, const char *category,
                              const gantry_field *fields, const char *fmt, va_list ap)
    GN_PRINTF(5, 0);
int gn_host_log_enabled(gantry_call *call, uint32_t level, const char *category);
int gn_host_set_log_level(gantry_plugin *g, const char *category, int32_t level);
int gn_host_timer(gantry_call *call, uint32_t what, const char *name, double *ret_seconds);

/* ---- host_metrics.c */
gantry_metric *gn_host_metric_new(gantry_plugin *g, const gantry_metric_spec *spec);
void gn_host_metric_update(gantry_metric *metric, uint32_t what, double value,
                           const char *const *label_values);

#endif
