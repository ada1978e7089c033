/* Unit tests of subscriptions to resources: who is told, how often, and within which limits. */
#include "fixture.h"
#include "protocol/internal.h"

#include <stdio.h>

GN_SUITE(watching);

#define UPDATED "notifications/resources/updated"

static struct fixture f;

static size_t count_of(const struct client *c, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += strstr(c->sent[i], part) != NULL;
    return n;
}

static void changed(const char *uri)
{
    gn_watching_changed(&f.p->watching, f.loop, uri);
}

/* What is watched is there: what is not, is not told about. */
static void open_fixture(void)
{
    fixture_open(&f);
    fixture_add(&f, GN_TEMPLATE, "x://{n}", NULL, 0);
}

/* Waits until the timer of a burst has run. */
static void run_burst(void)
{
    while (gn_timer_is_running(&f.p->watching.timer))
        uv_run(&f.uv, UV_RUN_ONCE);
}

static int add(struct gn_watcher *watcher, const char *uri, uint32_t max)
{
    struct gn_error err = {0};
    int rc = gn_watcher_add(watcher, uri, max, &err);
    cr_assert_eq(rc != 0, err.text[0] != '\0');
    return rc;
}

static struct gn_watcher *watcher_of(struct client *c)
{
    struct gn_session *s = c->stream.session;
    if (!s->watcher)
        s->watcher = gn_watcher_new(&f.p->watching, NULL, s, s->principal);
    return s->watcher;
}

Test(watching, a_burst_is_told_once_to_each_who_watches)
{
    struct client a, b, c;
    open_fixture();
    struct client *all[] = {&a, &b, &c};
    for (size_t i = 0; i < 3; i++) {
        client_open(all[i], true);
        client_initialize(&f, all[i], "2025-11-25");
    }
    cr_assert_eq(add(watcher_of(&a), "x://1", 100), 0);
    cr_assert_eq(add(watcher_of(&b), "x://1", 100), 0);
    cr_assert_eq(add(watcher_of(&b), "x://%32", 100), 0);
    cr_assert_eq(add(watcher_of(&c), "x://3", 100), 0);
    for (int i = 0; i < 10; i++) {
        changed("x://1");
        changed("x://2");
        changed("x://4");
    }
    run_burst();
    cr_assert_eq(count_of(&a, UPDATED), 1);
    cr_assert_eq(count_of(&b, UPDATED), 2);
    cr_assert_eq(count_of(&b, "\"uri\":\"x://%32\""), 1, "as it wrote it");
    cr_assert_eq(count_of(&c, UPDATED), 0);
    changed("x://1");
    run_burst();
    cr_assert_eq(count_of(&a, UPDATED), 2);
    for (size_t i = 0; i < 3; i++) {
        gn_protocol_closed(f.p, &all[i]->stream);
        client_free(all[i]);
    }
    cr_assert_eq(f.p->watching.count, 0);
    cr_assert_eq(f.p->watching.by_uri.count, 0);
    cr_assert_eq(f.p->watching.by_principal.count, 0);
    fixture_close(&f);
}

Test(watching, who_goes_before_the_burst_is_over_is_not_told)
{
    struct client a, b;
    open_fixture();
    client_open(&a, true);
    client_initialize(&f, &a, "2025-11-25");
    client_open(&b, true);
    client_initialize(&f, &b, "2025-11-25");
    cr_assert_eq(add(watcher_of(&a), "x://1", 100), 0);
    cr_assert_eq(add(watcher_of(&b), "x://1", 100), 0);
    changed("x://1");
    gn_protocol_closed(f.p, &a.stream);
    cr_assert_eq(gn_watcher_remove(b.stream.session->watcher, "x://1"), 0);
    cr_assert_eq(gn_watcher_remove(b.stream.session->watcher, "x://1"), GN_ENOENT);
    run_burst();
    cr_assert_eq(count_of(&a, UPDATED) + count_of(&b, UPDATED), 0);
    gn_protocol_closed(f.p, &b.stream);
    client_free(&a);
    client_free(&b);
    fixture_close(&f);
}

Test(watching, what_nobody_hears_waits_and_is_told_once)
{
    struct client init, get;
    open_fixture();
    client_open(&init, false);
    client_initialize(&f, &init, "2025-11-25");
    struct gn_session *s = gn_map_find(&f.p->sessions_by_id, init.session_id);
    s->watcher = gn_watcher_new(&f.p->watching, NULL, s, NULL);
    cr_assert_eq(add(s->watcher, "x://1", 100), 0);
    cr_assert_eq(add(s->watcher, "x://2", 100), 0);
    cr_assert_eq(add(s->watcher, "x://3", 100), 0);
    for (int i = 0; i < 3; i++) {
        changed("x://1");
        changed("x://3");
        run_burst();
        cr_assert_eq(s->watcher->pending, 2);
    }
    cr_assert_eq(gn_watcher_remove(s->watcher, "x://3"), 0);
    cr_assert_eq(s->watcher->pending, 1);
    client_open(&get, false);
    client_header(&get, "mcp-session-id", init.session_id);
    gn_protocol_get(f.p, &get.stream);
    cr_assert_eq(count_of(&get, "x://1"), 1);
    cr_assert_eq(count_of(&get, UPDATED), 1);
    cr_assert_eq(s->watcher->pending, 0);
    gn_protocol_closed(f.p, &get.stream);
    gn_session_remove(s);
    cr_assert_eq(f.p->watching.count, 0);
    client_free(&init);
    client_free(&get);
    fixture_close(&f);
}

Test(watching, uris_are_compared_in_their_normal_form)
{
    struct client c;
    open_fixture();
    client_open(&c, true);
    client_initialize(&f, &c, "2025-11-25");
    struct gn_watcher *w = watcher_of(&c);
    cr_assert_eq(add(w, "x://a%7Eb", 100), 0);
    cr_assert_eq(add(w, "x://a~b", 100), 0);
    cr_assert_eq(w->count, 1);
    cr_assert(gn_watching_has(&f.p->watching, "x://a~b"));
    cr_assert_not(gn_watching_has(&f.p->watching, "x://a"));
    const struct gn_list *at = NULL;
    cr_assert_str_eq(gn_watcher_next(w, &at), "x://a%7Eb");
    cr_assert_null(gn_watcher_next(w, &at));
    cr_assert_eq(gn_watcher_remove(w, "x://a%7eb"), 0);
    cr_assert_eq(w->count, 0);
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(watching, limits_hold_for_one_for_a_principal_and_for_all)
{
    char uri[64];
    open_fixture();
    struct gn_watching *w = &f.p->watching;
    struct gn_watcher *one = gn_watcher_new(w, NULL, NULL, NULL);
    struct gn_watcher *ada = gn_watcher_new(w, NULL, NULL, "ada");
    struct gn_watcher *ada_too = gn_watcher_new(w, NULL, NULL, "ada");
    for (int i = 0; i < GN_WATCHER_MAX; i++) {
        snprintf(uri, sizeof uri, "x://%d", i);
        cr_assert_eq(add(one, uri, 10000), 0);
    }
    cr_assert_eq(add(one, "x://more", 10000), GN_EBUSY);
    cr_assert_eq(add(one, "x://7", 10000), 0, "it is there already");
    /* A quarter of 40 is one principal's, however many watchers it has. */
    gn_watcher_free(one);
    cr_assert_eq(w->count, 0);
    for (int i = 0; i < 10; i++) {
        snprintf(uri, sizeof uri, "x://%d", i);
        cr_assert_eq(add(i % 2 ? ada : ada_too, uri, 40), 0);
    }
    cr_assert_eq(add(ada, "x://more", 40), GN_EBUSY);
    cr_assert_eq(gn_watcher_remove(ada_too, "x://0"), 0);
    cr_assert_eq(add(ada, "x://more", 40), 0);
    struct gn_watcher *other = gn_watcher_new(w, NULL, NULL, NULL);
    for (int i = 0; i < 30; i++) {
        snprintf(uri, sizeof uri, "y://%d", i);
        cr_assert_eq(add(other, uri, 40), 0);
    }
    cr_assert_eq(add(other, "y://more", 40), GN_EBUSY);
    gn_watcher_free(ada);
    gn_watcher_free(ada_too);
    gn_watcher_free(other);
    fixture_close(&f);
}

Test(watching, no_uri_and_too_long_ones_are_refused)
{
    open_fixture();
    struct gn_watcher *one = gn_watcher_new(&f.p->watching, NULL, NULL, NULL);
    char *longest = gn_calloc(1, GN_WATCH_URI_MAX + 2);
    memset(longest, '%', GN_WATCH_URI_MAX); /* takes most when it is normalised */
    cr_assert_eq(add(one, longest, 100), 0);
    cr_assert(gn_watching_has(&f.p->watching, longest));
    longest[GN_WATCH_URI_MAX] = '%';
    cr_assert_eq(add(one, longest, 100), GN_EINVAL);
    cr_assert_eq(add(one, "", 100), GN_EINVAL);
    cr_assert_eq(add(one, NULL, 100), GN_EINVAL);
    cr_assert_not(gn_watching_has(&f.p->watching, longest));
    gn_free(longest);
    gn_watcher_free(one);
    fixture_close(&f);
}
