/* around.c - five middlewares with a scope around every tools/call (HOOK), or around something else
 * that is never asked for: what they cost beside none.
 *
 * The outermost sets a variable, as one that finds out who calls does; the others read it. Nothing
 * is logged. */
#include <gantry.h>

static const gantry_var user = GANTRY_VAR("user", GANTRY_VALUE_TEXT);

GANTRY_MIDDLEWARE(first, HOOK, .priority = 1)
{
    gantry_set_text(call, &user, "user123");
    return gantry_next(call);
}

static int look(gantry_call *call)
{
    if (!gantry_get_text(call, &user))
        return gantry_fail(call, "the scope is empty");
    return gantry_next(call);
}

GANTRY_MIDDLEWARE(second, HOOK, .priority = 2)
{
    return look(call);
}
GANTRY_MIDDLEWARE(third, HOOK, .priority = 3)
{
    return look(call);
}
GANTRY_MIDDLEWARE(fourth, HOOK, .priority = 4)
{
    return look(call);
}
GANTRY_MIDDLEWARE(fifth, HOOK, .priority = 5)
{
    return look(call);
}

GANTRY_PLUGIN("around", "1.0.0",
              .middleware = GANTRY_MIDDLEWARES(&first_middleware, &second_middleware,
                                               &third_middleware, &fourth_middleware,
                                               &fifth_middleware));
