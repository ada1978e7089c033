/* e2e_lists.c - a plugin with transforms of its own: declared, made at run time, one that asks who
 * looks, and rules that a session has for itself. */
#include <gantry.h>

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- what there is to see */

GANTRY_TOOL0(l_plain, "As it is")
{
    return gantry_text(call, "plain, called %s", gantry_component_name(call));
}
GANTRY_TOOL0(l_renamed, "Has another name")
{
    return gantry_text(call, "renamed, called %s", gantry_component_name(call));
}
GANTRY_TOOL0(l_hidden, "Is off", GANTRY_TAGS("hidden"))
{
    return gantry_text(call, "hidden");
}
GANTRY_TOOL0(l_admin, "For some", GANTRY_TAGS("admin"))
{
    return gantry_text(call, "admin");
}
GANTRY_RESOURCE(l_document, "lists://document", "A document")
{
    return gantry_text(call, "document of %s", gantry_component_name(call));
}
typedef struct {
    const char *id;
} page_in;
static const gantry_arg l_page_args[] = {GANTRY_ARG(page_in, id, NULL), GANTRY_ARGS_END};
GANTRY_TEMPLATE(l_page, page_in, "lists://page/{id}", "A page")
{
    return gantry_text(call, "page %s", in->id);
}
GANTRY_PROMPT0(l_prompt, "A prompt")
{
    return gantry_message(call, GANTRY_USER, "Hello");
}

/* ---------------------------------------------------------------- who may */

static char granted[512] = " ";

static bool may(const gantry_component *component, const char *principal, void *data)
{
    char word[80];
    (void)component;
    snprintf(word, sizeof word, " %s ", principal ? principal : "?");
    return strstr(data, word) != NULL;
}

typedef struct {
    const char *principal;
} grant_in;
static const gantry_arg grant_args[] = {GANTRY_ARG(grant_in, principal, NULL), GANTRY_ARGS_END};
GANTRY_TOOL(grant, grant_in, "From now on this one may")
{
    size_t len = strlen(granted);
    snprintf(granted + len, sizeof granted - len, "%s ", in->principal);
    return gantry_text(call, "%d", gantry_transforms_changed(gantry_self(call)));
}
GANTRY_TOOL0(revoke, "From now on nobody may")
{
    granted[1] = '\0';
    return gantry_text(call, "%d", gantry_transforms_changed(gantry_self(call)));
}

/* ---------------------------------------------------------------- at run time */

typedef struct {
    const char *name, *type, *what;
} rule_in;
static const gantry_arg rule_args[] = {
    GANTRY_ARG(rule_in, name, "Of the transform"),
    GANTRY_ARG(rule_in, type, "What it does",
               GANTRY_ONE_OF("enable", "disable", "only", "namespace")),
    GANTRY_ARG(rule_in, what, "The name of tools; of a namespace its prefix"), GANTRY_ARGS_END};
#define session_rule_args rule_args
#define add_rule_args rule_args

static uint32_t type_of(const rule_in *in)
{
    return in->type[0] == 'e'   ? GANTRY_TRANSFORM_ENABLE
           : in->type[0] == 'd' ? GANTRY_TRANSFORM_DISABLE
           : in->type[0] == 'o' ? GANTRY_TRANSFORM_ONLY
                                : GANTRY_TRANSFORM_NAMESPACE;
}
static gantry_transform transform_of(const rule_in *in, const char *const *names)
{
    bool is_rule = in->type[0] != 'n';
    return (gantry_transform){.size = sizeof(gantry_transform),
                              .type = type_of(in),
                              .name = in->name,
                              .kinds = 1u << GANTRY_KIND_TOOL,
                              .names = is_rule ? names : NULL,
                              .prefix = is_rule ? NULL : in->what};
}
GANTRY_TOOL(add_rule, rule_in, "A transform of all lists")
{
    const char *names[] = {in->what, NULL};
    gantry_transform t = transform_of(in, names);
    return gantry_text(call, "%d", gantry_add_transform(gantry_self(call), &t));
}
GANTRY_TOOL(session_rule, rule_in, "A rule for this session alone")
{
    const char *names[] = {in->what, NULL};
    gantry_transform t = transform_of(in, names);
    return gantry_text(call, "%d", gantry_session_transform(call, &t));
}
GANTRY_TOOL0(session_clear, "No rule of the session any more")
{
    return gantry_text(call, "%d", gantry_session_transform(call, NULL));
}
typedef struct {
    const char *name;
} remove_in;
static const gantry_arg remove_rule_args[] = {GANTRY_ARG(remove_in, name, NULL), GANTRY_ARGS_END};
GANTRY_TOOL(remove_rule, remove_in, "Takes a transform away")
{
    return gantry_text(call, "%d", gantry_remove_transform(gantry_self(call), in->name));
}

GANTRY_PLUGIN("lists", "1.0.0",
              .tools = GANTRY_TOOLS(&l_plain_tool, &l_renamed_tool, &l_hidden_tool, &l_admin_tool,
                                    &grant_tool, &revoke_tool, &add_rule_tool, &session_rule_tool,
                                    &session_clear_tool, &remove_rule_tool),
              .resources = GANTRY_RESOURCES(&l_document_resource),
              .templates = GANTRY_TEMPLATES(&l_page_template),
              .prompts = GANTRY_PROMPTS(&l_prompt_prompt),
              .transforms = GANTRY_TRANSFORMS(
                  GANTRY_TRANSFORM(ENABLE, "those-who-may", .priority = 3,
                                   .kinds = 1u << GANTRY_KIND_TOOL, .tags = GANTRY_LIST_OF("admin"),
                                   .concerns = may, .data = granted),
                  GANTRY_TRANSFORM(DISABLE, "not-for-all", .priority = 2,
                                   .tags = GANTRY_LIST_OF("admin", "hidden")),
                  GANTRY_TRANSFORM(RENAME, "another-name", .priority = 1,
                                   GANTRY_RENAMES({"l_renamed", "l_other"}))));
