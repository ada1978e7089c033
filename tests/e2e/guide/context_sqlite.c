/* context_sqlite.c - from the guide's chapter "Context Management": Database Session Context, with
 * the plugin sqlite.
 *
 * Its middleware makes each request one transaction, whoever's tool it is that a client calls: the
 * statements of create_user() are committed if it gives a result, and rolled back otherwise. (How
 * such a middleware is written: context_database.c.)
 */
#include <gantry.h>

#include <string.h>

/* Runs a statement; GANTRY_OK and what the tool execute tells, or the code of a failure. */
static int execute(gantry_call *call, const char *sql, const gantry_json *params,
                   const gantry_json **ret)
{
    const gantry_json *result = NULL;
    int rc = gantry_call_tool(call, "execute", GANTRY_OBJECT(call, "sql", sql, "params", params),
                              &result);
    *ret = gantry_json_get(result, "structuredContent");
    return rc;
}

typedef struct {
    const char *name, *email;
} create_user_in;

static const gantry_arg create_user_args[] = {
    GANTRY_ARG(create_user_in, name, "The user's name", .length = {1, 100}),
    GANTRY_ARG(create_user_in, email, "The user's address", .length = {1, 100}),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(create_user, create_user_in, "Create user using context session")
{
    const gantry_json *done;
    int rc = execute(call, "INSERT INTO users (name, email) VALUES (:name, :email)",
                     GANTRY_OBJECT(call, "name", in->name, "email", in->email), &done);
    if (rc)
        return rc;
    int64_t id = gantry_json_int_or(done, "last_insert_rowid", 0); /* without committing */

    rc = execute(call, "INSERT INTO mailboxes (user) VALUES (:user)",
                 GANTRY_OBJECT(call, "user", id), &done);
    if (rc)
        return rc;
    if (!strchr(in->email, '@'))
        return gantry_fail(call, "%s is no address", in->email);
    return gantry_structured_json(call, GANTRY_OBJECT(call, "id", id, "name", in->name));
}

GANTRY_PLUGIN("context_sqlite", "1.0.0", .tools = GANTRY_TOOLS(&create_user_tool));
