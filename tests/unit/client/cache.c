/* Unit tests of results that may be used again. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_cache);

#define ALL "{\"tools\":{},\"resources\":{},\"prompts\":{}}"
#define HOUR "\"ttlMs\":3600000"
#define PUBLIC HOUR ",\"cacheScope\":\"public\""
#define PRIVATE HOUR ",\"cacheScope\":\"private\""

static struct fake f;

static void begin(gantry_client_options *options)
{
    fake_open(&f, options);
    fake_discover(&f, ALL);
}

/* The text of a resource, that the server says is this; NULL: from the cache. */
static void read_as(const char *uri, const gantry_request_options *options, const char *hints,
                    const char *text)
{
    gantry_request *r = gantry_client_read_resource(f.client, uri, options);
    if (hints) {
        GN_AUTO_FREE char *result = gn_format(
            "{\"contents\":[{\"uri\":\"%s\",\"text\":\"%s\"}],%s}", uri, text, hints);
        fake_next(&f, "resources/read");
        fake_result(&f, result);
    } else {
        fake_nothing(&f);
    }
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_request_text(r), text);
    gantry_request_free(r);
}

Test(client_cache, answers_while_a_result_is_fresh)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    read_as("x:a", NULL, PUBLIC, "1");
    read_as("x:a", NULL, NULL, "1");
    read_as("x:b", NULL, PRIVATE, "2");
    read_as("x:b", NULL, NULL, "2");
    read_as("x:a", NULL, NULL, "1");
    fake_close(&f);
}

Test(client_cache, keeps_nothing_that_is_stale_or_says_nothing)
{
    static const char *const hints[] = {
        "\"x\":1",       "\"ttlMs\":0",           "\"ttlMs\":-5,\"cacheScope\":\"public\"",
        "\"ttlMs\":0.5", "\"ttlMs\":\"3600000\"", "\"ttlMs\":1e300",
    };
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    for (size_t i = 0; i < GN_COUNT(hints); i++) {
        read_as("x:a", NULL, hints[i], "1");
        read_as("x:a", NULL, "\"x\":1", "2");
    }
    fake_close(&f);
}

Test(client_cache, forgets_what_has_become_stale)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    read_as("x:a", NULL, "\"ttlMs\":1", "1");
    uv_sleep(5);
    read_as("x:a", NULL, "\"ttlMs\":9223372036854775807", "2");
    read_as("x:a", NULL, NULL, "2");
    fake_close(&f);
}

Test(client_cache, is_passed_by_on_request)
{
    const gantry_request_options *skips = GANTRY_REQUEST_OPTIONS(.skips_cache = true);
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    read_as("x:a", NULL, PUBLIC, "1");
    read_as("x:a", skips, PUBLIC, "2");
    read_as("x:a", NULL, NULL, "1");
    fake_close(&f);
    begin(GANTRY_CLIENT_OPTIONS(.max_cache = SIZE_MAX));
    read_as("x:a", NULL, PUBLIC, "1");
    read_as("x:a", NULL, PUBLIC, "2");
    fake_close(&f);
}

Test(client_cache, tells_requests_apart_by_all_they_say)
{
    const char *const headers[] = {"X-A: 1", NULL};
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    read_as("x:a", NULL, PUBLIC, "1");
    read_as("x:a", GANTRY_REQUEST_OPTIONS(.meta = "{\"k\": 1}"), PUBLIC, "2");
    read_as("x:a", GANTRY_REQUEST_OPTIONS(.headers = headers), PUBLIC, "3");
    read_as("x:a", GANTRY_REQUEST_OPTIONS(.meta = "{\"k\":1}"), NULL, "2");
    read_as("x:a", GANTRY_REQUEST_OPTIONS(.headers = headers), NULL, "3");
    read_as("x:a", NULL, NULL, "1");
    fake_close(&f);
}

static void use_token(const char *token)
{
    gn_free(f.client->s.authorization);
    f.client->s.authorization = gn_strdup(token);
}

Test(client_cache, keeps_private_results_to_their_credentials)
{
    begin(GANTRY_CLIENT_OPTIONS(.token = "ada"));
    read_as("x:private", NULL, PRIVATE, "ada's");
    read_as("x:unsaid", NULL, HOUR, "ada's");
    read_as("x:public", NULL, PUBLIC, "all's");
    use_token("Bearer bob");
    read_as("x:public", NULL, NULL, "all's");
    read_as("x:private", NULL, PRIVATE, "bob's");
    read_as("x:unsaid", NULL, HOUR, "bob's");
    use_token("Bearer ada");
    read_as("x:private", NULL, NULL, "ada's");
    /* whose is the answer to a question before they changed? */
    gantry_request *r = gantry_client_read_resource(f.client, "x:late", NULL);
    fake_next(&f, "resources/read");
    use_token("Bearer bob");
    fake_result(&f, "{\"contents\":[]," PRIVATE "}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    read_as("x:late", NULL, PRIVATE, "bob's");
    use_token("Bearer ada");
    read_as("x:late", NULL, PRIVATE, "ada's");
    fake_close(&f);
}

Test(client_cache, drops_what_the_server_says_has_changed)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    read_as("x:a/b", NULL, PUBLIC, "1");
    read_as("x:c", NULL, PUBLIC, "1");
    gn_cache_changed(f.client, "notifications/resources/updated", "x:a/b/c");
    read_as("x:c", NULL, NULL, "1");
    read_as("x:a/b", NULL, PUBLIC, "2");
    gn_cache_changed(f.client, "notifications/tools/list_changed", NULL);
    read_as("x:a/b", NULL, NULL, "2");
    gn_cache_changed(f.client, "notifications/resources/list_changed", NULL);
    read_as("x:a/b", NULL, PUBLIC, "3");
    gn_cache_changed(f.client, "notifications/unknown", NULL);
    read_as("x:a/b", NULL, NULL, "3");
    fake_close(&f);
}

Test(client_cache, keeps_no_answer_from_before_a_change)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    gantry_request *r = gantry_client_read_resource(f.client, "x:a", NULL);
    fake_next(&f, "resources/read");
    gn_cache_changed(f.client, "notifications/resources/updated", "x:a");
    fake_result(&f, "{\"contents\":[]," PUBLIC "}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    read_as("x:a", NULL, PUBLIC, "new");
    fake_close(&f);
}

Test(client_cache, keeps_joined_lists_and_single_pages_apart)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    for (int time = 0; time < 2; time++) {
        gantry_request *r = gantry_client_list(f.client, GANTRY_LIST_TOOLS, NULL);
        if (time == 0) {
            fake_next(&f, "tools/list");
            fake_result(&f, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"," PUBLIC "}");
            fake_next(&f, "tools/list");
            fake_result(&f, "{\"tools\":[{\"name\":\"b\"}]," PUBLIC "}");
        } else {
            fake_nothing(&f);
        }
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        cr_assert_eq(gantry_read_count(gantry_request_result(r), "/tools"), 2);
        gantry_request_free(r);
        r = gantry_client_request(f.client, "tools/list", NULL, NULL);
        if (time == 0) {
            fake_next(&f, "tools/list");
            fake_result(&f, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"," PUBLIC "}");
        } else {
            fake_nothing(&f);
        }
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        cr_assert_eq(gantry_read_count(gantry_request_result(r), "/tools"), 1);
        gantry_request_free(r);
    }
    gn_cache_changed(f.client, "notifications/tools/list_changed", NULL);
    gantry_request *r = gantry_client_list(f.client, GANTRY_LIST_TOOLS, NULL);
    fake_next(&f, "tools/list");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_cache, drops_the_least_recently_used_first)
{
    static char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    begin(GANTRY_CLIENT_OPTIONS(.max_cache = 16384));
    read_as("x:1", NULL, PUBLIC, text);
    read_as("x:2", NULL, PUBLIC, text);
    read_as("x:3", NULL, PUBLIC, text);
    read_as("x:1", NULL, NULL, text);
    read_as("x:4", NULL, PUBLIC, text);
    read_as("x:5", NULL, PUBLIC, text);
    read_as("x:1", NULL, NULL, text);
    read_as("x:2", NULL, PUBLIC, text);
    fake_close(&f);
}

Test(client_cache, gives_no_result_more_than_its_share)
{
    static char text[5000];
    memset(text, 'x', sizeof(text) - 1);
    begin(GANTRY_CLIENT_OPTIONS(.max_cache = 16384));
    read_as("x:small", NULL, PUBLIC, "s");
    read_as("x:large", NULL, PUBLIC, text);
    read_as("x:large", NULL, PUBLIC, text);
    read_as("x:small", NULL, NULL, "s");
    GN_AUTO_FREE char *uri = gn_format("x:%s", text);
    read_as(uri, NULL, PUBLIC, "");
    read_as(uri, NULL, PUBLIC, "");
    fake_close(&f);
}

Test(client_cache, keeps_nothing_of_the_handshake_era)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_initialize(&f, "2025-11-25", ALL);
    read_as("x:a", NULL, PUBLIC, "1");
    read_as("x:a", NULL, PUBLIC, "2");
    fake_close(&f);
}

Test(client_cache, keeps_no_answer_to_rounds)
{
    begin(GANTRY_CLIENT_OPTIONS(.name = NULL));
    const gantry_request_options *keeps = GANTRY_REQUEST_OPTIONS(.keeps_rounds = true);
    for (int i = 0; i < 2; i++) {
        gantry_request *r = gantry_client_read_resource(f.client, "x:a", keeps);
        fake_next(&f, "resources/read");
        fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\"," PUBLIC "}");
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        gantry_request_free(r);
    }
    gantry_request *r = gantry_client_read_resource(f.client, "x:a", NULL);
    fake_next(&f, "resources/read");
    r->rounds = 1;
    fake_result(&f, "{\"contents\":[]," PUBLIC "}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    read_as("x:a", NULL, PUBLIC, "1");
    fake_close(&f);
}

Test(client_cache, is_empty_after_a_reconnection)
{
    begin(GANTRY_CLIENT_OPTIONS(.backoff_ms = 1));
    read_as("x:a", NULL, PUBLIC, "1");
    fake_loses(&f, true);
    gantry_request *r = gantry_client_read_resource(f.client, "x:a", NULL);
    fake_next(&f, "server/discover");
    fake_result(&f, "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" ALL "}");
    fake_next(&f, "resources/read");
    gantry_request_free(r);
    fake_close(&f);
}
