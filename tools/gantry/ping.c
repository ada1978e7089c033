/* ping.c - gantry ping: whether a server answers, and how fast. */
#include "target.h"

#include "util/str.h"

static int exec_ping(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"count", 'n', "N", "ask so often (default: 3)"},
    {"interval", 'i', "DURATION", "wait so long in between (default: 500ms)"},
    GN_TARGET_OPTIONS,
    {0},
};

const struct gn_command gn_command_ping = {
    .name = "ping",
    .args = "TARGET",
    .summary = "ask a server for a sign of life, and print how long that takes",
    .options = options,
    .usage = GN_TARGET_USAGE "\n"
                             "The exit code is 0 if every question was answered.\n"
                             "\n"
                             "  gantry ping http://127.0.0.1:8080\n"
                             "  gantry ping --count 1 -- gantry serve --stdio\n",
    .exec = exec_ping,
};

#define COUNT_MAX 1000000

struct pings {
    struct gn_target *target;
    int64_t count;
    uint32_t interval_ms;
    unsigned sent, answered;
    double min, max, sum; /* milliseconds */
    double connected;
};

static double since(uint64_t begin)
{
    return (double)(uv_hrtime() - begin) / 1e6;
}

static int ping_once(struct pings *p)
{
    struct gn_target *t = p->target;
    uint64_t begin = uv_hrtime();
    gantry_request *r = gantry_client_ping(t->client, NULL);
    p->sent++;
    int rc = gn_target_wait(t, r);
    double ms = since(begin);
    gantry_request_free(r);
    if (rc)
        return rc;
    p->min = p->answered == 0 || ms < p->min ? ms : p->min;
    p->max = ms > p->max ? ms : p->max;
    p->sum += ms;
    p->answered++;
    if (t->output == GN_OUTPUT_TEXT)
        gn_show_ping(stdout, p->sent, gantry_client_revision(t->client), ms);
    gn_events_print(t, "ping", json_pack("{s:i, s:f}", "number", (int)p->sent, "ms", ms));
    return 0;
}

static void tell(const struct pings *p)
{
    const struct gn_target *t = p->target;
    double mean = p->answered ? p->sum / p->answered : 0;
    json_t *all = json_pack("{s:s, s:s, s:f, s:i, s:i}", "protocolVersion",
                            gantry_client_revision(t->client), "transport",
                            gantry_client_transport_name(t->client), "connectMs", p->connected,
                            "sent", (int)p->sent, "answered", (int)p->answered);
    if (p->answered)
        json_object_update_new(
            all, json_pack("{s:f, s:f, s:f}", "minMs", p->min, "meanMs", mean, "maxMs", p->max));
    if (!gn_target_print(t, all))
        gn_show_ping_summary(stdout, p->sent, p->answered, p->min, mean, p->max);
    json_decref(all);
}

static int exec_ping(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    struct pings p = {.target = &t, .count = 3, .interval_ms = 500};
    const char *count = gn_cli_value(args, "count");
    if (count && (!gn_parse_int64(count, &p.count) || p.count < 1 || p.count > COUNT_MAX))
        return gn_cli_usage(cli, "option --count is a number up to %d, not \"%s\"", COUNT_MAX,
                            count);
    if (!gn_target_duration(cli, args, "interval", &p.interval_ms))
        return GN_EXIT_USAGE;
    if (args->word_count > (args->tail ? 0 : 1))
        return gn_cli_usage(cli, "what is \"%s\"? One argument too many",
                            args->words[args->tail ? 0 : 1]);
    uint64_t begin = uv_hrtime();
    int rc = gn_target_open(&t, cli, args, 0, NULL);
    if (rc)
        return rc;
    p.connected = since(begin);
    for (int64_t i = 0; i < p.count && rc == 0; i++) {
        if (i > 0 && !gn_target_idle(&t, p.interval_ms, NULL))
            break;
        rc = ping_once(&p);
    }
    tell(&p);
    gn_target_close(&t);
    return rc;
}
