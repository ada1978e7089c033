/* e2e_ask.c - asks its client whatever can be asked, from wherever one can ask. */
#include <gantry.h>

#include <string.h>

/* ---------------------------------------------------------------- forms */

typedef struct {
    const char *name, *mail, *color, *size;
    int64_t age;
    gantry_opt_num weight;
    bool member;
    gantry_strings days;
} person;
static const gantry_arg person_args[] = {
    GANTRY_ARG(person, name, "Your full name", .title = "Name", .length = {2, 50}),
    GANTRY_ARG(person, mail, "Where to write to", .format = "email", .optional = 1),
    GANTRY_ARG(person, color, NULL, GANTRY_ONE_OF("red", "green"), .default_json = "\"green\""),
    GANTRY_ARG(person, size, NULL, GANTRY_ONE_OF("s", "l"), GANTRY_TITLES("Small", "Large")),
    GANTRY_ARG(person, age, NULL, .range = {18, 120}, .default_json = "30"),
    GANTRY_ARG(person, weight, NULL),
    GANTRY_ARG(person, member, NULL, .default_json = "true"),
    GANTRY_ARG(person, days, "When", GANTRY_ONE_OF("mo", "tu"), GANTRY_TITLES("Monday", "Tuesday"),
               .length = {1, 2}),
    GANTRY_ARGS_END};

static int tell_person(gantry_call *call, const person *p)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_string(b, "name", p->name);
    if (p->mail)
        gantry_put_string(b, "mail", p->mail);
    gantry_put_string(b, "color", p->color);
    gantry_put_string(b, "size", p->size);
    gantry_put_int(b, "age", p->age);
    if (p->weight.set)
        gantry_put_num(b, "weight", p->weight.value);
    gantry_put_bool(b, "member", p->member);
    gantry_put_array(b, "days");
    for (size_t i = 0; i < p->days.n; i++)
        gantry_put_string(b, NULL, p->days.v[i]);
    gantry_put_close(b);
    gantry_put_close(b);
    return gantry_text(call, "%s", gantry_json_print(call, gantry_builder_end(b)));
}

GANTRY_TOOL0(register_person, "A form with a field of each kind")
{
    person p;
    int rc = gantry_elicit(call, "person", "Who are you?", GANTRY_FORM(person, person_args), &p);
    return rc ? rc : tell_person(call, &p);
}

GANTRY_TOOL0(loose_form, "A form from a schema")
{
    const gantry_json *answer = NULL;
    int rc = gantry_elicit(
        call, "loose", "What is it?",
        GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\"},"
                         "\"why\":{\"type\":\"string\",\"default\":\"because\"}},"
                         "\"required\":[\"n\"]}"),
        &answer);
    return rc ? rc : gantry_text(call, "%s", gantry_json_print(call, answer));
}

typedef struct {
    const char *message;
} confirm_in;
static const gantry_arg confirm_args[] = {
    GANTRY_ARG(confirm_in, message, "What to ask", .default_json = "\"Sure?\""), GANTRY_ARGS_END};

static int confirm_it(gantry_call *call, const confirm_in *in)
{
    int rc = gantry_confirm(call, "sure", in->message);
    return rc ? rc : gantry_text(call, "confirmed");
}

GANTRY_TOOL(confirm, confirm_in, "Yes or no; tells of all else by its code")
{
    return confirm_it(call, in);
}

typedef struct {
    const char *message;
} twice_in;
static const gantry_arg twice_args[] = {
    GANTRY_ARG(twice_in, message, NULL, .default_json = "\"Sure?\""), GANTRY_ARGS_END};

GANTRY_TOOL(twice, twice_in, "The same question again")
{
    int first = gantry_confirm(call, "sure", in->message);
    if (first && first != GANTRY_EDECLINED)
        return first;
    int second = gantry_confirm(call, "sure", in->message);
    return gantry_text(call, "%d %d", first, second);
}

GANTRY_TOOL0(mistake, "A form that MCP does not have")
{
    static const gantry_arg wrong[] = {GANTRY_ARG(person, name, NULL, .pattern = "^A"),
                                       GANTRY_ARGS_END};
    return gantry_elicit(call, "wrong", "Who?", GANTRY_FORM(person, wrong), NULL);
}

GANTRY_TOOL0(careful, "Asks only whom it can ask")
{
    if (!gantry_can(call, GANTRY_CAP_ELICITATION))
        return gantry_text(call, "as you like");
    int rc = gantry_confirm(call, "sure", "Sure?");
    return rc ? rc : gantry_text(call, "confirmed");
}

/* ---------------------------------------------------------------- from elsewhere */

#define CONFIRM_LIKE(id, ...)                                                                      \
    static const gantry_arg id##_args[] = {                                                        \
        GANTRY_ARG(confirm_in, message, NULL, .default_json = "\"Sure?\""), GANTRY_ARGS_END};      \
    GANTRY_TOOL(id, confirm_in, __VA_ARGS__)                                                       \
    {                                                                                              \
        return confirm_it(call, in);                                                               \
    }
CONFIRM_LIKE(blocking, "Blocks while it asks", .flags = GANTRY_BLOCKING)
CONFIRM_LIKE(blocking_replay, "Blocks, and may be run again",
             .flags = GANTRY_BLOCKING | GANTRY_REPLAY)
CONFIRM_LIKE(guarded, "Asks below a middleware that asks", GANTRY_TAGS("guarded"))
CONFIRM_LIKE(held, "Asks below a middleware that must not wait", GANTRY_TAGS("held"))
CONFIRM_LIKE(held_replay, "The same, and may be run again", GANTRY_TAGS("held"),
             .flags = GANTRY_REPLAY)

/* The price rises while the person thinks. */
static int64_t price;
GANTRY_TOOL0(unsteady, "Asks otherwise when it is run again",
             .flags = GANTRY_BLOCKING | GANTRY_REPLAY)
{
    price += price < 2;
    int rc = gantry_confirm(call, "buy", gantry_format(call, "Buy it for %lld?", (long long)price));
    return rc ? rc : gantry_text(call, "bought for %lld", (long long)price);
}

CONFIRM_LIKE(picky, "Is refused early", .requires = GANTRY_CAP_ELICITATION)

GANTRY_TOOL0(nested, "Asks, and calls a tool that asks")
{
    const gantry_json *result = NULL;
    int rc = gantry_confirm(call, "outer", "Shall I?");
    if (!rc)
        rc = gantry_call_tool(call, "confirm", GANTRY_OBJECT(call, "message", "Really?"), &result);
    return rc ? rc
              : gantry_text(call, "all %s",
                            gantry_json_text(gantry_json_at(gantry_json_get(result, "content"), 0),
                                             "text"));
}

/* With the plugin sqlite: what a transaction has to do with questions. */
static int insert(gantry_call *call)
{
    const gantry_json *result = NULL;
    return gantry_call_tool(call, "execute", GANTRY_OBJECT(call, "sql", "INSERT INTO t VALUES (1)"),
                            &result);
}

static int write_and_ask(gantry_call *call)
{
    int rc = insert(call);
    if (!rc)
        rc = gantry_confirm(call, "keep", "Keep it?");
    return rc ? rc : gantry_text(call, "kept");
}

GANTRY_TOOL0(write_then_ask, "Writes, then asks")
{
    return write_and_ask(call);
}

GANTRY_TOOL0(write_then_ask_replay, "The same, and may be run again", .flags = GANTRY_REPLAY)
{
    return write_and_ask(call);
}

GANTRY_TOOL0(ask_then_write, "Asks, then writes")
{
    int rc = gantry_confirm(call, "write", "Write it?");
    if (!rc)
        rc = insert(call);
    return rc ? rc : gantry_text(call, "written");
}

GANTRY_MIDDLEWARE(guard, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("guarded"))
{
    int rc = gantry_confirm(call, "guard", "May I?");
    return rc ? rc : gantry_next(call);
}

GANTRY_MIDDLEWARE(hold, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("held"), .flags = GANTRY_NO_PARK)
{
    return gantry_next(call);
}

GANTRY_RESOURCE(secret, "ask://secret", "Asks before it tells")
{
    int rc = gantry_confirm(call, "sure", "Read it?");
    return rc ? rc : gantry_text(call, "the secret");
}

typedef struct {
    const char *id;
} record_in;
static const gantry_arg record_args[] = {GANTRY_ARG(record_in, id, NULL), GANTRY_ARGS_END};

GANTRY_TEMPLATE(record, record_in, "ask://record/{id}", "Asks before it tells")
{
    int rc = gantry_confirm(call, "sure", gantry_format(call, "Read %s?", in->id));
    return rc ? rc : gantry_text(call, "record %s", in->id);
}

GANTRY_PROMPT0(interview, "Asks before it is made")
{
    person p;
    int rc = gantry_elicit(call, "person", "Who?", GANTRY_FORM(person, person_args), &p);
    return rc ? rc : gantry_message(call, GANTRY_USER, "Tell me about %s", p.name);
}

/* ---------------------------------------------------------------- URLs, models, roots */

GANTRY_TOOL0(visit, "Sends the person to a URL")
{
    const char *id = gantry_elicitation_id(call, "key");
    int rc = gantry_elicit_url(call, "key", "Please give your key there",
                               gantry_format(call, "https://example.com/key?id=%s", id));
    return rc ? rc : gantry_text(call, "%s", id);
}

typedef struct {
    const char *id;
} visited_in;
static const gantry_arg visited_args[] = {GANTRY_ARG(visited_in, id, "Which"), GANTRY_ARGS_END};

GANTRY_TOOL(visited, visited_in, "It is done there")
{
    return gantry_text(call, "%d", gantry_elicitation_done(gantry_self(call), in->id));
}

typedef struct {
    gantry_opt_bool context;
    const gantry_json *messages;
} sample_in;
static const gantry_arg sample_args[] = {GANTRY_ARG(sample_in, context, NULL),
                                         GANTRY_ARG(sample_in, messages, NULL, .optional = 1),
                                         GANTRY_ARGS_END};

GANTRY_TOOL(sample, sample_in, "Asks a model")
{
    gantry_sampled said;
    bool wants = in->context.set && in->context.value;
    int rc = gantry_sample(
        call, "model",
        GANTRY_SAMPLING(in->messages ? NULL : "Say something", .messages = in->messages,
                        .max_tokens = 50, .system_prompt = "Be brief",
                        .models = GANTRY_LIST_OF("small"), .speed = 1, .temperature = {true, 0.5},
                        .context = wants ? GANTRY_CONTEXT_THIS_SERVER : GANTRY_CONTEXT_NONE),
        &said);
    return rc ? rc
              : gantry_text(call, "%s by %s (%s, %zu)", said.text, said.model,
                            said.stop_reason ? said.stop_reason : "-",
                            gantry_json_count(said.content));
}

typedef struct {
    int64_t a, b;
} add_in;
static const gantry_arg add_args[] = {GANTRY_ARG(add_in, a, NULL), GANTRY_ARG(add_in, b, NULL),
                                      GANTRY_ARGS_END};
static int64_t added;

GANTRY_TOOL(add, add_in, "Adds two numbers")
{
    added++;
    return gantry_text(call, "%lld", (long long)(in->a + in->b));
}

GANTRY_TOOL0(added_count, "How often add ran")
{
    return gantry_text(call, "%lld", (long long)added);
}

GANTRY_TOOL0(agent, "Lets a model use tools", .flags = GANTRY_REPLAY)
{
    gantry_sampled said;
    int rc = gantry_sample_loop(
        call, "agent",
        GANTRY_SAMPLING("What is 2 + 3 and 4 + 5?", .tools = GANTRY_LIST_OF("add", "confirm")), 3,
        &said);
    return rc ? rc : gantry_text(call, "%s", said.text);
}

GANTRY_TOOL0(folders, "Where the client works")
{
    gantry_roots_list roots;
    const char *text = "";
    int rc = gantry_roots(call, "roots", &roots);
    for (uint32_t i = 0; !rc && i < roots.count; i++)
        text = gantry_format(call, "%s%s=%s;", text, roots.v[i].name ? roots.v[i].name : "",
                             roots.v[i].uri);
    return rc ? rc : gantry_text(call, "%u: %s", roots.count, text);
}

GANTRY_TOOL0(everything, "All kinds of questions at once")
{
    person p = {0};
    gantry_sampled said = {.text = ""};
    gantry_roots_list roots = {0};
    gantry_ask *asks[] = {
        GANTRY_ASK(GANTRY_ASK_FORM, "who", .message = "Who?", .answer = &p,
                   .form = GANTRY_FORM(person, person_args)),
        GANTRY_ASK(GANTRY_ASK_FORM, "sure", .message = "Sure?"),
        GANTRY_ASK(GANTRY_ASK_SAMPLE, "model", .sampling = GANTRY_SAMPLING("Hi"), .sampled = &said),
        GANTRY_ASK(GANTRY_ASK_ROOTS, "roots", .roots = &roots),
    };
    int rc = gantry_ask_all(call, asks, 4);
    if (rc)
        return rc;
    return gantry_text(call, "%s %d %s %u", p.name ? p.name : "-", asks[1]->rc, said.text,
                       roots.count);
}

GANTRY_PLUGIN(
    "ask", "1.0.0",
    .tools = GANTRY_TOOLS(&register_person_tool, &loose_form_tool, &confirm_tool, &twice_tool,
                          &mistake_tool, &careful_tool, &blocking_tool, &blocking_replay_tool,
                          &guarded_tool, &held_tool, &held_replay_tool, &unsteady_tool, &picky_tool,
                          &nested_tool, &visit_tool, &visited_tool, &sample_tool, &add_tool,
                          &added_count_tool, &agent_tool, &folders_tool, &everything_tool,
                          &write_then_ask_tool, &write_then_ask_replay_tool, &ask_then_write_tool),
    .resources = GANTRY_RESOURCES(&secret_resource),
    .templates = GANTRY_TEMPLATES(&record_template), .prompts = GANTRY_PROMPTS(&interview_prompt),
    .middleware = GANTRY_MIDDLEWARES(&guard_middleware, &hold_middleware));
