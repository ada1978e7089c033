/* e2e_schema.c - tools whose schemas are JSON, and what the settings ask for besides: for the
 * end-to-end tests of schemas. With REFUSED it is a plugin that no host may load: 1 has a dialect
 * that nobody knows, 2 a reference out of the schema. */
#include <gantry.h>

#include <string.h>

/* ---------------------------------------------------------------- input */

#define ORDER_SCHEMA                                                                               \
    "{\"type\":\"object\",\"additionalProperties\":false,"                                         \
    "\"required\":[\"pay\",\"items\"],"                                                            \
    "\"properties\":{"                                                                             \
    "\"pay\":{\"oneOf\":[{\"$ref\":\"#/$defs/card\"},{\"$ref\":\"#/$defs/cash\"}]},"               \
    "\"items\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/item\"}},"         \
    "\"when\":{\"type\":\"string\",\"format\":\"date\"},"                                          \
    "\"mail\":{\"type\":\"string\",\"format\":\"email\"},"                                         \
    "\"speed\":{\"enum\":[\"slow\",\"normal\",\"express\"]},"                                      \
    "\"gift\":{\"type\":\"boolean\"},\"greeting\":{\"type\":\"string\"},"                          \
    "\"labels\":{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"type\":\"integer\"}},"      \
    "\"additionalProperties\":false}},"                                                            \
    "\"dependentRequired\":{\"greeting\":[\"gift\"]},"                                             \
    "\"$defs\":{"                                                                                  \
    "\"card\":{\"type\":\"object\",\"required\":[\"kind\",\"number\"],"                            \
    "\"properties\":{\"kind\":{\"const\":\"card\"},"                                               \
    "\"number\":{\"type\":\"string\",\"pattern\":\"^[0-9]{4}$\"}}},"                               \
    "\"cash\":{\"type\":\"object\",\"required\":[\"kind\",\"amount\"],"                            \
    "\"properties\":{\"kind\":{\"const\":\"cash\"},"                                               \
    "\"amount\":{\"type\":\"number\",\"minimum\":0,\"multipleOf\":0.01}}},"                        \
    "\"item\":{\"type\":\"object\",\"required\":[\"name\"],"                                       \
    "\"properties\":{\"name\":{\"type\":\"string\"},"                                              \
    "\"count\":{\"type\":\"integer\",\"minimum\":1},"                                              \
    "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/item\"}}}}}}"

static int give_back(gantry_call *call)
{
    const gantry_json *v = gantry_arguments(call);
    return gantry_text(call, "%s", v ? gantry_json_print(call, v) : "nothing");
}

GANTRY_TOOL0(order, "Takes an order and repeats it", .input_schema_json = ORDER_SCHEMA)
{
    return give_back(call);
}
GANTRY_TOOL0(exact, "Takes an order only as it is written", .input_schema_json = ORDER_SCHEMA,
             .flags = GANTRY_STRICT_INPUT)
{
    return give_back(call);
}
GANTRY_TOOL0(legacy, "A schema as most tools have it",
             .input_schema_json =
                 "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\","
                 "\"definitions\":{\"size\":{\"type\":\"integer\",\"exclusiveMinimum\":0}},"
                 "\"properties\":{\"at\":{\"items\":[{\"type\":\"string\"},{\"type\":\"integer\"}],"
                 "\"additionalItems\":false},\"size\":{\"$ref\":\"#/definitions/size\","
                 "\"maximum\":-1},\"a\":{},\"b\":{}},\"dependencies\":{\"a\":[\"b\"]}}")
{
    return give_back(call);
}
/* Each level of nesting doubles the work of finding out that nothing fits. */
GANTRY_TOOL0(explode, "Takes longer to check than anybody would wait",
             .input_schema_json =
                 "{\"type\":\"object\",\"properties\":{\"v\":{\"$ref\":\"#/$defs/t\"}},"
                 "\"$defs\":{\"t\":{\"anyOf\":[{\"items\":{\"$ref\":\"#/$defs/t\"},\"minItems\":1},"
                 "{\"items\":{\"$ref\":\"#/$defs/t\"},\"maxItems\":1}],"
                 "\"type\":\"array\"}}}")
{
    return give_back(call);
}

typedef struct {
    int64_t days;
    bool by_train;
    gantry_strings stops;
    gantry_opt_num budget;
    const char *season;
} plan_in;
static const gantry_arg plan_args[] = {
    GANTRY_ARG(plan_in, days, "How long", .range = {1, 30}),
    GANTRY_ARG(plan_in, by_train, "Not by car", .optional = 1),
    GANTRY_ARG(plan_in, stops, "Where to halt", .optional = 1),
    GANTRY_ARG(plan_in, budget, "In euros"),
    GANTRY_ARG(plan_in, season, "When", GANTRY_ONE_OF("spring", "summer", "autumn"),
               .default_json = "\"summer\""),
    GANTRY_ARGS_END,
};
GANTRY_PROMPT(plan, plan_in, "Plans a journey")
{
    gantry_text(call, "%lld days in %s, %s", (long long)in->days, in->season,
                in->by_train ? "by train" : "by car");
    for (size_t i = 0; i < in->stops.n; i++)
        gantry_text(call, "by way of %s", in->stops.v[i]);
    return in->budget.set ? gantry_text(call, "for %.2f", in->budget.value) : GANTRY_OK;
}

/* ---------------------------------------------------------------- output */

#define ANSWER_SCHEMA                                                                              \
    "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"$ref\":\"#/$defs/n\"},"    \
    "\"next\":{\"$ref\":\"#\"}},\"$defs\":{\"n\":{\"type\":\"integer\",\"minimum\":1}}}"

typedef struct {
    const gantry_json *value;
} answer_in;
static const gantry_arg answer_args[] = {
    GANTRY_ARG(answer_in, value, "What to answer; nothing if it is missing", .optional = 1),
    GANTRY_ARGS_END,
};
#define strict_answer_args answer_args
#define free_answer_args answer_args
static int answer_with(gantry_call *call, const answer_in *in)
{
    return in->value ? gantry_structured_json(call, in->value) : gantry_text(call, "nothing");
}
GANTRY_TOOL(answer, answer_in, "Answers what it is told", .output_schema_json = ANSWER_SCHEMA)
{
    return answer_with(call, in);
}
GANTRY_TOOL(strict_answer, answer_in, "Answers right or not at all",
            .output_schema_json = ANSWER_SCHEMA, .flags = GANTRY_OUTPUT_STRICT)
{
    return answer_with(call, in);
}
GANTRY_TOOL(free_answer, answer_in, "Answers unchecked", .output_schema_json = ANSWER_SCHEMA,
            .flags = GANTRY_OUTPUT_UNCHECKED)
{
    return answer_with(call, in);
}

typedef struct {
    int64_t percent;
} share_in;
static const gantry_arg share_args[] = {
    GANTRY_ARG(share_in, percent, "Any number"),
    GANTRY_ARGS_END,
};
static const gantry_arg share_fields[] = {
    GANTRY_ARG(share_in, percent, "A share", .range = {0, 100}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(share, share_in, "Answers with a struct", GANTRY_OUTPUT(share_in, share_fields))
{
    return gantry_structured(call, in);
}

/* ---------------------------------------------------------------- what the settings bring */

typedef struct {
    const char *schema;
} settings;
static const gantry_arg settings_args[] = {
    GANTRY_ARG(settings, schema, "Schema of a tool \"given\" to be added", .optional = 1),
    GANTRY_ARGS_END,
};

static int given_run(gantry_call *call, const void *in)
{
    (void)in;
    return give_back(call);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    const settings *s = gantry_settings(plugin);
    if (!s->schema)
        return GANTRY_OK;
    gantry_tool given = {.size = sizeof given,
                         .arg_size = sizeof(gantry_arg),
                         .name = "given",
                         .run = given_run,
                         .input_schema_json = s->schema};
    return gantry_add_tool(plugin, &given);
}

#ifdef REFUSED
GANTRY_TOOL0(refused, "Has a schema that cannot be used",
             .input_schema_json = REFUSED == 1
                                      ? "{\"$schema\":\"http://json-schema.org/draft-03/schema#\","
                                        "\"type\":\"object\"}"
                                      : "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":"
                                        "\"https://schemas.example/a.json\"}}}")
{
    return give_back(call);
}
#define MORE &refused_tool,
#else
#define MORE
#endif

GANTRY_PLUGIN("schema", "1.0.0", .start = start,
              .tools = GANTRY_TOOLS(MORE & order_tool, &exact_tool, &legacy_tool, &explode_tool,
                                    &answer_tool, &strict_answer_tool, &free_answer_tool,
                                    &share_tool),
              .prompts = GANTRY_PROMPTS(&plan_prompt), GANTRY_SETTINGS(settings, settings_args));
