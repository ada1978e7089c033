/* Unit tests of the extensions that plugins speak. */
#include "call/call.h"

#include "support.h"

#include <criterion/criterion.h>

GN_SUITE(extensions);

static struct gn_owner one = {.name = "one"}, two = {.name = "two"};
static struct gn_call_env env;

static void speak(const struct gn_owner *owner, const char *name, const char *settings)
{
    struct gn_extension e = {.name = (char *)(uintptr_t)name,
                             .settings = json_loads(settings, 0, NULL)};
    gn_extensions_replace(&env, owner, &e, 1);
    json_decref(e.settings);
}

static void assert_merged(const char *expected)
{
    json_t *all = json_object(), *want = json_loads(expected, 0, NULL);
    gn_extensions_merge(&env, all);
    cr_assert(json_equal(all, want), "%s", expected);
    json_decref(all);
    json_decref(want);
}

Test(extensions, settings_of_several_are_merged_and_the_first_counts)
{
    assert_merged("{}");
    speak(&one, "a/x", "{\"p\":1,\"q\":2}");
    speak(&two, "a/x", "{\"q\":3,\"r\":{\"s\":4}}");
    assert_merged("{\"a/x\":{\"p\":1,\"q\":2,\"r\":{\"s\":4}}}");
    cr_assert(gn_extensions_have(&env, "a/x"));
    gn_extensions_replace(&env, &one, NULL, 0);
    assert_merged("{\"a/x\":{\"q\":3,\"r\":{\"s\":4}}}");
    gn_extensions_replace(&env, &two, NULL, 0);
    assert_merged("{}");
    cr_assert_null(env.extensions);
    cr_assert_not(gn_extensions_have(&env, "a/x"));
}

Test(extensions, what_an_owner_speaks_is_replaced_by_what_it_speaks_now)
{
    speak(&one, "a/x", "{}");
    speak(&one, "a/y", "{\"p\":1}");
    assert_merged("{\"a/y\":{\"p\":1}}");
    gn_extensions_clear(&env);
    gn_extensions_clear(&env);
    assert_merged("{}");
}
