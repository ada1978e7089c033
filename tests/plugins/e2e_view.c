/* e2e_view.c - components that not everybody sees, versions of one tool, and lists that change, all
 * under control of a client. */
#include <gantry.h>

#include <stdio.h>
#include <string.h>

#define CHURN_MAX 200

/* ---------------------------------------------------------------- what only some see */

GANTRY_TOOL0(secret, "Tells a secret", GANTRY_TAGS("secret"))
{
    return gantry_text(call, "the cake is a lie");
}

GANTRY_RESOURCE(secret_note, "view://secret", "A secret", GANTRY_TAGS("secret"),
                .cache_scope = GANTRY_CACHE_PUBLIC, .ttl_ms = 60000)
{
    return gantry_text(call, "buried");
}

GANTRY_RESOURCE(open_note, "view://open", "No secret", .cache_scope = GANTRY_CACHE_PUBLIC,
                .ttl_ms = 60000)
{
    return gantry_text(call, "open");
}

GANTRY_PROMPT0(secret_prompt, "Asks for a secret", GANTRY_TAGS("secret"))
{
    return gantry_text(call, "Tell me.");
}

static char trusted[64]; /* the one principal that sees secrets; "": nobody does */

static bool is_kept_from(const gantry_component *component, const char *principal, void *data)
{
    (void)component, (void)data;
    return !principal || strcmp(principal, trusted) != 0;
}

typedef struct {
    const char *principal;
} trust_in;
static const gantry_arg trust_args[] = {
    GANTRY_ARG(trust_in, principal, "Who is to see secrets; nobody else does"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(trust, trust_in, "Says who sees secrets")
{
    snprintf(trusted, sizeof(trusted), "%s", in->principal);
    int rc = gantry_transforms_changed(gantry_self(call));
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", trusted);
}

/* ---------------------------------------------------------------- a tool of one's own */

typedef struct {
    const char *text, *who;
} note_in;
static const gantry_arg note_args[] = {
    GANTRY_ARG(note_in, text, "What to say"),
    GANTRY_ARG(note_in, who, "Who says it"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(note, note_in, "Says who says what")
{
    return gantry_text(call, "%s: %s", in->who, in->text);
}

typedef struct {
    const char *name;
} named_in;
static const gantry_arg named_args[] = {
    GANTRY_ARG(named_in, name, "Its name"),
    GANTRY_ARGS_END,
};
#define mine_args named_args
GANTRY_TOOL(mine, named_in, "Makes a tool for whoever calls")
{
    static const gantry_change changes[] = {
        GANTRY_CHANGE(who, .hide = 1, .source = "principal"),
        GANTRY_CHANGES_END,
    };
    const gantry_from from = {
        .size = sizeof(from),
        .change_size = sizeof(gantry_change),
        .arg_size = sizeof(gantry_arg),
        .name = in->name,
        .parent = "note",
        .changes = changes,
        .principal = gantry_principal(call),
    };
    int rc = gantry_tool_from(gantry_self(call), &from);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", in->name);
}

#define unmake_args named_args
GANTRY_TOOL(unmake, named_in, "Takes a tool away")
{
    int rc = gantry_remove_tool(gantry_self(call), in->name);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", in->name);
}

/* ---------------------------------------------------------------- versions */

static int say_version(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_text(call, "%s", (const char *)gantry_data(call));
}

#define SUM(id, version_)                                                                          \
    static const gantry_tool id = {.size = sizeof(gantry_tool),                                    \
                                   .arg_size = sizeof(gantry_arg),                                 \
                                   .name = "sum",                                                  \
                                   .description = "Adds",                                          \
                                   .version = version_,                                            \
                                   .data = (void *)version_,                                       \
                                   .run = say_version}
SUM(sum1, "1.0");
SUM(sum2, "10.0");
SUM(sum3, "9.0");

/* ---------------------------------------------------------------- changes */

static int say_nothing(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_text(call, "nothing");
}

typedef struct {
    int64_t count;
    bool stay;
} churn_in;
static const gantry_arg churn_args[] = {
    GANTRY_ARG(churn_in, count, "How many", .range = {1, CHURN_MAX}),
    GANTRY_ARG(churn_in, stay, "Whether they stay"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(churn, churn_in, "Adds tools one by one, and takes them away, without a pause")
{
    int rc = GANTRY_OK;
    for (int64_t i = 0; !rc && i < in->count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "churn%d", (int)i);
        const gantry_tool tool = {.size = sizeof(tool),
                                  .arg_size = sizeof(gantry_arg),
                                  .name = name,
                                  .description = "One of many",
                                  .run = say_nothing};
        rc = gantry_add_tool(gantry_self(call), &tool);
    }
    for (int64_t i = 0; !rc && !in->stay && i < in->count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "churn%d", (int)i);
        rc = gantry_remove_tool(gantry_self(call), name);
    }
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "done");
}

#define mark_args named_args
GANTRY_TOOL(mark, named_in, "Adds a prompt, which everybody sees")
{
    const gantry_prompt prompt = {.size = sizeof(prompt),
                                  .arg_size = sizeof(gantry_arg),
                                  .name = in->name,
                                  .description = "A mark",
                                  .render = say_nothing};
    int rc = gantry_add_prompt(gantry_self(call), &prompt);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", in->name);
}

/* ---------------------------------------------------------------- rules of a session */

typedef struct {
    const char *rule, *name;
} rule_in;
static const gantry_arg rule_args[] = {
    GANTRY_ARG(rule_in, rule, "What to do", GANTRY_ONE_OF("hide", "show", "none")),
    GANTRY_ARG(rule_in, name, "With which tool", .default_json = "\"note\""),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(rule, rule_in, "Changes what this session sees")
{
    const char *const names[] = {in->name, NULL};
    const gantry_transform *hide = GANTRY_TRANSFORM(DISABLE, in->name, .names = names);
    const gantry_transform *show = GANTRY_TRANSFORM(ENABLE, in->name, .names = names);
    const gantry_transform *t = strcmp(in->rule, "hide") == 0   ? hide
                                : strcmp(in->rule, "show") == 0 ? show
                                                                : NULL;
    int rc = gantry_session_transform(call, t);
    return rc ? gantry_fail(call, "%d", rc) : gantry_text(call, "%s", in->rule);
}

static const char *const secrets[] = {"secret", NULL};

GANTRY_PLUGIN("view", "1.0.0",
              .tools = GANTRY_TOOLS(&secret_tool, &trust_tool, &note_tool, &mine_tool, &unmake_tool,
                                    &sum1, &sum2, &sum3, &churn_tool, &mark_tool, &rule_tool),
              .resources = GANTRY_RESOURCES(&secret_note_resource, &open_note_resource),
              .prompts = GANTRY_PROMPTS(&secret_prompt_prompt),
              .transforms = GANTRY_TRANSFORMS(GANTRY_TRANSFORM(DISABLE, "secrets", .tags = secrets,
                                                               .concerns = is_kept_from)));
