/* context_database.c - from the guide's chapter "Context Management": Database Session Context.
 *
 * A middleware opens a session, puts it into the scope, and ends it as the call ended: committed
 * when there is a result, rolled back otherwise. The tools just use it. The database here is a list
 * in memory with a journal of what was done to it; a real one looks the same from outside (the
 * plugin sqlite has such a middleware).
 */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The database: what is committed, and what was done. Touched on the loop's thread alone. */

typedef struct {
    int64_t id;
    char name[64], email[64];
} user;

static struct {
    user users[100];
    size_t count;
    int64_t last_id;
    char journal[8192];
} database;

static void note(const char *what)
{
    size_t used = strlen(database.journal);
    snprintf(database.journal + used, sizeof database.journal - used, "%s%s", used ? " " : "",
             what);
}

/* ---- A session: what is not committed yet. Each step takes a moment, as with a real database. */

typedef struct {
    user added[10];
    size_t count;
} session;

static session *session_begin(void)
{
    note("begin");
    return calloc(1, sizeof(session));
}

static user *session_add(session *s, const char *name, const char *email)
{
    if (s->count == sizeof s->added / sizeof *s->added)
        return NULL;
    user *u = &s->added[s->count++];
    snprintf(u->name, sizeof u->name, "%s", name);
    snprintf(u->email, sizeof u->email, "%s", email);
    return u;
}

/* Sends what was added: it gets its ids, but nobody else sees it. */
static int session_flush(gantry_call *call, session *s)
{
    note("flush");
    for (size_t i = 0; i < s->count; i++) {
        if (!s->added[i].id)
            s->added[i].id = ++database.last_id;
    }
    return gantry_sleep(call, 1);
}

static int session_commit(gantry_call *call, session *s)
{
    int rc = gantry_sleep(call, 1);
    if (rc)
        return rc;
    if (s->count > sizeof database.users / sizeof *database.users - database.count)
        return gantry_fail(call, "The database is full");
    memcpy(database.users + database.count, s->added, s->count * sizeof(user));
    database.count += s->count;
    note("commit");
    return GANTRY_OK;
}

static int session_rollback(gantry_call *call, session *s)
{
    s->count = 0;
    note("rollback");
    return gantry_sleep(call, 1);
}

static void session_close(void *s)
{
    note("close");
    free(s);
}

/* ---- The middleware. Calls that a tool makes itself take part in its transaction. */

static const gantry_var db_session = GANTRY_VAR(
    "db_session", GANTRY_VALUE_POINTER, .flags = GANTRY_VAR_NESTED, .destroy = session_close);

GANTRY_MIDDLEWARE(database_context, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("database"))
{
    if (gantry_is_set(call, &db_session))
        return gantry_next(call);

    session *s = session_begin();
    if (!s)
        return GANTRY_EBUSY;
    int rc = gantry_set_pointer(call, &db_session, s);
    if (rc) {
        session_close(s);
        return rc;
    }
    rc = gantry_next(call);
    if (rc == GANTRY_OK)
        rc = session_commit(call, s);
    if (rc != GANTRY_OK) {
        gantry_shield(call, 2000); /* the call may have been cancelled: this must be done still */
        session_rollback(call, s);
    }
    return rc;
}

/* ---- The tools. */

typedef struct {
    const char *name, *email;
    int64_t think_ms;
} create_user_in;

static const gantry_arg create_user_args[] = {
    GANTRY_ARG(create_user_in, name, "The user's name", .length = {1, 63}),
    GANTRY_ARG(create_user_in, email, "The user's address", .length = {1, 63}),
    GANTRY_ARG(create_user_in, think_ms, "Time to think about it", .range = {0, 600000},
               .default_json = "0"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(create_user, create_user_in, "Create user using context session",
            GANTRY_TAGS("database"))
{
    session *s = gantry_get_pointer(call, &db_session);
    user *new_user = session_add(s, in->name, in->email);
    if (!new_user)
        return gantry_fail(call, "Too many users at once");
    int rc = session_flush(call, s); /* get the id without committing */
    if (rc || (rc = gantry_sleep(call, (uint32_t)in->think_ms)))
        return rc;
    if (!strchr(in->email, '@'))
        return gantry_fail(call, "%s is no address", in->email);
    return gantry_structured_json(call, GANTRY_OBJECT(call, "id", new_user->id, "name", in->name));
}

typedef struct {
    gantry_strings names, emails;
} create_users_in;

static const gantry_arg create_users_args[] = {
    GANTRY_ARG(create_users_in, names, "Their names", .length = {1, 10}),
    GANTRY_ARG(create_users_in, emails, "Their addresses, in the same order", .length = {1, 10}),
    GANTRY_ARGS_END,
};

/* One transaction around several calls of another tool: all of them, or none. */
GANTRY_TOOL(create_users, create_users_in, "Create several users, or none", GANTRY_TAGS("database"))
{
    if (in->names.n != in->emails.n)
        return gantry_fail(call, "%zu names, but %zu addresses", in->names.n, in->emails.n);
    for (size_t i = 0; i < in->names.n; i++) {
        const gantry_json *result = NULL;
        int rc = gantry_call_tool(
            call, "create_user",
            GANTRY_OBJECT(call, "name", in->names.v[i], "email", in->emails.v[i]), &result);
        if (rc)
            return rc; /* its message goes to the client, nothing into the database */
    }
    return gantry_text(call, "%zu users", in->names.n);
}

GANTRY_RESOURCE(users, "database://users", "Names of the users that everybody sees")
{
    for (size_t i = 0; i < database.count; i++) {
        int rc = gantry_text(call, "%s", database.users[i].name);
        if (rc)
            return rc;
    }
    return database.count ? GANTRY_OK : gantry_text(call, "(nobody)");
}

GANTRY_RESOURCE(journal, "database://journal", "What was done to the database, in order")
{
    return gantry_text(call, "%s", database.journal);
}

GANTRY_PLUGIN("context_database", "1.0.0",
              .middleware = GANTRY_MIDDLEWARES(&database_context_middleware),
              .tools = GANTRY_TOOLS(&create_user_tool, &create_users_tool),
              .resources = GANTRY_RESOURCES(&users_resource, &journal_resource));
