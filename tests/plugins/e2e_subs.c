/* e2e_subs.c - resources that change, extensions, skills and completions that depend on other
 * arguments, all under control of a client. Built twice: BUILD is 1 or 2. */
#include <gantry.h>

#include <pthread.h>
#include <string.h>

#ifndef BUILD
#define BUILD 1
#endif

/* ---------------------------------------------------------------- subscriptions */

GANTRY_RESOURCE(counter, "subs://counter", "Says which build it is")
{
    return gantry_text(call, "%d", BUILD);
}

GANTRY_RESOURCE(plain, "subs://plain~text", "Can be written in two ways")
{
    return gantry_text(call, "plain");
}

typedef struct {
    const char *name;
} item_in;
static const gantry_arg item_args[] = {
    GANTRY_ARG(item_in, name, "Which"),
    GANTRY_ARGS_END,
};
GANTRY_TEMPLATE(item, item_in, "subs://item/{name}", "One of many")
{
    return gantry_text(call, "%s", in->name);
}

typedef struct {
    const char *uri, *where;
    int64_t times;
} touch_in;
static const gantry_arg touch_args[] = {
    GANTRY_ARG(touch_in, uri, "Of the resource"),
    GANTRY_ARG(touch_in, times, "How often", .default_json = "1"),
    GANTRY_ARG(touch_in, where, "On which thread", GANTRY_ONE_OF("loop", "own"),
               .default_json = "\"loop\""),
    GANTRY_ARGS_END,
};

struct touching {
    gantry_plugin *plugin;
    const char *uri;
    int64_t times;
    int rc;
};

static void *touch_now(void *arg)
{
    struct touching *t = arg;
    for (int64_t i = 0; i < t->times && (t->rc == GANTRY_OK || t->rc == GANTRY_EBUSY); i++)
        t->rc = gantry_resource_updated(t->plugin, t->uri);
    return NULL;
}

/* A thread that is none of the host's. */
static int touch_from_own_thread(void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, touch_now, arg))
        return GANTRY_EFAILED;
    pthread_join(thread, NULL);
    return GANTRY_OK;
}

GANTRY_TOOL(touch, touch_in, "Says that a resource has changed")
{
    struct touching t = {.plugin = gantry_self(call), .uri = in->uri, .times = in->times};
    if (strcmp(in->where, "own") == 0) {
        int rc = gantry_work(call, touch_from_own_thread, &t);
        if (rc)
            return rc;
    } else {
        touch_now(&t);
    }
    return gantry_text(call, "%d", t.rc);
}

#define touch_blocking_args item_args
#define watched_args item_args
#define extension_args item_args
GANTRY_TOOL(touch_blocking, item_in, "The same on a worker", .flags = GANTRY_BLOCKING)
{
    return gantry_text(call, "%d", gantry_resource_updated(gantry_self(call), in->name));
}

GANTRY_TOOL(watched, item_in, "Whether somebody has subscribed")
{
    return gantry_text(call, "%s",
                       gantry_is_subscribed(gantry_self(call), in->name) ? "yes" : "no");
}

/* ---------------------------------------------------------------- extensions */

GANTRY_TOOL(extension, item_in, "What the client says of an extension")
{
    const gantry_json *v = gantry_client_extension(call, in->name);
    return gantry_text(call, "%s", v ? gantry_json_print(call, v) : "none");
}

/* ---------------------------------------------------------------- completion */

typedef struct {
    const char *country, *city;
} travel_in;
static const gantry_arg travel_args[] = {
    GANTRY_ARG(travel_in, country, "Where to"),
    GANTRY_ARG(travel_in, city, "Where exactly"),
    GANTRY_ARGS_END,
};

static int complete_travel(gantry_call *call, const char *argument, const char *value)
{
    static const char *const cities[][3] = {
        {"norway", "oslo", "bergen"},
        {"france", "paris", "lyon"},
    };
    const char *country = gantry_json_text(gantry_arguments(call), "country");
    for (size_t i = 0; i < sizeof cities / sizeof cities[0]; i++) {
        if (strcmp(argument, "country") == 0) {
            gantry_suggest(call, cities[i][0]);
            continue;
        }
        for (size_t k = 1; k < 3 && country && strcmp(country, cities[i][0]) == 0; k++) {
            if (strncmp(cities[i][k], value, strlen(value)) == 0)
                gantry_suggest(call, cities[i][k]);
        }
    }
    return GANTRY_OK;
}

GANTRY_PROMPT(travel, travel_in, "Plans a journey", .complete = complete_travel)
{
    return gantry_text(call, "Go to %s in %s.", in->city, in->country);
}

#define place_args travel_args
GANTRY_TEMPLATE(place, travel_in, "subs://place/{country}/{city}", "A city",
                .complete = complete_travel)
{
    return gantry_text(call, "%s", in->city);
}

/* ---------------------------------------------------------------- skills */

GANTRY_SKILL(forms, "pdf/forms",
             GANTRY_SKILL_FILE("SKILL.md", "---\nname: forms\ndescription: \"Fill in: forms\"\n"
                                           "metadata:\n  version: 1.5\n  tags: [a, b]\n"
                                           "license: MIT\n---\n\nRead references/fields.md.\n"),
             GANTRY_SKILL_FILE("references/fields.md", "# Fields\n"),
             GANTRY_SKILL_FILE("references/deep/er.txt", "deeper"),
             GANTRY_SKILL_FILE("assets/blank form.bin", "\x00\x01\x02", .n = 3));

typedef struct {
    const char *path, *manifest, *file;
} skill_in;
static const gantry_arg skill_args[] = {
    GANTRY_ARG(skill_in, path, "Of the skill"),
    GANTRY_ARG(skill_in, manifest, "SKILL.md; without one the skill is taken back", .optional = 1),
    GANTRY_ARG(skill_in, file, "Contents of notes.txt", .optional = 1),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(skill, skill_in, "Sets or removes a skill")
{
    gantry_skill_file files[] = {
        {.path = "SKILL.md", .data = in->manifest},
        {.path = in->file ? "notes.txt" : NULL, .data = in->file},
        {.path = NULL},
    };
    gantry_skill s = {sizeof s, sizeof files[0], in->path, files};
    int rc = in->manifest ? gantry_set_skill(gantry_self(call), &s)
                          : gantry_remove_skill(gantry_self(call), in->path);
    return gantry_text(call, "%d", rc);
}

GANTRY_PLUGIN("subs", BUILD == 1 ? "1.0.0" : "2.0.0",
              .tools = GANTRY_TOOLS(&touch_tool, &touch_blocking_tool, &watched_tool,
                                    &extension_tool, &skill_tool),
              .resources = GANTRY_RESOURCES(&counter_resource, &plain_resource),
              .templates = GANTRY_TEMPLATES(&item_template, &place_template),
              .prompts = GANTRY_PROMPTS(&travel_prompt), .skills = GANTRY_SKILLS(&forms_skill),
              GANTRY_EXTENSIONS(GANTRY_EXTENSION("com.example/subs", "{\"a\":1}"),
                                GANTRY_EXTENSION("com.example/bare", NULL)));
