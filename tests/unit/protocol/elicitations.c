/* elicitations.c - ids of what happens at URLs: whose they are, when they are forgotten. */
#include "fixture.h"
#include "protocol/internal.h"

GN_SUITE(protocol_elicitations);

/* Tells its client the id that it is called with. */
static int tell_id(gantry_call *call, const void *in)
{
    struct gn_elicitations *e = call->env->elicitations;
    (void)in;
    e->add(e, call, "inst", gn_json_cstr(gn_json_get(call->arguments, "id")));
    return GANTRY_OK;
}

static void open_with_teller(struct fixture *f)
{
    fixture_open(f);
    fixture_add(f, GN_TOOL, "tell", tell_id, 0);
}

static void tell(struct fixture *f, struct client *c, int id)
{
    char text[256];
    snprintf(
        text, sizeof text,
        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"tell\","
        "\"arguments\":{\"id\":\"id-%d\"}}}",
        id + 100, id);
    size_t before = c->count;
    client_send(f, c, text);
    run_until(f, &c->count, before + 1);
}

static int end(struct fixture *f, const char *instance, const char *id)
{
    struct gn_elicitations *e = f->env.elicitations;
    return e->end(e, instance, id, true);
}

Test(protocol_elicitations, only_who_asked_ends_it_and_only_who_was_asked_hears)
{
    struct fixture f;
    struct client a, b;
    open_with_teller(&f);
    client_open(&a, true);
    client_open(&b, true);
    client_initialize(&f, &a, "2025-11-25");
    client_initialize(&f, &b, "2025-11-25");
    tell(&f, &a, 1);
    cr_assert_eq(f.p->urls.count, 1);
    size_t heard = b.count;
    cr_assert_eq(end(&f, "other", "id-1"), GN_ENOENT);
    cr_assert_eq(end(&f, "inst", "id-2"), GN_ENOENT);
    cr_assert_eq(end(&f, "inst", "id-1"), GN_OK);
    cr_assert_str_eq(client_last(&a),
                     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\","
                     "\"params\":{\"elicitationId\":\"id-1\"}}");
    cr_assert_eq(b.count, heard);
    cr_assert_eq(end(&f, "inst", "id-1"), GN_ENOENT);
    cr_assert_eq(f.p->urls.count, 0);
    gn_protocol_closed(f.p, &a.stream);
    gn_protocol_closed(f.p, &b.stream);
    client_free(&a);
    client_free(&b);
    fixture_close(&f);
}

Test(protocol_elicitations, the_oldest_of_too_many_is_forgotten_and_all_with_the_session)
{
    struct fixture f;
    struct client c;
    open_with_teller(&f);
    client_open(&c, true);
    client_initialize(&f, &c, "2025-11-25");
    for (int i = 1; i <= 66; i++) {
        tell(&f, &c, i);
        if (c.count > MAX_MESSAGES / 2)
            client_free(&c); /* only so many are kept */
    }
    cr_assert_eq(f.p->urls.count, 64);
    cr_assert_eq(end(&f, "inst", "id-2"), GN_ENOENT);
    cr_assert_eq(end(&f, "inst", "id-3"), GN_OK);
    cr_assert_eq(f.p->urls.count, 63);
    gn_protocol_closed(f.p, &c.stream);
    cr_assert_eq(f.p->urls.count, 0);
    cr_assert_eq(end(&f, "inst", "id-4"), GN_ENOENT);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_elicitations, without_a_session_nobody_waits)
{
    struct fixture f;
    struct client c;
    open_with_teller(&f);
    client_open(&c, false);
    post_stateless(&f, &c, "tools/call", "tell",
                   "\"name\":\"tell\",\"arguments\":{\"id\":\"id-1\"}");
    run_until_int(&f, &c.status, 1);
    cr_assert_eq(f.p->urls.count, 0);
    client_free(&c);
    fixture_close(&f);
}
