/* asks.c - tools and a prompt that ask the client: forms, models, roots.
 *
 * The same handlers serve clients of every revision. They are marked GANTRY_REPLAY where running
 * again does no harm.
 */
#include "conformance.h"

/* ---------------------------------------------------------------- forms */

const gantry_arg name_form_args[] = {
    GANTRY_ARG(name_form, name, "Your name"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *color;
} color_form;
static const gantry_arg color_form_args[] = {
    GANTRY_ARG(color_form, color, "A color"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *context;
} context_form;
static const gantry_arg context_form_args[] = {
    GANTRY_ARG(context_form, context, "What it is about"),
    GANTRY_ARGS_END,
};

typedef struct {
    bool ok;
} ok_form;
static const gantry_arg ok_form_args[] = {
    GANTRY_ARG(ok_form, ok, "Whether to go on"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *username, *email;
} user_form;
static const gantry_arg user_form_args[] = {
    GANTRY_ARG(user_form, username, "User's response"),
    GANTRY_ARG(user_form, email, "User's email address"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *name;
    int64_t age;
    double score;
    const char *status;
    bool verified;
} defaults_form;
static const gantry_arg defaults_form_args[] = {
    GANTRY_ARG(defaults_form, name, "User name", .default_json = "\"John Doe\""),
    GANTRY_ARG(defaults_form, age, "User age", .default_json = "30"),
    GANTRY_ARG(defaults_form, score, "User score", .default_json = "95.5"),
    GANTRY_ARG(defaults_form, status, "User status", .default_json = "\"active\"",
               GANTRY_ONE_OF("active", "inactive", "pending")),
    GANTRY_ARG(defaults_form, verified, "Verification status", .default_json = "true"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *untitledSingle, *titledSingle, *legacyEnum;
    gantry_strings untitledMulti, titledMulti;
} choices_form;
static const gantry_arg choices_form_args[] = {
    GANTRY_ARG(choices_form, untitledSingle, "One of three", .optional = 1,
               GANTRY_ONE_OF("option1", "option2", "option3")),
    GANTRY_ARG(choices_form, titledSingle, "One of three, by their titles", .optional = 1,
               GANTRY_ONE_OF("value1", "value2", "value3"),
               GANTRY_TITLES("First Option", "Second Option", "Third Option")),
    GANTRY_ARG(choices_form, legacyEnum, "One of three, as it was written before", .optional = 1,
               GANTRY_ONE_OF("opt1", "opt2", "opt3"),
               .schema_json = "{\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]}"),
    GANTRY_ARG(choices_form, untitledMulti, "Several of three", .optional = 1,
               GANTRY_ONE_OF("option1", "option2", "option3")),
    GANTRY_ARG(choices_form, titledMulti, "Several of three, by their titles", .optional = 1,
               GANTRY_ONE_OF("value1", "value2", "value3"),
               GANTRY_TITLES("First Choice", "Second Choice", "Third Choice")),
    GANTRY_ARGS_END,
};

/* Asks, and tells what came back, whatever the person did. */
static int relay(gantry_call *call, const char *lead, const char *message, const gantry_form *form,
                 void *answer)
{
    gantry_ask *ask = GANTRY_ASK(GANTRY_ASK_FORM, "form", .message = message, .form = form,
                                 .answer = answer);
    int rc = gantry_ask_all(call, &ask, 1);
    if (rc)
        return rc;
    const char *action = gantry_json_text(ask->result, "action");
    const char *content = gantry_json_print(call, gantry_json_get(ask->result, "content"));
    return gantry_text(call, "%s: action=%s, content=%s", lead, action ? action : "none",
                       content ? content : "{}");
}

typedef struct {
    const char *message;
} elicitation_in;
static const gantry_arg test_elicitation_args[] = {
    GANTRY_ARG(elicitation_in, message, "The message to show the user"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(test_elicitation, elicitation_in, "Asks the user for a name and an address",
            .flags = GANTRY_REPLAY)
{
    user_form user;
    return relay(call, "User response", in->message, GANTRY_FORM(user_form, user_form_args), &user);
}

GANTRY_TOOL0(test_elicitation_sep1034_defaults, "Asks with a form of defaults",
             .flags = GANTRY_REPLAY)
{
    defaults_form answer;
    return relay(call, "Elicitation completed", "Please review and update the form fields",
                 GANTRY_FORM(defaults_form, defaults_form_args), &answer);
}

GANTRY_TOOL0(test_elicitation_sep1330_enums, "Asks with a form of choices", .flags = GANTRY_REPLAY)
{
    choices_form answer;
    return relay(call, "Elicitation completed", "Please select options from the enum fields",
                 GANTRY_FORM(choices_form, choices_form_args), &answer);
}

GANTRY_TOOL0(test_streaming_elicitation, "Asks for a yes after a little while",
             .flags = GANTRY_REPLAY)
{
    int rc = gantry_confirm(call, "go_on", "Go on?");
    return rc ? rc : gantry_text(call, "Went on");
}

GANTRY_TOOL0(test_input_required_result_elicitation, "Asks for a name, and greets",
             .flags = GANTRY_REPLAY)
{
    name_form user;
    int rc = gantry_elicit(call, "user_name", "What is your name?",
                           GANTRY_FORM(name_form, name_form_args), &user);
    return rc ? rc : gantry_text(call, "Hello, %s!", user.name);
}

GANTRY_TOOL0(test_input_required_result_multi_round, "Asks twice, one after the other",
             .flags = GANTRY_REPLAY)
{
    name_form user;
    int rc = gantry_elicit(call, "step1", "Step 1: What is your name?",
                           GANTRY_FORM(name_form, name_form_args), &user);
    if (rc)
        return rc;
    color_form favorite;
    rc = gantry_elicit(call, "step2", "Step 2: What is your favorite color?",
                       GANTRY_FORM(color_form, color_form_args), &favorite);
    return rc ? rc : gantry_text(call, "%s likes %s", user.name, favorite.color);
}

GANTRY_TOOL0(test_input_required_result_request_state, "Asks, and knows where it was",
             .flags = GANTRY_REPLAY)
{
    ok_form answer;
    int rc = gantry_elicit(call, "confirm", "Please confirm", GANTRY_FORM(ok_form, ok_form_args),
                           &answer);
    return rc ? rc : gantry_text(call, "state-ok: %s", answer.ok ? "yes" : "no");
}

GANTRY_TOOL0(test_input_required_result_tampered_state, "Asks under a seal")
{
    ok_form answer;
    int rc = gantry_elicit(call, "confirm", "Please confirm", GANTRY_FORM(ok_form, ok_form_args),
                           &answer);
    return rc ? rc : gantry_text(call, "The seal was whole");
}

/* ---------------------------------------------------------------- models and roots */

typedef struct {
    const char *prompt;
} sampling_in;
static const gantry_arg test_sampling_args[] = {
    GANTRY_ARG(sampling_in, prompt, "The prompt to send to the LLM"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(test_sampling, sampling_in, "Asks a model of the client", .flags = GANTRY_REPLAY)
{
    gantry_sampled said;
    int rc = gantry_sample(call, "llm", GANTRY_SAMPLING(in->prompt, .max_tokens = 100), &said);
    return rc ? rc : gantry_text(call, "LLM response: %s", said.text);
}

GANTRY_TOOL0(test_missing_capability, "Cannot do without a model of the client",
             .requires = GANTRY_CAP_SAMPLING, .flags = GANTRY_REPLAY)
{
    gantry_sampled said;
    int rc = gantry_sample(call, "llm", GANTRY_SAMPLING("Say something", .max_tokens = 100), &said);
    return rc ? rc : gantry_text(call, "It said: %s", said.text);
}

GANTRY_TOOL0(test_input_required_result_sampling, "Asks a model of the client a question",
             .flags = GANTRY_REPLAY)
{
    gantry_sampled said;
    int rc = gantry_sample(call, "capital_question",
                           GANTRY_SAMPLING("What is the capital of France?", .max_tokens = 100),
                           &said);
    return rc ? rc : gantry_text(call, "%s", said.text);
}

GANTRY_TOOL0(test_input_required_result_list_roots, "Lists the roots of the client",
             .flags = GANTRY_REPLAY)
{
    gantry_roots_list roots;
    int rc = gantry_roots(call, "client_roots", &roots);
    for (uint32_t i = 0; !rc && i < roots.count; i++)
        rc = gantry_text(call, "%s", roots.v[i].uri);
    return rc ? rc : gantry_text(call, "%u roots", (unsigned)roots.count);
}

GANTRY_TOOL0(test_input_required_result_multiple_inputs, "Asks three things at once",
             .flags = GANTRY_REPLAY)
{
    name_form user;
    gantry_sampled said;
    gantry_roots_list roots;
    gantry_ask *const asks[] = {
        GANTRY_ASK(GANTRY_ASK_FORM, "user_name", .message = "What is your name?",
                   .form = GANTRY_FORM(name_form, name_form_args), .answer = &user),
        GANTRY_ASK(GANTRY_ASK_SAMPLE, "greeting", .sampled = &said,
                   .sampling = GANTRY_SAMPLING("Generate a greeting", .max_tokens = 50)),
        GANTRY_ASK(GANTRY_ASK_ROOTS, "client_roots", .roots = &roots),
    };
    int rc = gantry_ask_all(call, asks, 3);
    for (size_t i = 0; !rc && i < 3; i++)
        rc = asks[i]->rc;
    if (rc)
        return rc;
    return gantry_text(call, "%s %s (%u roots)", said.text, user.name, (unsigned)roots.count);
}

GANTRY_TOOL0(test_input_required_result_capabilities, "Asks what the client can be asked",
             .flags = GANTRY_REPLAY)
{
    name_form user = {"nobody"};
    gantry_sampled said = {.text = "nothing"};
    gantry_roots_list roots = {0};
    /* Questions live in the block that they are written in: not in the body of an if. */
    const struct {
        uint32_t capability;
        gantry_ask *ask;
    } known[] = {
        {GANTRY_CAP_ELICITATION,
         GANTRY_ASK(GANTRY_ASK_FORM, "user_name", .message = "What is your name?",
                    .form = GANTRY_FORM(name_form, name_form_args), .answer = &user)},
        {GANTRY_CAP_SAMPLING, GANTRY_ASK(GANTRY_ASK_SAMPLE, "greeting", .sampled = &said,
                                         .sampling = GANTRY_SAMPLING("Generate a greeting"))},
        {GANTRY_CAP_ROOTS, GANTRY_ASK(GANTRY_ASK_ROOTS, "client_roots", .roots = &roots)},
    };
    gantry_ask *asks[3];
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (gantry_can(call, known[i].capability))
            asks[n++] = known[i].ask;
    }
    if (n == 0)
        return gantry_text(call, "This client cannot be asked anything");
    int rc = gantry_ask_all(call, asks, n);
    for (size_t i = 0; !rc && i < n; i++)
        rc = asks[i]->rc;
    if (rc)
        return rc;
    return gantry_text(call, "%s %s (%u roots)", said.text, user.name, (unsigned)roots.count);
}

/* ---------------------------------------------------------------- a prompt that asks */

GANTRY_PROMPT0(test_input_required_result_prompt, "A prompt that asks what it is about",
               .flags = GANTRY_REPLAY)
{
    context_form answer;
    int rc = gantry_elicit(call, "user_context", "What context should the prompt use?",
                           GANTRY_FORM(context_form, context_form_args), &answer);
    return rc ? rc : gantry_text(call, "Use this context: %s", answer.context);
}

/* ---------------------------------------------------------------- all of them */

int conformance_add_asks(gantry_plugin *plugin)
{
    static const gantry_tool *const tools[] = {
        &test_sampling_tool,
        &test_elicitation_tool,
        &test_elicitation_sep1034_defaults_tool,
        &test_elicitation_sep1330_enums_tool,
        &test_missing_capability_tool,
        &test_streaming_elicitation_tool,
        &test_input_required_result_elicitation_tool,
        &test_input_required_result_sampling_tool,
        &test_input_required_result_list_roots_tool,
        &test_input_required_result_request_state_tool,
        &test_input_required_result_multiple_inputs_tool,
        &test_input_required_result_multi_round_tool,
        &test_input_required_result_tampered_state_tool,
        &test_input_required_result_capabilities_tool,
    };
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        int rc = gantry_add_tool(plugin, tools[i]);
        if (rc)
            return rc;
    }
    return gantry_add_prompt(plugin, &test_input_required_result_prompt_prompt);
}
