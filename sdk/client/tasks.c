/* tasks.c - tasks: watched until they end. */
#include "internal.h"

bool gn_tasks_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    (void)r, (void)doc, (void)result;
    return false;
}

void gn_tasks_forget(gantry_request *r)
{
    (void)r;
}

void gn_tasks_notified(gantry_client *c, const gantry_json *params)
{
    (void)c, (void)params;
}

gantry_request *gn_tasks_find_by_id(gantry_client *c, const char *task_id)
{
    (void)c, (void)task_id;
    return NULL;
}

gantry_request *gn_tasks_find_by_token(gantry_client *c, int64_t id)
{
    (void)c, (void)id;
    return NULL;
}
