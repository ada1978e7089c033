/* client_load.c - many calls at once through the client library, every answer checked.
 *
 *   client-load CALLS IN_FLIGHT GATE URL
 *   client-load CALLS IN_FLIGHT GATE -- COMMAND [ARGUMENT...]
 *
 * CALLS of them in all, IN_FLIGHT unanswered at a time. GATE 0: the tool greet of the plugin hello.
 * Else the tool pass of e2e_gate, which answers nobody until GATE calls are there: with GATE as
 * large as IN_FLIGHT all of them are at the server at once. Prints one JSON object: what came of
 * them, the most in flight, seconds, and the client's memory: resident before, with all in flight
 * and after, and of the heap for each call in flight. Exit code 1 unless every answer is right.
 */
#include <gantry_client.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define TIMEOUT_MS 600000

struct load {
    gantry_client *client;
    long calls, in_flight, gate;
    long sent, answered, right, wrong, failed, flying, peak;
    double heap_before, heap_flying, resident_before, resident_flying;
    char why[300]; /* the first that failed, or was wrong */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd);
}

static double resident(void)
{
    long all = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%ld %ld", &all, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void send_some(struct load *load);

static void check(struct load *load, gantry_request *r, long number)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), load->gate ? "%ld" : "Hello, %ld!", number);
    gantry_client_status status = gantry_request_status(r);
    const char *text = gantry_request_text(r);
    if (status == GANTRY_CLIENT_OK && strcmp(text, wanted) == 0) {
        load->right++;
        return;
    }
    if (!load->why[0])
        snprintf(load->why, sizeof(load->why), "%ld: %s: %s%s", number,
                 gantry_client_status_name(status), text, gantry_request_message(r));
    if (status == GANTRY_CLIENT_OK)
        load->wrong++;
    else
        load->failed++;
}

struct call {
    struct load *load;
    long number;
};

static void on_done(gantry_request *r, void *arg)
{
    struct call *call = arg;
    struct load *load = call->load;
    if (load->answered++ == 0) { /* what was sent first is all under way */
        load->heap_flying = heap();
        load->resident_flying = resident();
    }
    load->flying--;
    check(load, r, call->number);
    free(call);
    send_some(load);
}

static void send_some(struct load *load)
{
    while (load->flying < load->in_flight && load->sent < load->calls) {
        struct call *call = malloc(sizeof(*call));
        char text[100];
        if (!call)
            abort();
        *call = (struct call){load, load->sent++};
        if (load->gate)
            snprintf(text, sizeof(text), "{\"number\":%ld,\"of\":%ld}", call->number, load->gate);
        else
            snprintf(text, sizeof(text), "{\"name\":\"%ld\"}", call->number);
        load->flying++;
        load->peak = load->flying > load->peak ? load->flying : load->peak;
        gantry_client_call_tool(load->client, load->gate ? "pass" : "greet", text,
                                GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = call));
    }
}

static int connect_to(struct load *load, uv_loop_t *loop, char **target)
{
    gantry_client_error err;
    gantry_client_options options = {
        .size = sizeof(options),
        .loop = loop,
        .timeout_ms = TIMEOUT_MS,
        .max_requests = (uint32_t)load->in_flight + 1,
        .retries = GANTRY_CLIENT_NONE, /* what is lost is to be seen */
        .revision = getenv("CLIENT_LOAD_REVISION"),
        .ca_file = getenv("CLIENT_LOAD_CA"),
    };
    if (strcmp(target[0], "--") == 0)
        options.command = (const char *const *)(target + 1);
    else
        options.url = target[0];
    load->client = gantry_client_new(&options, &err);
    if (!load->client) {
        fprintf(stderr, "client-load: %s\n", err.message);
        return 1;
    }
    gantry_request *r = gantry_client_connect(load->client, NULL);
    while (!gantry_request_is_done(r))
        uv_run(loop, UV_RUN_ONCE);
    int rc = gantry_request_status(r) != GANTRY_CLIENT_OK;
    if (rc)
        fprintf(stderr, "client-load: %s\n", gantry_request_message(r));
    gantry_request_free(r);
    return rc;
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    if (argc < 5) {
        fprintf(stderr, "usage: client-load CALLS IN_FLIGHT GATE URL | -- COMMAND...\n");
        return 2;
    }
    struct load load = {.calls = atol(argv[1]), .in_flight = atol(argv[2]), .gate = atol(argv[3])};
    uv_loop_init(&loop);
    int rc = connect_to(&load, &loop, argv + 4);
    if (!load.client)
        return 2;
    load.heap_before = heap();
    load.resident_before = resident();
    double began = now();
    if (!rc) {
        send_some(&load);
        while (load.flying)
            uv_run(&loop, UV_RUN_ONCE);
    }
    double seconds = now() - began;
    double heap_after = heap(), resident_after = resident();
    gantry_client_close(load.client, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop)) {
        fprintf(stderr, "client-load: the client has left something on the loop\n");
        rc = 1;
    }
    printf("{\"calls\":%ld,\"right\":%ld,\"wrong\":%ld,\"failed\":%ld,\"in_flight\":%ld,"
           "\"seconds\":%.6f,\"heap_per_call\":%.0f,\"heap_after\":%.0f,\"resident_before\":%.0f,"
           "\"resident_flying\":%.0f,\"resident_after\":%.0f}\n",
           load.calls, load.right, load.wrong, load.failed, load.peak, seconds,
           (load.heap_flying - load.heap_before) / (double)(load.peak ? load.peak : 1),
           heap_after - load.heap_before, load.resident_before, load.resident_flying,
           resident_after);
    if (load.why[0])
        fprintf(stderr, "client-load: %s\n", load.why);
    return rc || load.right != load.calls;
}
