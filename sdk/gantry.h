/* gantry.h - the plugin interface of gantry, an MCP host runtime. ABI 0.9
 *
 * A plugin is one shared object that includes this header and exports one symbol. It links against
 * nothing: whatever it calls is reached through a table that the host hands over at load.
 *
 *     #include <gantry.h>
 *
 *     typedef struct { const char *name; int64_t times; } greet_in;
 *     static const gantry_arg greet_args[] = {
 *         GANTRY_ARG(greet_in, name, "Who to greet"),
 *         GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
 *         GANTRY_ARGS_END
 *     };
 *     GANTRY_TOOL(greet, greet_in, "Greet somebody by name") {
 *         return gantry_text(call, "Hello, %s!", in->name);
 *     }
 *     GANTRY_PLUGIN("hello", "1.0.0", .tools = GANTRY_TOOLS(&greet_tool));
 *
 * How a handler runs
 *   A handler is straight-line C. By default it runs as a coroutine on the host's loop thread: one
 *   at a time, never moved to another thread, so data of the plugin needs no lock between two
 *   awaits. Across a function tagged [awaits] anything of the same plugin may run: other calls,
 *   settings, start and stop of other instances. Hold no pointer into shared data across it, or
 *   take a gantry_mutex. A handler must not block the thread: blocking work goes to
 *   gantry_work(), or the whole handler says `.flags = GANTRY_BLOCKING` and runs on a worker
 *   thread, at the same time as others, with the same functions at its disposal.
 *   A coroutine has 256 KiB of stack. No longjmp, C++ exception or pthread_exit may leave a
 * handler, and no thread may outlive `stop`.
 *
 * Who owns what
 *   thing                                       owner   valid
 *   descriptors, tables, strings in them        plugin  from load to unload; the host copies them
 *   gantry_call *, `in`, strings behind it      host    until the handler returns, awaits included
 *   memory of gantry_alloc(), results of reads  call    same
 *   text, data, JSON passed to the host         plugin  copied before the function returns
 *   gantry_plugin *                             host    from `start` to the end of `stop`
 *
 * Results
 *   Functions return GANTRY_OK (0) or a negative GANTRY_E code. A handler returns GANTRY_OK, or the
 *   code of gantry_fail() (a failure on purpose: the client reads its message), or anything else
 *   (an accident: the client gets a correlation id, the log the details). Passing on the code of a
 *   failed host call is always right: `if ((rc = gantry_sleep(call, 10))) return rc;`.
 *
 * Tags: [call] in a handler or another function that got a gantry_call, on whichever thread it
 * runs · [awaits] may suspend the handler · [loop] in start, stop, save, restore and in handlers
 * that are not blocking · [middleware] in the body of a middleware · [around] likewise, and in the
 * function around a tool · [any] anywhere, any thread. A comment goes for all functions up to the
 * next one.
 *
 * Growth (for maintainers): append only, to structs, the host table and the constants; never
 * renumber or reuse; the zero of a new field means what was before; every struct that crosses the
 * line starts with its size, arrays carry a stride or are arrays of pointers; a changed meaning is
 * a new name. While the ABI is 0.x it may still break between minors; from 1.0 on it does not.
 */
#ifndef GANTRY_H
#define GANTRY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_ABI_MAJOR 0
#ifndef GANTRY_ABI_MINOR
#define GANTRY_ABI_MINOR 9
#endif

#define GANTRY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GANTRY_UNUSED __attribute__((unused))
#define GANTRY_HIDDEN __attribute__((visibility("hidden")))
#define GANTRY_EXPORT __attribute__((visibility("default")))

/* ---------------------------------------------------------------- opaque objects */

typedef struct gantry_call gantry_call;           /* one request being served */
typedef struct gantry_plugin gantry_plugin;       /* one loaded instance of a plugin */
typedef struct gantry_json gantry_json;           /* an immutable JSON value */
typedef struct gantry_builder gantry_builder;     /* a JSON value being made */
typedef struct gantry_mutex gantry_mutex;         /* a lock that may be held across awaits */
typedef struct gantry_semaphore gantry_semaphore; /* so many of something, to be waited for */
typedef struct gantry_buffer gantry_buffer;       /* where `save` writes */
typedef struct gantry_schedule gantry_schedule;   /* a timer or an interval of a plugin */
typedef struct gantry_metric gantry_metric;       /* a counter, gauge or histogram of a plugin */

/* ---------------------------------------------------------------- constants */

enum {
    GANTRY_OK = 0,
    GANTRY_EINVAL = -1,     /* an argument of the function is wrong */
    GANTRY_ENOTSUP = -2,    /* this host, client or situation cannot do it */
    GANTRY_ECANCELED = -3,  /* the call was cancelled: clean up and return */
    GANTRY_EFAILED = -4,    /* what gantry_fail() returns */
    GANTRY_ETOOBIG = -5,    /* over a limit */
    GANTRY_EBUSY = -6,      /* too much at once: try again later */
    GANTRY_ENOENT = -7,     /* no such thing; from a resource: "resource not found" */
    GANTRY_ETIMEDOUT = -8,  /* a deadline passed */
    GANTRY_EIO = -9,        /* the network or a device failed */
    GANTRY_EEXIST = -10,    /* the name is taken */
    GANTRY_EPERM = -11,     /* not allowed here or now */
    GANTRY_EDECLINED = -12, /* the person said no (MCP action "decline") */
    GANTRY_EDISMISSED = -13 /* the person closed the question without an answer ("cancel") */
};

/* RFC 5424 severities, as in MCP's LoggingLevel. */
enum {
    GANTRY_DEBUG = 0,
    GANTRY_INFO,
    GANTRY_NOTICE,
    GANTRY_WARNING,
    GANTRY_ERROR,
    GANTRY_CRITICAL,
    GANTRY_ALERT,
    GANTRY_EMERGENCY
};

/* Beside a level: something for the person at the client (`user_visible` in what it gets). */
enum { GANTRY_USER_VISIBLE = 0x100 };

/* `flags` of tools, resources, templates and prompts. */
enum {
    GANTRY_BLOCKING = 1, /* the handler blocks: run it on a worker thread, start to end */
    /* While it waits for an answer of its client the handler may be run again from its start, here
     * or by another process: what it did before must bear that, or be wrapped in gantry_once(). */
    GANTRY_REPLAY = 16,
    /* Tools only. Without these the operator decides (etc/gantry.yaml, schema). */
    GANTRY_STRICT_INPUT = 2,    /* arguments as they are: "5" is not read as 5 */
    GANTRY_OUTPUT_STRICT = 4,   /* structured output that does not fit its schema fails the call */
    GANTRY_OUTPUT_UNCHECKED = 8 /* structured output is not checked */
};

/* `flags` of a plugin. */
enum {
    GANTRY_EXCLUSIVE = 1, /* owns something only one can own (a port, a lock): the old generation is
                             stopped before the new one starts */
    GANTRY_KEEP_LOADED = 2 /* never unmap the code of an old generation */
};

/* Values of three-state hints; 0 says nothing. */
enum { GANTRY_NO = -1, GANTRY_YES = 1 };

/* `task` of a tool (extension io.modelcontextprotocol/tasks). With OPTIONAL each call of a client
 * that knows tasks is one from its start; with REQUIRED others are refused. With NEVER, the
 * default, a handler may still make its call one by gantry_become_task(); with DEFERRED, too, but
 * clients that do not know tasks are refused (a call that asks something first). */
enum {
    GANTRY_TASK_NEVER = 0,
    GANTRY_TASK_OPTIONAL = 1,
    GANTRY_TASK_REQUIRED = 2,
    GANTRY_TASK_DEFERRED = 3
};

/* Roles and audiences (MCP `Role`). */
enum { GANTRY_USER = 1, GANTRY_ASSISTANT = 2 };

/* `cache_scope` (MCP CacheableResult). */
enum { GANTRY_CACHE_PRIVATE = 0, GANTRY_CACHE_PUBLIC = 1 };

/* Client capabilities that a component can require (`requires`, a bit set). */
enum {
    GANTRY_CAP_ELICITATION = 1,     /* form mode */
    GANTRY_CAP_ELICITATION_URL = 2, /* URL mode */
    GANTRY_CAP_SAMPLING = 4,
    GANTRY_CAP_SAMPLING_TOOLS = 8,
    GANTRY_CAP_ROOTS = 16
};

/* JSON types as gantry_json_type() gives them; 0 for NULL. */
enum {
    GANTRY_JSON_NULL = 1,
    GANTRY_JSON_FALSE,
    GANTRY_JSON_TRUE,
    GANTRY_JSON_NUMBER,
    GANTRY_JSON_STRING,
    GANTRY_JSON_ARRAY,
    GANTRY_JSON_OBJECT
};

/* ---------------------------------------------------------------- argument tables */

/* Field types of an argument struct. `const char *` never contains NUL: an argument that does is
 * refused by name. A gantry_str may contain it. */
typedef struct {
    const char *p; /* NUL-terminated all the same */
    size_t n;      /* bytes */
} gantry_str;
typedef struct {
    bool set;
    int64_t value;
} gantry_opt_int;
typedef struct {
    bool set;
    double value;
} gantry_opt_num;
typedef struct {
    bool set;
    bool value;
} gantry_opt_bool;
typedef struct {
    size_t n;
    const char *const *v;
} gantry_strings;
typedef struct {
    size_t n;
    const int64_t *v;
} gantry_ints;
typedef struct {
    size_t n;
    const double *v;
} gantry_nums;
/* An array of structs: `GANTRY_ARRAY(point) points;`, described with GANTRY_ARG_ARRAY. */
#define GANTRY_ARRAY(T)                                                                            \
    struct {                                                                                       \
        size_t n;                                                                                  \
        const T *v;                                                                                \
    }

enum {
    GANTRY_T_STRING = 1, /* const char *          string */
    GANTRY_T_STR,        /* gantry_str            string */
    GANTRY_T_INT,        /* int64_t               integer */
    GANTRY_T_NUM,        /* double                number */
    GANTRY_T_BOOL,       /* bool                  boolean */
    GANTRY_T_OPT_INT,    /* gantry_opt_int        integer, may be missing */
    GANTRY_T_OPT_NUM,    /* gantry_opt_num        number, may be missing */
    GANTRY_T_OPT_BOOL,   /* gantry_opt_bool       boolean, may be missing */
    GANTRY_T_STRINGS,    /* gantry_strings        array of strings */
    GANTRY_T_INTS,       /* gantry_ints           array of integers */
    GANTRY_T_NUMS,       /* gantry_nums           array of numbers */
    GANTRY_T_JSON,       /* const gantry_json *   anything; NULL if missing */
    GANTRY_T_OBJECT,     /* a nested struct       object; `fields` describes it */
    GANTRY_T_ARRAY       /* GANTRY_ARRAY(T)       array of objects; `fields`, `elem_size` */
};

/* One row describes one field of a C struct. Made with GANTRY_ARG, GANTRY_ARG_OBJECT and
 * GANTRY_ARG_ARRAY. The same table serves tool input, structured output,
 * prompt arguments, template variables and settings; the host derives the JSON Schema from it,
 * checks what comes, and fills the struct. Tables end with GANTRY_ARGS_END. A field is required
 * unless it has a default, is of an opt type, or says `.optional = 1` (then it is zero). */
typedef struct gantry_arg {
    const char *name;                /* JSON name; the macros take that of the field */
    const char *description;         /* for people and models */
    uint32_t type;                   /* GANTRY_T_ constant */
    uint32_t offset;                 /* of the field in the struct, bytes */
    const struct gantry_arg *fields; /* OBJECT, ARRAY: table of the (element) struct */
    uint32_t elem_size;              /* ARRAY: bytes of one element */
    uint32_t optional;               /* not 0: may be missing */
    struct {
        double min, max;
    } range; /* numbers: inclusive; {0, 0} is none; an open end is +-GANTRY_INFINITY */
    struct {
        uint32_t min, max;
    } length;                  /* strings: code points; arrays: elements; max 0 is none */
    const char *pattern;       /* strings: ECMA-262 regular expression */
    const char *format;        /* strings: JSON Schema format name */
    const char *const *one_of; /* strings: allowed values, NULL-terminated */
    const char *const *titles; /* names of the one_of values for people, same order */
    const char *default_json;  /* the value when it is missing, as JSON text */
    const char *title;         /* name for people */
    const char *header;        /* mirrored in the header Mcp-Param-{header} (x-mcp-header) */
    const char *schema_json; /* JSON object whose keywords are merged into the property's schema */
} gantry_arg;

#define GANTRY_INFINITY __builtin_huge_val()

/* ---------------------------------------------------------------- components */

/* MCP Icon. Made with GANTRY_ICON. */
typedef struct gantry_icon {
    uint32_t size;
    uint32_t reserved;
    const char *src;       /* https: or data: URI */
    const char *mime_type; /* may be NULL */
    const char *sizes;     /* "48x48 96x96" or "any"; may be NULL */
    const char *theme;     /* "light", "dark" or NULL */
} gantry_icon;

/* MCP Annotations of a resource or a piece of content. Made with GANTRY_ANNOTATIONS. */
typedef struct gantry_annotations {
    uint32_t size;
    uint32_t audience;         /* GANTRY_USER | GANTRY_ASSISTANT; 0 says nothing */
    gantry_opt_num priority;   /* 0 least .. 1 most important */
    const char *last_modified; /* ISO 8601; may be NULL */
} gantry_annotations;

/* Handlers. `in` points to a filled struct of the component's table (NULL if it has none).
 * [coroutine on the loop, or a worker if GANTRY_BLOCKING] Returns GANTRY_OK or a negative code. */
typedef int (*gantry_run_fn)(gantry_call *call, const void *in);
/* Suggests values for one argument: calls gantry_suggest() for each, best first. `value` is what
 * has been typed so far. [coroutine on the loop] */
typedef int (*gantry_complete_fn)(gantry_call *call, const char *argument, const char *value);

/* Fields all kinds have in common: `data` is the author's, read with gantry_data(); `free_data` is
 * called once, on the loop, when the component is gone and no call uses it any more. `meta_json` is
 * a JSON object shown as `_meta`. `tags` are for filters of the operator. `requires` refuses the
 * call early when the client lacks a capability. */

/* A tool. Made with GANTRY_TOOL. Names: 1 to 128 of A-Z a-z 0-9 _ - . */
typedef struct gantry_tool {
    uint32_t size;
    uint16_t arg_size; /* stride of all argument tables reached from here */
    uint16_t reserved;
    const char *name, *description;
    const gantry_arg *args; /* NULL: none, or input_schema_json */
    uint32_t in_size;       /* bytes of the input struct */
    uint32_t flags;
    gantry_run_fn run;
    const char *title;
    const gantry_arg *output; /* structured output (GANTRY_OUTPUT); NULL: none, or as JSON below */
    uint32_t output_size;
    uint32_t timeout_ms;            /* 0: the host's limit */
    const char *input_schema_json;  /* instead of args: a JSON Schema; the handler reads
                                       gantry_arguments() */
    const char *output_schema_json; /* instead of output */
    int8_t read_only, destructive, idempotent, open_world; /* MCP ToolAnnotations, GANTRY_YES/_NO */
    uint32_t requires;
    const gantry_icon *const *icons;
    const char *const *tags;
    const char *meta_json, *version;
    void *data;
    void (*free_data)(void *data);
    uint32_t task; /* GANTRY_TASK_: may its calls become tasks? since 0.3 */
    uint32_t reserved2;
} gantry_tool;

/* A resource with a fixed URI. Made with GANTRY_RESOURCE. The handler adds contents with
 * gantry_text() or gantry_blob(); they carry the resource's URI and MIME type. */
typedef struct gantry_resource {
    uint32_t size;
    uint32_t flags;
    const char *uri, *name, *description;
    gantry_run_fn read; /* in is NULL */
    const char *title, *mime_type;
    int64_t byte_size; /* 0: not known */
    const gantry_annotations *annotations;
    uint32_t timeout_ms, requires;
    const gantry_icon *const *icons;
    const char *const *tags;
    const char *meta_json, *version;
    int64_t ttl_ms;       /* how long a client may keep the contents */
    uint32_t cache_scope; /* GANTRY_CACHE_ */
    uint32_t reserved;
    void *data;
    void (*free_data)(void *data);
} gantry_resource;

/* A family of resources: `files:///{path*}`. Made with GANTRY_TEMPLATE. `{x}` is one path segment
 * (or a part of one), `{x*}` one or more segments, `{?a,b}` optional query parameters. Each
 * variable is a row of the table; values arrive decoded, and a `{x}` never holds a slash, `.` or
 * `..`. */
typedef struct gantry_template {
    uint32_t size;
    uint16_t arg_size, reserved;
    const char *uri_template, *name, *description;
    const gantry_arg *args;
    uint32_t in_size, flags;
    gantry_run_fn read;
    gantry_complete_fn complete; /* may be NULL */
    const char *title, *mime_type;
    const gantry_annotations *annotations;
    uint32_t timeout_ms, requires;
    const gantry_icon *const *icons;
    const char *const *tags;
    const char *meta_json, *version;
    int64_t ttl_ms;
    uint32_t cache_scope, reserved2;
    void *data;
    void (*free_data)(void *data);
} gantry_template;

/* A prompt. Made with GANTRY_PROMPT. On the wire arguments are strings; the table may ask for other
 * types, which are then read from the string as JSON. The handler adds messages. */
typedef struct gantry_prompt {
    uint32_t size;
    uint16_t arg_size, reserved;
    const char *name, *description;
    const gantry_arg *args;
    uint32_t in_size, flags;
    gantry_run_fn render;
    gantry_complete_fn complete; /* may be NULL */
    const char *title;
    uint32_t timeout_ms, requires;
    const gantry_icon *const *icons;
    const char *const *tags;
    const char *meta_json, *version;
    void *data;
    void (*free_data)(void *data);
} gantry_prompt;

/* ---------------------------------------------------------------- tools made from tools */

/* What becomes of one argument of the parent. Made with GANTRY_CHANGE, or, where the name is none
 * in C, as {.arg = "max-results", ...}; what a row does not set
 * stays as it is. A table ends with GANTRY_CHANGES_END. */
typedef struct gantry_change {
    const char *arg;         /* its name in the parent */
    const char *name;        /* its new name */
    const char *title;       /* "" takes it away */
    const char *description; /* likewise */
    /* The value when it is missing, as JSON text; with hide: the value. What has one is optional.
     */
    const char *default_json;
    /* Hidden arguments only: where each call takes the value from. "uuid" (a new one, version 4),
     * "now" (RFC 3339, UTC), "env:VAR", "scope:VARIABLE" (gantry_set_text and others), "principal",
     * or "secret:NAME" (the operator's, etc/gantry.yaml). */
    const char *source;
    /* A JSON Schema object. With a keyword that says what values there are (type, enum, const,
     * anyOf, ...) it takes the place of the parent's, of which the words stay; without one its
     * keywords are put on top. It may only narrow: the parent checks as well. */
    const char *schema_json;
    const char *examples_json; /* a JSON array */
    uint32_t hide;             /* not 0: clients do not see it and cannot give it */
    uint32_t required;         /* not 0: it must be given, whatever default the parent has */
} gantry_change;

/* A tool made from another one, its parent: a plain one passes its arguments on, one with `run` is
 * a function around it. Made with GANTRY_TOOL_FROM and GANTRY_TOOL_AROUND, and at run time with
 * GANTRY_FROM. Fields that are NULL or
 * 0 are as the parent has them; for texts "" takes away. The parent is looked for by name: among
 * the tools of this plugin first, then among those of all others. It may be made from a tool
 * itself. While there is none, there is no such tool either; when the parent is reloaded, this one
 * is made anew. */
typedef struct gantry_from {
    uint32_t size;
    uint16_t change_size; /* stride of changes */
    uint16_t arg_size;    /* stride of args and output */
    const char *name, *parent;
    const char *description;
    const gantry_change *changes; /* NULL: none */
    /* A function around the parent; NULL: none. It reads gantry_arguments(call), or `in`, filled
     * from the rows of args: those whose name is an argument of the tool take the place of its
     * schema, others are arguments of the function alone. [coroutine on the loop] */
    gantry_run_fn run;
    const gantry_arg *args; /* NULL: none */
    uint32_t in_size;
    uint32_t
        flags; /* GANTRY_STRICT_INPUT, _OUTPUT_STRICT, _OUTPUT_UNCHECKED; with run GANTRY_REPLAY */
    const char *title;
    const gantry_arg *output; /* structured output of its own */
    uint32_t output_size;
    uint32_t timeout_ms;
    const char *output_schema_json; /* the same as JSON; "" : none, whatever the parent has */
    int8_t read_only, destructive, idempotent, open_world;
    uint32_t requires; /* besides those of the parent */
    const gantry_icon *const *icons;
    const char *const *tags; /* an empty list takes them away */
    const char *meta_json, *version;
    /* The only principal that sees it; NULL: all. A name may be there once for each principal. */
    const char *principal;
    void *data; /* gantry_data() in run */
    void (*free_data)(void *data);
    uint32_t task; /* with run: GANTRY_TASK_ */
    uint32_t reserved;
} gantry_from;

/* ---------------------------------------------------------------- transforms of lists */

/* What transforms do, in the order that `gantry inspect` shows: first those of plugins, by
 * priority, instance and the order in which they were added, then those of the operator
 * (etc/gantry.yaml, transforms). Each sees what the one before has made. */
enum {
    GANTRY_TRANSFORM_NAMESPACE = 1, /* prefix before names, in the path of URIs */
    GANTRY_TRANSFORM_RENAME,        /* names of tools and prompts, URIs of resources, by table */
    GANTRY_TRANSFORM_ENABLE,        /* what it matches is there; of several rules the last counts */
    GANTRY_TRANSFORM_DISABLE,       /* what it matches is not there: not listed, not found */
    GANTRY_TRANSFORM_ONLY,          /* what it matches is there, all else of these kinds is not */
    /* list_prompts and get_prompt, list_resources and read_resource: for clients that know only
     * tools. */
    GANTRY_TRANSFORM_PROMPTS_AS_TOOLS,
    GANTRY_TRANSFORM_RESOURCES_AS_TOOLS,
    /* search_tools and call_tool in the list, and no others but `always`: for hosts with hundreds
     * of tools. Those that are not listed can be called all the same. */
    GANTRY_TRANSFORM_SEARCH
};

/* What a predicate is asked about: a component as it is at this point of the order. */
typedef struct gantry_component {
    uint32_t size;
    uint32_t kind;               /* GANTRY_KIND_ */
    const char *name;            /* of a resource its URI, of a template its text */
    const char *title, *version; /* may be NULL */
    const char *plugin;          /* the instance it is of; NULL: the host */
    const char *const *tags;     /* NULL-terminated; NULL: none */
} gantry_component;

/* Made with GANTRY_RENAMES. */
typedef struct gantry_rename {
    const char *from, *to; /* a table ends with from NULL */
} gantry_rename;

/* A transform of the lists as a whole. Made with GANTRY_TRANSFORM(DISABLE, "name", options). What
 * it concerns: of each list that is given a component must be in one; all NULL and 0: everything
 * (ENABLE, DISABLE and ONLY must say so: by kinds, or by a function). "NAME*" means all names that
 * begin so. */
typedef struct gantry_transform {
    uint32_t size;
    uint32_t type;    /* GANTRY_TRANSFORM_ */
    const char *name; /* in gantry inspect, and to remove it by */
    int32_t priority; /* lower acts earlier */
    uint32_t kinds;   /* 1u << GANTRY_KIND_, a bit set */
    const char *const *names, *const *tags, *const *plugins, *const *versions; /* NULL-terminated */
    /* ENABLE, DISABLE, ONLY: the rule is for these principals only; for others it is not there. */
    const char *const *principals;
    /* Likewise: asked besides, for each component and principal (NULL: nobody is known). Lists are
     * kept: it depends on nothing else but what gantry_transforms_changed() tells of, and never
     * awaits. [loop] */
    bool (*concerns)(const gantry_component *component, const char *principal, void *data);
    const char *prefix;           /* NAMESPACE: A-Z a-z 0-9 _ - */
    const gantry_rename *renames; /* RENAME */
    const char *const *always;    /* SEARCH: listed all the same; "NAME*" */
    uint32_t max_results;         /* SEARCH: 0: 5; 100 at most */
    uint32_t rename_size;         /* stride of renames */
    void *data;
    void (*free_data)(void *data);
} gantry_transform;

/* ---------------------------------------------------------------- values, variables, fields */

enum {
    GANTRY_VALUE_TEXT = 1, /* const char *; NULL is null */
    GANTRY_VALUE_INT,
    GANTRY_VALUE_NUM,
    GANTRY_VALUE_BOOL,
    GANTRY_VALUE_JSON,   /* NULL is null */
    GANTRY_VALUE_POINTER /* variables only */
};

/* One value of a variable or of a log field. Made with GANTRY_VALUE(x), or by the functions below.
 */
typedef struct gantry_value {
    uint32_t type; /* GANTRY_VALUE_; 0: nothing */
    uint32_t reserved;
    union {
        const char *text;
        int64_t integer;
        double number;
        const gantry_json *json;
        void *pointer;
    } as;
} gantry_value;

static inline gantry_value gantry_value_text(const char *v)
{
    gantry_value r = {GANTRY_VALUE_TEXT, 0, {0}};
    r.as.text = v;
    return r;
}
static inline gantry_value gantry_value_int(int64_t v)
{
    gantry_value r = {GANTRY_VALUE_INT, 0, {0}};
    r.as.integer = v;
    return r;
}
static inline gantry_value gantry_value_size(uint64_t v)
{
    gantry_value r = {GANTRY_VALUE_INT, 0, {0}};
    r.as.integer = v > INT64_MAX ? INT64_MAX : (int64_t)v;
    return r;
}
static inline gantry_value gantry_value_itself(gantry_value v)
{
    return v;
}
static inline gantry_value gantry_value_num(double v)
{
    gantry_value r = {GANTRY_VALUE_NUM, 0, {0}};
    r.as.number = v;
    return r;
}
static inline gantry_value gantry_value_bool(bool v)
{
    gantry_value r = {GANTRY_VALUE_BOOL, 0, {0}};
    r.as.integer = v;
    return r;
}
static inline gantry_value gantry_value_json(const gantry_json *v)
{
    gantry_value r = {GANTRY_VALUE_JSON, 0, {0}};
    r.as.json = v;
    return r;
}
static inline gantry_value gantry_value_pointer(void *v)
{
    gantry_value r = {GANTRY_VALUE_POINTER, 0, {0}};
    r.as.pointer = v;
    return r;
}

/* A request-scoped variable, as Python's ContextVar: set by a middleware or a handler, read
 * anywhere below it, gone when the call ends. Declare it once, at file scope:
 *
 *     static const gantry_var current_user = GANTRY_VAR("current_user", GANTRY_VALUE_TEXT,
 *                                                       .flags = GANTRY_VAR_LOGGED);
 *
 * Plugins that declare a variable of the same name and type share it; a type that differs is
 * GANTRY_EINVAL. Pointers are never shared: each generation of a plugin has its own.
 * What a call sets is seen by its middleware and its handler; a call that a handler makes
 * (gantry_call_tool) and background work inherit all, and what they set stays theirs. */
typedef struct gantry_var {
    uint32_t size;
    uint32_t type;            /* GANTRY_VALUE_ */
    uint32_t flags, reserved; /* GANTRY_VAR_ */
    const char *name;         /* 1 to 128 bytes */
    /* Pointers: called once for each value that was set (NULL has no end), last set first, after
     * the answer, when the call and all that inherited it have ended; also for values that were
     * replaced. May be NULL. [loop] */
    void (*destroy)(void *value);
} gantry_var;

enum {
    GANTRY_VAR_LOGGED = 1, /* every log line of the call carries it (see also gantry_bind) */
    GANTRY_VAR_NESTED = 2, /* a pointer that nested calls inherit */
    GANTRY_VAR_SPAWNED = 4 /* a pointer that background work inherits: it may outlive the call */
};

#define GANTRY_VAR(name_, ...)                                                                     \
    {                                                                                              \
        .size = sizeof(gantry_var), .name = (name_), .type = __VA_ARGS__                           \
    }

/* A field of a log line, or a member of an object. Lists end with key NULL: GANTRY_FIELDS("table",
 * name, "rows", n). */
typedef struct gantry_field {
    const char *key;
    gantry_value value;
} gantry_field;

/* ---------------------------------------------------------------- middleware */

/* What a middleware is called around: a bit set. Each request is one of the specific ones at most;
 * MESSAGE is all requests and notifications, REQUEST all requests. */
enum {
    GANTRY_ON_CALL_TOOL = 1u << 0,
    GANTRY_ON_READ_RESOURCE = 1u << 1,
    GANTRY_ON_GET_PROMPT = 1u << 2,
    GANTRY_ON_COMPLETE = 1u << 3,
    GANTRY_ON_LIST_TOOLS = 1u << 4,
    GANTRY_ON_LIST_RESOURCES = 1u << 5,
    GANTRY_ON_LIST_RESOURCE_TEMPLATES = 1u << 6,
    GANTRY_ON_LIST_PROMPTS = 1u << 7,
    GANTRY_ON_INITIALIZE = 1u << 8,    /* revisions up to 2025-11-25 */
    GANTRY_ON_DISCOVER = 1u << 9,      /* from 2026-07-28 on */
    GANTRY_ON_NOTIFICATION = 1u << 10, /* from the client, but for cancellations */
    GANTRY_ON_REQUEST = 1u << 11,
    GANTRY_ON_MESSAGE = 1u << 12
};

/* A function around calls, in onion order. Made with GANTRY_MIDDLEWARE. Its body is straight-line C
 * around gantry_next(), which may be called once, again (a retry) or not at all (an answer of its
 * own, or a refusal). It runs as a coroutine on the loop, whatever the handler is; its own blocking
 * work goes to gantry_work(). Calls that a handler makes itself (gantry_call_tool) pass it as well:
 * gantry_depth() tells. Across gantry_next() anything of the same plugin may run. */
typedef struct gantry_middleware {
    uint32_t size;
    int32_t priority; /* lower is further out; ties: by instance, then in the order declared */
    uint32_t hooks;   /* GANTRY_ON_ */
    uint32_t flags;   /* GANTRY_NO_PARK */
    const char *name;
    int (*run)(gantry_call *call);
    const char *const *tags; /* only around components that have one of them; NULL: all */
    void *data;              /* gantry_data() in run */
    void (*free_data)(void *data);
    /* since 0.3: a call that it is around waits for an answer of its client, maybe for minutes and
     * with nobody connected; goes on. Not called where the call ends instead. gantry_data() and
     * variables work, nothing that awaits. May be NULL. [loop] */
    void (*on_park)(gantry_call *call);
    void (*on_resume)(gantry_call *call);
} gantry_middleware;

/* `flags` of a middleware: what it holds cannot be kept while a client thinks (a transaction). A
 * call that would wait unwinds instead, and runs again with the answer (GANTRY_REPLAY), or cannot
 * ask. */
enum { GANTRY_NO_PARK = 1 };

/* What became of what gantry_next() ran. */
enum {
    GANTRY_OUTCOME_NONE = 0,      /* it has not run */
    GANTRY_OUTCOME_RESULT = 1,    /* there is a result */
    GANTRY_OUTCOME_FAILED = 2,    /* it failed on purpose: gantry_failure() */
    GANTRY_OUTCOME_INVALID = 3,   /* the arguments did not fit: gantry_failure() lists why */
    GANTRY_OUTCOME_NOT_FOUND = 4, /* no such resource */
    GANTRY_OUTCOME_ACCIDENT = 5,  /* it failed by accident: the log says why */
    GANTRY_OUTCOME_TIMEOUT = 6,   /* the deadline passed */
    GANTRY_OUTCOME_BUSY = 7,
    GANTRY_OUTCOME_CANCELED = 8
};

/* ---------------------------------------------------------------- background work */

/* Work that goes on without a client. Made with GANTRY_BACKGROUND. */
typedef struct gantry_background {
    uint32_t size;
    uint32_t flags;      /* GANTRY_BLOCKING */
    uint32_t timeout_ms; /* 0: the host's limit for background work */
    uint32_t reserved;
    const char *name; /* in logs */
    int (*run)(gantry_call *call, void *arg);
    void *arg;
    void (*free_arg)(void *arg); /* called once, on the loop, also if it never ran; may be NULL */
} gantry_background;

#define GANTRY_BACKGROUND(name_, run_, ...)                                                        \
    (&(const gantry_background){                                                                   \
        .size = sizeof(gantry_background), .name = (name_), .run = (run_), .arg = __VA_ARGS__})

/* ---------------------------------------------------------------- metrics */

enum { GANTRY_COUNTER = 1, GANTRY_GAUGE, GANTRY_HISTOGRAM };

/* A metric of a plugin. Its name on the page is "gantry_plugin_INSTANCE_NAME" (counters end in
 * _total); names and labels as Prometheus has them. Made with GANTRY_METRIC. */
typedef struct gantry_metric_spec {
    uint32_t size;
    uint32_t type; /* GANTRY_COUNTER, ... */
    const char *name, *help;
    const char *const *labels; /* names, NULL-terminated; at most 4; may be NULL */
    const double *buckets; /* histograms: upper bounds, growing; NULL: those of call durations */
    uint32_t bucket_count;
    uint32_t
        max_series; /* combinations of label values; what comes later counts as "other"; 0: 100 */
} gantry_metric_spec;

#define GANTRY_METRIC(type_, name_, ...)                                                           \
    (&(const gantry_metric_spec){.size = sizeof(gantry_metric_spec),                               \
                                 .type = (type_),                                                  \
                                 .name = (name_),                                                  \
                                 .help = __VA_ARGS__})

/* ---------------------------------------------------------------- asking the client */

/* What is asked for: a struct described by a table (strings, numbers, booleans, choices with
 * GANTRY_ONE_OF, and gantry_strings for several of them; nothing nested, as MCP's forms have it),
 * or a schema as JSON. Made with GANTRY_FORM and GANTRY_FORM_JSON. */
typedef struct gantry_form {
    uint32_t size;
    uint16_t arg_size, reserved;
    const gantry_arg *args;
    uint32_t in_size, reserved2;
    const char *schema_json; /* instead of args: a requestedSchema */
} gantry_form;

enum { GANTRY_TOOLS_AUTO = 0, GANTRY_TOOLS_REQUIRED = 1, GANTRY_TOOLS_NONE = 2 };
enum { GANTRY_CONTEXT_NONE = 0, GANTRY_CONTEXT_THIS_SERVER = 1, GANTRY_CONTEXT_ALL_SERVERS = 2 };

/* What a model of the client is asked (MCP CreateMessageRequest). Made with GANTRY_SAMPLING. */
typedef struct gantry_sampling {
    uint32_t size;
    uint32_t max_tokens;              /* 0: 1,024 */
    const char *prompt;               /* one message of the user; or messages */
    const gantry_json *messages;      /* an array of MCP SamplingMessage */
    const char *system_prompt;        /* may be NULL */
    const char *const *models;        /* hints, best first; NULL-terminated; may be NULL */
    double cost, speed, intelligence; /* priorities, 0 (says nothing) to 1 */
    gantry_opt_num temperature;
    const char *const *stop_sequences; /* NULL-terminated; may be NULL */
    uint32_t context;                  /* GANTRY_CONTEXT_ */
    uint32_t tool_choice;              /* GANTRY_TOOLS_ */
    const char *const *tools;          /* names of this host's tools; NULL-terminated */
    const gantry_json *tools_json;     /* instead: an array of MCP Tool */
    const gantry_json *metadata;       /* for the provider; an object */
} gantry_sampling;

/* What the model said: `gantry_sampled said;`, filled in. Lives as long as the call. */
typedef struct gantry_sampled {
    uint32_t size;                   /* filled in by the functions below */
    uint32_t role;                   /* GANTRY_ASSISTANT, usually */
    const char *text;                /* all its pieces of text, one a line; "" if there is none */
    const char *model, *stop_reason; /* stop_reason may be NULL */
    const gantry_json *content;      /* an array, also of one block */
    const gantry_json *result;       /* all of it */
} gantry_sampled;

typedef struct gantry_root {
    const char *uri;  /* file://... */
    const char *name; /* may be NULL */
} gantry_root;
typedef struct gantry_roots_list {
    uint32_t size; /* filled in by the functions below */
    uint32_t count;
    const gantry_root *v;
} gantry_roots_list;

enum { GANTRY_ASK_FORM = 1, GANTRY_ASK_URL, GANTRY_ASK_SAMPLE, GANTRY_ASK_ROOTS };

/* One question to the client, and its answer. Made with GANTRY_ASK, or by the functions below;
 * several at once go through gantry_ask_all(). */
typedef struct gantry_ask {
    uint32_t size;
    uint32_t kind;           /* GANTRY_ASK_ */
    const char *key;         /* names it on the wire and in a replay: 1 to 128 bytes, the same in
                                every run; asked again it becomes key-2, key-3, ... */
    const char *message;     /* form, URL: what the person reads */
    const gantry_form *form; /* NULL: yes or no */
    void *answer; /* form: filled if accepted. Of a table: its struct, strings in memory of
                     the call; of a schema: a const gantry_json *. May be NULL */
    const char *url;
    const gantry_sampling *sampling;
    gantry_sampled *sampled;  /* filled */
    gantry_roots_list *roots; /* filled */
    /* the outcome */
    int32_t rc; /* GANTRY_OK, _EDECLINED, _EDISMISSED, or why there is no answer */
    uint32_t reserved;
    const gantry_json *result; /* the client's answer as it came; NULL if there is none */
} gantry_ask;

/* ---------------------------------------------------------------- tasks */

/* Made with GANTRY_TASK_OPTIONS. */
typedef struct gantry_task_options {
    uint32_t size;
    uint32_t poll_ms;    /* how often the client should look; 0: the host's */
    uint64_t ttl_ms;     /* how long it and its result are kept; 0: the host's */
    const char *message; /* its first status message; may be NULL */
} gantry_task_options;

/* ---------------------------------------------------------------- skills */

/* One file of a skill. Made with GANTRY_SKILL_FILE. */
typedef struct gantry_skill_file {
    const char *path; /* below the skill: "SKILL.md", "references/forms.md"; NULL ends the files */
    const void *data;
    size_t n;              /* 0: data is text that ends with NUL */
    const char *mime_type; /* NULL: by how the path ends */
} gantry_skill_file;

/* A skill (extension io.modelcontextprotocol/skills): a folder of files with a SKILL.md that begins
 * with YAML front matter, `name` and `description` at least. Each file is served as a resource,
 * skill://PATH/FILE; the host answers skills/list, skills/get and resources/directory/read. Made
 * with GANTRY_SKILL. */
typedef struct gantry_skill {
    uint32_t size;
    uint32_t file_size; /* stride of files */
    const char *path;   /* "pdf-processing", "acme/billing/refunds": the last part is its name */
    const gantry_skill_file *files;
} gantry_skill;

/* ---------------------------------------------------------------- HTTP client */

/* Made with GANTRY_HTTP_REQUEST. */
typedef struct gantry_http_request {
    uint32_t size;
    uint32_t timeout_ms;        /* 0: 30 s; never beyond the call's deadline */
    const char *method;         /* NULL: GET, or POST with a body */
    const char *url;            /* http: or https: */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;
    size_t body_size;
    uint32_t max_response;  /* bytes; 0: 8 MiB */
    uint32_t max_redirects; /* 0: redirects are returned, not followed */
} gantry_http_request;

typedef struct gantry_http_response {
    uint32_t size;
    int32_t status;   /* 200 */
    const char *body; /* NUL-terminated */
    size_t body_size;
    const char *const *headers; /* "name: value", names in lower case, NULL-terminated */
    const char *url;            /* after redirects */
} gantry_http_response;

#define GANTRY_HTTP_REQUEST(...)                                                                   \
    (&(const gantry_http_request){.size = sizeof(gantry_http_request), __VA_ARGS__})

/* ---------------------------------------------------------------- the host table */

/* What the host offers. Use the functions below, which call it. Append only. */
typedef struct gantry_host {
    uint32_t size; /* sizeof at the host's build time */
    uint16_t abi_major, abi_minor;

    /* content */
    int (*textv)(gantry_call *, const char *fmt, va_list ap);
    int (*text_add)(gantry_call *, const char *text, size_t n);
    int (*data_add)(gantry_call *, uint32_t kind, const void *data, size_t n, const char *mime);
    int (*embed)(gantry_call *, const char *uri, const char *mime, const void *data, size_t n,
                 uint32_t is_text);
    int (*link)(gantry_call *, const char *uri, const char *name, const char *mime,
                const char *description);
    int (*annotate)(gantry_call *, const gantry_annotations *);
    int (*role)(gantry_call *, uint32_t role);
    int (*structured)(gantry_call *, const void *value);
    int (*structured_json)(gantry_call *, const gantry_json *value);
    int (*result_meta)(gantry_call *, const char *key, const gantry_json *value);
    int (*failv)(gantry_call *, const char *fmt, va_list ap);
    int (*suggest)(gantry_call *, const char *value);
    int (*suggest_total)(gantry_call *, int64_t total);

    /* while it runs */
    void (*logv)(gantry_call *, uint32_t level, const char *fmt, va_list ap);
    int (*progress)(gantry_call *, double done, double total, const char *message);
    int (*sleep)(gantry_call *, uint32_t ms);
    int (*cancelled)(gantry_call *);
    int (*shield)(gantry_call *, uint32_t ms);
    int (*work)(gantry_call *, int (*fn)(void *arg), void *arg);
    gantry_mutex *(*mutex_new)(gantry_plugin *);
    void (*mutex_free)(gantry_mutex *);
    int (*lock)(gantry_call *, gantry_mutex *);
    void (*unlock)(gantry_call *, gantry_mutex *);
    int (*http)(gantry_call *, const gantry_http_request *, const gantry_http_response **ret);
    int (*call_tool)(gantry_call *, const char *name, const gantry_json *arguments,
                     const gantry_json **ret_result);
    int (*read_resource)(gantry_call *, const char *uri, const gantry_json **ret_result);

    /* memory */
    void *(*alloc)(gantry_call *, size_t n);
    char *(*formatv)(gantry_call *, const char *fmt, va_list ap);

    /* the request */
    void *(*data)(gantry_call *);
    gantry_plugin *(*self)(gantry_call *);
    const char *(*uri)(gantry_call *);
    const char *(*header)(gantry_call *, const char *name);
    const gantry_json *(*params)(gantry_call *);
    const gantry_json *(*arguments)(gantry_call *);
    const gantry_json *(*request_meta)(gantry_call *);
    const char *(*info)(gantry_call *, uint32_t what);
    int (*can)(gantry_call *, uint32_t capability);

    /* JSON */
    int (*json_type)(const gantry_json *);
    size_t (*json_count)(const gantry_json *);
    const gantry_json *(*json_get)(const gantry_json *object, const char *name);
    const gantry_json *(*json_at)(const gantry_json *array, size_t index);
    const gantry_json *(*json_next)(const gantry_json *parent, const gantry_json *prev);
    const char *(*json_name)(const gantry_json *member, size_t *ret_n);
    const char *(*json_string)(const gantry_json *, size_t *ret_n);
    int (*json_int)(const gantry_json *, int64_t *ret);
    int (*json_num)(const gantry_json *, double *ret);
    const gantry_json *(*json_parse)(gantry_call *, const char *text, size_t n);
    const char *(*json_print)(gantry_call *, const gantry_json *);
    gantry_builder *(*builder_new)(gantry_call *);
    int (*builder_open)(gantry_builder *, const char *name, uint32_t type);
    int (*builder_close)(gantry_builder *);
    int (*builder_string)(gantry_builder *, const char *name, const char *s, size_t n);
    int (*builder_int)(gantry_builder *, const char *name, int64_t v);
    int (*builder_num)(gantry_builder *, const char *name, double v);
    int (*builder_word)(gantry_builder *, const char *name, uint32_t type);
    int (*builder_json)(gantry_builder *, const char *name, const gantry_json *v);
    const gantry_json *(*builder_end)(gantry_builder *);

    /* the plugin */
    const void *(*settings)(gantry_plugin *);
    const char *(*instance)(gantry_plugin *);
    void (*set_state)(gantry_plugin *, void *state);
    void *(*state)(gantry_plugin *);
    void (*plugin_logv)(gantry_plugin *, uint32_t level, const char *fmt, va_list ap);
    int (*buffer_add)(gantry_buffer *, const void *data, size_t n);
    int (*add_tool)(gantry_plugin *, const gantry_tool *);
    int (*add_resource)(gantry_plugin *, const gantry_resource *);
    int (*add_template)(gantry_plugin *, const gantry_template *);
    int (*add_prompt)(gantry_plugin *, const gantry_prompt *);
    int (*remove)(gantry_plugin *, uint32_t kind, const char *name);

    /* since 0.2: scope */
    gantry_call *(*current)(void);
    int (*var_set)(gantry_call *, const gantry_var *, const gantry_value *);
    int (*var_get)(gantry_call *, const gantry_var *, gantry_value *ret);
    int (*var_unset)(gantry_call *, const gantry_var *);
    int (*var_bind)(gantry_call *, const gantry_var *);
    int (*depth)(gantry_call *);

    /* state across calls */
    int (*handle_new)(gantry_call *, const char **ret_handle);
    int (*state_get)(gantry_call *, const char *handle, const char *key, const gantry_json **ret);
    int (*state_set)(gantry_call *, const char *handle, const char *key, const gantry_json *value);
    int (*state_delete)(gantry_call *, const char *handle, const char *key);

    /* middleware */
    int (*add_middleware)(gantry_plugin *, const gantry_middleware *);
    int (*next)(gantry_call *);
    int (*outcome)(gantry_call *);
    const char *(*failure)(gantry_call *);
    const gantry_json *(*result)(gantry_call *);
    int (*set_result)(gantry_call *, const gantry_json *result);
    int (*set_arguments)(gantry_call *, const gantry_json *arguments);
    int (*refusev)(gantry_call *, int code, const char *fmt, va_list ap);
    int (*set_timeout)(gantry_call *, uint32_t ms);
    int (*has_tag)(gantry_call *, const char *tag);

    /* background work */
    int (*spawn)(gantry_call *, const gantry_background *);
    gantry_schedule *(*schedule)(gantry_plugin *, const gantry_background *, uint32_t after_ms,
                                 uint32_t every_ms);
    void (*schedule_stop)(gantry_schedule *);

    /* logging */
    void (*log_withv)(gantry_call *, uint32_t level, const char *category,
                      const gantry_field *fields, const char *fmt, va_list ap);
    void (*plugin_log_withv)(gantry_plugin *, uint32_t level, const char *category,
                             const gantry_field *fields, const char *fmt, va_list ap);
    int (*log_enabled)(gantry_call *, uint32_t level, const char *category);
    int (*set_log_level)(gantry_plugin *, const char *category, int32_t level);
    int (*timer)(gantry_call *, uint32_t what, const char *name, double *ret_seconds);

    /* metrics */
    gantry_metric *(*metric_new)(gantry_plugin *, const gantry_metric_spec *);
    void (*metric_update)(gantry_metric *, uint32_t what, double value,
                          const char *const *label_values);

    /* while it runs, more */
    int (*work_interruptible)(gantry_call *, int (*fn)(void *arg), void (*interrupt)(void *arg),
                              void *arg);
    gantry_semaphore *(*semaphore_new)(gantry_plugin *, uint32_t permits);
    void (*semaphore_free)(gantry_semaphore *);
    int (*semaphore_take)(gantry_call *, gantry_semaphore *, uint32_t ms);
    void (*semaphore_give)(gantry_semaphore *);

    /* since 0.3: asking the client */
    int (*ask)(gantry_call *, gantry_ask *const *asks, size_t n);
    int (*once)(gantry_call *, const char *key,
                int (*fn)(gantry_call *call, void *arg, const gantry_json **ret), void *arg,
                const gantry_json **ret);
    int (*sample_loop)(gantry_call *, const char *key, const gantry_sampling *, uint32_t max_rounds,
                       gantry_sampled *ret);
    const char *(*elicitation_id)(gantry_call *, const char *key);
    int (*elicitation_done)(gantry_plugin *, const char *id);

    /* tasks, streams, extensions */
    int (*become_task)(gantry_call *, const gantry_task_options *);
    int (*task_status)(gantry_call *, const char *message);
    const char *(*task_id)(gantry_call *);
    int (*close_stream)(gantry_call *, uint32_t retry_ms);
    const gantry_json *(*client_extension)(gantry_call *, const char *name);

    /* subscriptions */
    int (*resource_updated)(gantry_plugin *, const char *uri);
    int (*is_subscribed)(gantry_plugin *, const char *uri);

    /* skills */
    int (*set_skill)(gantry_plugin *, const gantry_skill *);
    int (*remove_skill)(gantry_plugin *, const char *path);

    /* subscriptions, more */
    int (*subscriptions)(gantry_call *, gantry_strings *ret);

    /* asking, more */
    int (*no_park)(gantry_call *, int held);

    /* since 0.9: tools made from tools, transforms */
    int (*tool_from)(gantry_plugin *, const gantry_from *);
    int (*forward)(gantry_call *, const gantry_json *arguments, uint32_t raw);
    int (*add_transform)(gantry_plugin *, const gantry_transform *);
    int (*transforms_changed)(gantry_plugin *);
    int (*session_transform)(gantry_call *, const gantry_transform *);
} gantry_host;

/* `kind` of data_add and remove, `what` of info. */
enum { GANTRY_DATA_IMAGE = 1, GANTRY_DATA_AUDIO, GANTRY_DATA_BLOB };
enum {
    GANTRY_KIND_TOOL = 1,
    GANTRY_KIND_RESOURCE,
    GANTRY_KIND_TEMPLATE,
    GANTRY_KIND_PROMPT,
    GANTRY_KIND_MIDDLEWARE,
    GANTRY_KIND_TRANSFORM
};
enum {
    GANTRY_INFO_METHOD = 1,
    GANTRY_INFO_REQUEST_ID,
    GANTRY_INFO_SESSION_ID,
    GANTRY_INFO_CLIENT_NAME,
    GANTRY_INFO_CLIENT_VERSION,
    GANTRY_INFO_PRINCIPAL,
    GANTRY_INFO_PROTOCOL,
    GANTRY_INFO_COMPONENT,
    GANTRY_INFO_TRANSPORT,
    GANTRY_INFO_TRACEPARENT,
    GANTRY_INFO_TRACESTATE,
    GANTRY_INFO_BAGGAGE,
    GANTRY_INFO_CALL_ID
};
/* `what` of timer and of metric_update. */
enum { GANTRY_TIMER_BEGIN = 1, GANTRY_TIMER_END, GANTRY_TIMER_ELAPSED, GANTRY_TIMER_SUMMARY };
enum { GANTRY_METRIC_ADD = 1, GANTRY_METRIC_SET, GANTRY_METRIC_OBSERVE };

/* Defined once by GANTRY_PLUGIN; hidden, so that every plugin has its own. */
extern GANTRY_HIDDEN const gantry_host *gantry_host_;

/* True if the running host has the function: for functions newer than the ABI minor that the plugin
 * can do without. Functions of later minors check it themselves and return GANTRY_ENOTSUP. */
#define GANTRY_HOST_HAS(fn)                                                                        \
    (gantry_host_->size >= offsetof(gantry_host, fn) + sizeof gantry_host_->fn &&                  \
     gantry_host_->fn != NULL)

/* ---------------------------------------------------------------- results */

/* Adds a piece of text. In a tool: a text block; in a resource: its text; in a prompt: a message of
 * the current role. [call] GANTRY_ETOOBIG over the host's result limit. */
static inline int GANTRY_PRINTF(2, 3) gantry_text(gantry_call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = gantry_host_->textv(call, fmt, ap);
    va_end(ap);
    return rc;
}
/* The same from n bytes of UTF-8 (invalid sequences become U+FFFD). [call] */
static inline int gantry_text_add(gantry_call *call, const char *text, size_t n)
{
    return gantry_host_->text_add(call, text, n);
}
/* Adds an image or a sound; data is raw, the host encodes it. [call] */
static inline int gantry_image(gantry_call *call, const void *data, size_t n, const char *mime_type)
{
    return gantry_host_->data_add(call, GANTRY_DATA_IMAGE, data, n, mime_type);
}
static inline int gantry_audio(gantry_call *call, const void *data, size_t n, const char *mime_type)
{
    return gantry_host_->data_add(call, GANTRY_DATA_AUDIO, data, n, mime_type);
}
/* Adds binary contents in a resource or template handler; mime_type NULL: the component's.
 * [call] */
static inline int gantry_blob(gantry_call *call, const void *data, size_t n, const char *mime_type)
{
    return gantry_host_->data_add(call, GANTRY_DATA_BLOB, data, n, mime_type);
}
/* Embeds the contents of a resource: text, or bytes that the host encodes. In a resource or
 * template handler: one of its contents, with a URI and a MIME type of its own. [call] */
static inline int gantry_embed_text(gantry_call *call, const char *uri, const char *mime_type,
                                    const char *text, size_t n)
{
    return gantry_host_->embed(call, uri, mime_type, text, n, 1);
}
static inline int gantry_embed_blob(gantry_call *call, const char *uri, const char *mime_type,
                                    const void *data, size_t n)
{
    return gantry_host_->embed(call, uri, mime_type, data, n, 0);
}
/* Adds a link to a resource (text for clients older than 2025-06-18); mime_type and description may
 * be NULL. [call] */
static inline int gantry_link(gantry_call *call, const char *uri, const char *name,
                              const char *mime_type, const char *description)
{
    return gantry_host_->link(call, uri, name, mime_type, description);
}
/* Sets the annotations of the piece added last: gantry_annotate(call, GANTRY_ANNOTATIONS(...)).
 * [call] GANTRY_EINVAL if nothing was added. */
static inline int gantry_annotate(gantry_call *call, const gantry_annotations *annotations)
{
    return gantry_host_->annotate(call, annotations);
}
/* In a prompt: the role of what is added from here on; GANTRY_USER at the start. [call] */
static inline int gantry_role(gantry_call *call, uint32_t role)
{
    return gantry_host_->role(call, role);
}
/* In a prompt: one message. [call] */
static inline int GANTRY_PRINTF(3, 4)
    gantry_message(gantry_call *call, uint32_t role, const char *fmt, ...)
{
    va_list ap;
    int rc = gantry_host_->role(call, role);
    if (rc)
        return rc;
    va_start(ap, fmt);
    rc = gantry_host_->textv(call, fmt, ap);
    va_end(ap);
    return rc;
}
/* Structured output from a struct of the tool's output table; if the tool adds no content of its
 * own the host adds the same as text, for older clients. Whether the values fit the schema is
 * looked at when the handler has returned. [call] GANTRY_EINVAL if the tool has no table, if a
 * required field is NULL or a number is not finite. */
static inline int gantry_structured(gantry_call *call, const void *value)
{
    return gantry_host_->structured(call, value);
}
/* Structured output from a JSON value, checked likewise. [call] */
static inline int gantry_structured_json(gantry_call *call, const gantry_json *value)
{
    return gantry_host_->structured_json(call, value);
}
/* Sets one key of the result's `_meta`. [call] */
static inline int gantry_result_meta(gantry_call *call, const char *key, const gantry_json *value)
{
    return gantry_host_->result_meta(call, key, value);
}
/* Fails on purpose: the client gets exactly this message, as a tool result with isError (tools) or
 * as an error (resources, prompts). Always returns GANTRY_EFAILED, to be returned at once.
 * [call] */
static inline int GANTRY_PRINTF(2, 3) gantry_fail(gantry_call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = gantry_host_->failv(call, fmt, ap);
    va_end(ap);
    return rc;
}
/* In a completion: adds one value (the client gets 100 at most), and tells how many there are.
 * [call] */
static inline int gantry_suggest(gantry_call *call, const char *value)
{
    return gantry_host_->suggest(call, value);
}
static inline int gantry_suggest_total(gantry_call *call, int64_t total)
{
    return gantry_host_->suggest_total(call, total);
}

/* ---------------------------------------------------------------- while it runs */

/* One log line, in the host's log and, if the client asked for this level, at the client. `level`
 * may carry GANTRY_USER_VISIBLE: something for the person at the client. [call] */
static inline void GANTRY_PRINTF(3, 4)
    gantry_log(gantry_call *call, uint32_t level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    gantry_host_->logv(call, level, fmt, ap);
    va_end(ap);
}
/* The same under a category (MCP's logger name; NULL: the instance's name) and with fields:
 *
 *     gantry_log_with(call, GANTRY_DEBUG, "database", GANTRY_FIELDS("table", "users", "rows", n),
 *                     "query done");
 *
 * Fields whose names are among the operator's log.redact are blotted out. [call] */
static inline void GANTRY_PRINTF(5, 6)
    gantry_log_with(gantry_call *call, uint32_t level, const char *category,
                    const gantry_field *fields, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (GANTRY_HOST_HAS(log_withv))
        gantry_host_->log_withv(call, level, category, fields, fmt, ap);
    else
        gantry_host_->logv(call, level & 0xffu, fmt, ap);
    va_end(ap);
}
/* Whether a line of this level would go anywhere: before composing something costly. [call] */
static inline bool gantry_log_enabled(gantry_call *call, uint32_t level, const char *category)
{
    if (!GANTRY_HOST_HAS(log_enabled))
        return false;
    return gantry_host_->log_enabled(call, level, category) != 0;
}
/* Times a part of the call by name; begin and end pair up, repetitions add up. elapsed gives the
 * seconds of all that have ended (0: none has); summary writes one log line (info, category
 * "performance") with count, total, mean and max of each. [call] GANTRY_EINVAL: end without begin;
 * GANTRY_ETOOBIG: more than 64 names. */
static inline int gantry_timer_begin(gantry_call *call, const char *name)
{
    if (!GANTRY_HOST_HAS(timer))
        return GANTRY_ENOTSUP;
    return gantry_host_->timer(call, GANTRY_TIMER_BEGIN, name, NULL);
}
static inline int gantry_timer_end(gantry_call *call, const char *name)
{
    if (!GANTRY_HOST_HAS(timer))
        return GANTRY_ENOTSUP;
    return gantry_host_->timer(call, GANTRY_TIMER_END, name, NULL);
}
static inline double gantry_timer_elapsed(gantry_call *call, const char *name)
{
    if (!GANTRY_HOST_HAS(timer))
        return 0;
    double seconds = 0;
    gantry_host_->timer(call, GANTRY_TIMER_ELAPSED, name, &seconds);
    return seconds;
}
static inline int gantry_timer_summary(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(timer))
        return GANTRY_ENOTSUP;
    return gantry_host_->timer(call, GANTRY_TIMER_SUMMARY, NULL, NULL);
}
/* What GANTRY_TIMED makes. */
typedef struct gantry_timed {
    gantry_call *call;
    const char *name;
    int runs;
} gantry_timed;
static inline gantry_timed gantry_timed_begin(gantry_call *call, const char *name)
{
    gantry_timed t = {call, name, 1};
    gantry_timer_begin(call, name);
    return t;
}
static inline void gantry_timed_end(gantry_timed *t)
{
    gantry_timer_end(t->call, t->name);
}
/* Times a block, however it is left (by return, too; break and continue leave this block, not the
 * loop around it):
 *
 *     GANTRY_TIMED(call, "validation") {
 *         if ((rc = validate(in)))
 *             return rc;
 *     }
 */
#define GANTRY_TIMED(call_, name_) GANTRY_TIMED_(call_, name_, __LINE__)
#define GANTRY_TIMED_(call_, name_, line) GANTRY_TIMED__(call_, name_, line)
#define GANTRY_TIMED__(call_, name_, line)                                                         \
    for (gantry_timed timed_##line##_                                                              \
         __attribute__((cleanup(gantry_timed_end))) = gantry_timed_begin((call_), (name_));        \
         timed_##line##_.runs; timed_##line##_.runs = 0)
/* The level of a name ("debug", "warning", ...); GANTRY_EINVAL if it is none. [any] */
static inline int gantry_level_of(const char *name)
{
    static const char names[8][10] = {"debug", "info",     "notice", "warning",
                                      "error", "critical", "alert",  "emergency"};
    for (int level = 0; name && level < 8; level++) {
        const char *a = names[level], *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return level;
    }
    return GANTRY_EINVAL;
}
/* Progress: `done` only grows; total 0 if not known; message may be NULL. Sent only if the client
 * asked, and no more often than the host allows. [call] GANTRY_EINVAL if done does not grow. */
static inline int gantry_progress(gantry_call *call, double done, double total, const char *message)
{
    return gantry_host_->progress(call, done, total, message);
}
/* Waits. 0 lets others run. [call] [awaits] GANTRY_ECANCELED when the call is cancelled. */
static inline int gantry_sleep(gantry_call *call, uint32_t ms)
{
    return gantry_host_->sleep(call, ms);
}
/* True once the client, a deadline or a shutdown has cancelled the call: from then on every
 * function that awaits returns GANTRY_ECANCELED at once, unless shielded. For loops that compute.
 * [call] */
static inline bool gantry_cancelled(gantry_call *call)
{
    return gantry_host_->cancelled(call) != 0;
}
/* Grants clean-up (a rollback) up to ms milliseconds in which awaiting works although the call is
 * cancelled; 5,000 at most, once a call. [call] */
static inline int gantry_shield(gantry_call *call, uint32_t ms)
{
    return gantry_host_->shield(call, ms);
}
/* Runs fn(arg) on a worker thread and waits for it: the way to do one blocking thing. fn must not
 * use the call (it may read its memory): functions given it there are refused with GANTRY_EPERM.
 * gantry_cancelled() does not interrupt it. In a blocking handler fn runs at once. [call] [awaits]
 * fn's own return value; GANTRY_EBUSY if too much is waiting (fn did not run); GANTRY_ECANCELED if
 * cancelled before fn began. Once fn began it is waited for. */
static inline int gantry_work(gantry_call *call, int (*fn)(void *arg), void *arg)
{
    return gantry_host_->work(call, fn, arg);
}
/* The same for work that can be told to stop: interrupt(arg) is called on the loop, once at most,
 * when the call is cancelled (and no longer shielded) while fn runs, at the same time as fn: it
 * sets a flag or the like and must not wait. It may come just before fn begins or just after it
 * ended, never once this has returned. fn is still waited for, and its value returned. [call]
 * [awaits] */
static inline int gantry_work_interruptible(gantry_call *call, int (*fn)(void *arg),
                                            void (*interrupt)(void *arg), void *arg)
{
    if (!GANTRY_HOST_HAS(work_interruptible))
        return GANTRY_ENOTSUP;
    return gantry_host_->work_interruptible(call, fn, interrupt, arg);
}
/* A fair lock that may be held across awaits, shared by coroutines and blocking handlers. Make it
 * in `start`, free it in `stop` (what is not freed goes with the instance). [loop] */
static inline gantry_mutex *gantry_mutex_new(gantry_plugin *plugin)
{
    return gantry_host_->mutex_new(plugin);
}
static inline void gantry_mutex_free(gantry_mutex *mutex)
{
    gantry_host_->mutex_free(mutex);
}
/* [call] [awaits] Not recursive: GANTRY_EINVAL if this call holds it already. A lock still held
 * when the handler returns is released and reported. */
static inline int gantry_lock(gantry_call *call, gantry_mutex *mutex)
{
    return gantry_host_->lock(call, mutex);
}
static inline void gantry_unlock(gantry_call *call, gantry_mutex *mutex)
{
    gantry_host_->unlock(call, mutex);
}
/* A fair semaphore: so many permits to be taken and given back, such as the connections of a pool.
 * Unlike a lock a permit belongs to nobody: one call may take it and another, or a destructor, give
 * it back. Make it in `start`, free it in `stop` (what is not freed goes with the instance). [loop]
 * NULL: refused, the log says why. */
static inline gantry_semaphore *gantry_semaphore_new(gantry_plugin *plugin, uint32_t permits)
{
    if (!GANTRY_HOST_HAS(semaphore_new))
        return NULL;
    return gantry_host_->semaphore_new(plugin, permits);
}
static inline void gantry_semaphore_free(gantry_semaphore *semaphore)
{
    if (!GANTRY_HOST_HAS(semaphore_free))
        return;
    gantry_host_->semaphore_free(semaphore);
}
/* Takes a permit; waits for it ms milliseconds at most (0: while the call lasts). [call] [awaits]
 * GANTRY_ETIMEDOUT. */
static inline int gantry_semaphore_take(gantry_call *call, gantry_semaphore *semaphore, uint32_t ms)
{
    if (!GANTRY_HOST_HAS(semaphore_take))
        return GANTRY_ENOTSUP;
    return gantry_host_->semaphore_take(call, semaphore, ms);
}
/* Gives one back: whoever waits longest has it. [loop], and in blocking handlers */
static inline void gantry_semaphore_give(gantry_semaphore *semaphore)
{
    if (!GANTRY_HOST_HAS(semaphore_give))
        return;
    gantry_host_->semaphore_give(semaphore);
}
/* One HTTP exchange; the response lives as long as the call, whatever its status. [call] [awaits]
 * GANTRY_EIO (the log says why), GANTRY_ETIMEDOUT, GANTRY_ETOOBIG, GANTRY_EINVAL (not an http
 * URL). */
static inline int gantry_http(gantry_call *call, const gantry_http_request *request,
                              const gantry_http_response **ret)
{
    return gantry_host_->http(call, request, ret);
}
/* Calls another tool of this host, as this call's client and within its deadline: by the name that
 * the client sees, else by the one that the tool's plugin gave it. ret_result is an
 * MCP CallToolResult. [call] [awaits] GANTRY_EFAILED: the tool failed (isError); ret_result is
 * there all the same, gantry_failure() has its text, and passing the code on tells the client;
 * GANTRY_ENOENT: no such tool; GANTRY_ETOOBIG: more than 16 deep. */
static inline int gantry_call_tool(gantry_call *call, const char *name,
                                   const gantry_json *arguments, const gantry_json **ret_result)
{
    return gantry_host_->call_tool(call, name, arguments, ret_result);
}
/* Reads a resource of this host; ret_result is an MCP ReadResourceResult, NULL if it failed.
 * [call] [awaits] As above. */
static inline int gantry_read_resource(gantry_call *call, const char *uri,
                                       const gantry_json **ret_result)
{
    return gantry_host_->read_resource(call, uri, ret_result);
}

/* ---------------------------------------------------------------- asking the client */

/* A question suspends the handler until the client has answered, in every revision. Up to
 * 2025-11-25 it is a request on the stream of the call. From 2026-07-28 on the reply is
 * "input_required", the call is parked, and goes on when the client sends its request again with
 * the answers; should that reach another process, or this one after a restart or a reload, a
 * handler marked GANTRY_REPLAY runs again from its start: questions that were answered are answered
 * at once, by their keys. So the questions that a handler asks must depend on nothing but its
 * arguments, earlier answers and gantry_once().
 *
 * Questions can be asked in tools, prompts, resources and templates, and in middlewares around
 * them. Answers are checked by the host; one that does not fit is asked for again. Time that the
 * client takes does not count against the call's deadline. Codes all of these share:
 * GANTRY_ENOTSUP: this client, or this place, has no such questions (gantry_can() tells before);
 * GANTRY_ECANCELED; GANTRY_EIO: the client answered with an error, or never with what fits (the log
 * says what); GANTRY_ETIMEDOUT: nobody answered in time; GANTRY_ETOOBIG: too many, too large.
 * Passing any of them on tells the client in plain words. */

/* Asks several questions in one round trip. [call] [awaits] GANTRY_OK: each has an answer, and its
 * rc says which. */
static inline int gantry_ask_all(gantry_call *call, gantry_ask *const *asks, size_t n)
{
    if (!GANTRY_HOST_HAS(ask))
        return GANTRY_ENOTSUP;
    for (size_t i = 0; asks && i < n; i++) {
        if (asks[i] && asks[i]->sampled)
            asks[i]->sampled->size = sizeof(gantry_sampled);
        if (asks[i] && asks[i]->roots)
            asks[i]->roots->size = sizeof(gantry_roots_list);
    }
    return gantry_host_->ask(call, asks, n);
}
static inline int gantry_ask_one(gantry_call *call, gantry_ask *ask)
{
    int rc = gantry_ask_all(call, &ask, 1);
    return rc ? rc : ask->rc;
}
/* Asks the person to fill in a form (MCP elicitation, form mode). `answer` is filled if it returns
 * GANTRY_OK:
 *
 *     person who;
 *     int rc = gantry_elicit(call, "who", "Who are you?", GANTRY_FORM(person, person_args), &who);
 *     if (rc == GANTRY_EDECLINED)
 *         return gantry_text(call, "As you like.");
 *     if (rc)
 *         return rc;
 *
 * Never for secrets: those go through gantry_elicit_url. [call] [awaits] GANTRY_EDECLINED,
 * GANTRY_EDISMISSED. */
static inline int gantry_elicit(gantry_call *call, const char *key, const char *message,
                                const gantry_form *form, void *answer)
{
    gantry_ask ask = {
        sizeof ask, GANTRY_ASK_FORM, key, message, form, answer, NULL, NULL, NULL, NULL, 0, 0,
        NULL};
    return gantry_ask_one(call, &ask);
}
/* Yes or no: GANTRY_OK if the person agrees. [call] [awaits] GANTRY_EDECLINED,
 * GANTRY_EDISMISSED. */
static inline int gantry_confirm(gantry_call *call, const char *key, const char *message)
{
    return gantry_elicit(call, key, message, NULL, NULL);
}
/* Asks the person to visit a URL (2025-11-25 and later). GANTRY_OK: the person agreed to; what
 * happens there is known to your own server only. [call] [awaits] GANTRY_EDECLINED,
 * GANTRY_EDISMISSED. */
static inline int gantry_elicit_url(gantry_call *call, const char *key, const char *message,
                                    const char *url)
{
    gantry_ask ask = {sizeof ask, GANTRY_ASK_URL, key,  message, NULL, NULL, url,
                      NULL,       NULL,           NULL, 0,       0,    NULL};
    return gantry_ask_one(call, &ask);
}
/* The id under which the URL of that key is told to the client, to be woven into it: not to be
 * guessed, the same in a replay. [call] NULL over the call's memory. */
static inline const char *gantry_elicitation_id(gantry_call *call, const char *key)
{
    if (!GANTRY_HOST_HAS(elicitation_id))
        return NULL;
    return gantry_host_->elicitation_id(call, key);
}
/* What was to be done at the URL is done: clients of 2025-11-25 that wait for it are told. [loop]
 * GANTRY_ENOENT: nobody waits under that id. */
static inline int gantry_elicitation_done(gantry_plugin *plugin, const char *id)
{
    if (!GANTRY_HOST_HAS(elicitation_done))
        return GANTRY_ENOTSUP;
    return gantry_host_->elicitation_done(plugin, id);
}
/* Asks a model of the client:
 *
 *     gantry_sampled said;
 *     if ((rc = gantry_sample(call, "sum", GANTRY_SAMPLING("Sum this up: ..."), &said)))
 *         return rc;
 *
 * [call] [awaits] */
static inline int gantry_sample(gantry_call *call, const char *key, const gantry_sampling *sampling,
                                gantry_sampled *ret)
{
    gantry_ask ask = {sizeof ask, GANTRY_ASK_SAMPLE, key, NULL, NULL, NULL,
                      NULL,       sampling,          ret, NULL, 0,    0,
                      NULL};
    return gantry_ask_one(call, &ask);
}
/* The same until the model wants no tool any more: what it calls, of sampling->tools, is called
 * through the host, and the results are given back, max_rounds times at most (0: 8; in the last
 * round it must not use any). In a replay tools that were called are not called again. Needs
 * GANTRY_CAP_SAMPLING_TOOLS. [call] [awaits] */
static inline int gantry_sample_loop(gantry_call *call, const char *key,
                                     const gantry_sampling *sampling, uint32_t max_rounds,
                                     gantry_sampled *ret)
{
    if (!GANTRY_HOST_HAS(sample_loop))
        return GANTRY_ENOTSUP;
    if (ret)
        ret->size = sizeof *ret;
    return gantry_host_->sample_loop(call, key, sampling, max_rounds, ret);
}
/* The folders that the client wants to be worked in. [call] [awaits] */
static inline int gantry_roots(gantry_call *call, const char *key, gantry_roots_list *ret)
{
    gantry_ask ask = {
        sizeof ask, GANTRY_ASK_ROOTS, key, NULL, NULL, NULL, NULL, NULL, NULL, ret, 0, 0, NULL};
    return gantry_ask_one(call, &ask);
}
/* Holds something for this request that cannot be kept while a client thinks (a transaction has
 * begun), or lets it go: what GANTRY_NO_PARK says of a middleware for good. While anything is held,
 * a call that would have to wait with nobody connected unwinds instead, and runs again with the
 * answer (GANTRY_REPLAY), or cannot ask. [call] GANTRY_EINVAL: nothing is held. */
static inline int gantry_no_park(gantry_call *call, bool held)
{
    return GANTRY_HOST_HAS(no_park) ? gantry_host_->no_park(call, held) : GANTRY_ENOTSUP;
}
/* A step that a replay must not repeat: fn runs, and its result (JSON; NULL is null) travels with
 * the answers; a replay is given it, and fn does not run. That holds once a question after it has
 * been asked: a process that dies in between has told nobody. fn may await; a negative code of it
 * is returned, and nothing is kept. ret may be NULL. [call] [awaits] */
static inline int gantry_once(gantry_call *call, const char *key,
                              int (*fn)(gantry_call *call, void *arg, const gantry_json **ret),
                              void *arg, const gantry_json **ret)
{
    if (!GANTRY_HOST_HAS(once)) {
        const gantry_json *value = NULL;
        return fn(call, arg, ret ? ret : &value);
    }
    return gantry_host_->once(call, key, fn, arg, ret);
}

/* ---------------------------------------------------------------- tasks, streams, extensions */

/* From here on the call is a task: the client is told so at once, goes away, and comes back for the
 * result (extension io.modelcontextprotocol/tasks). What it is asked it answers by tasks/update;
 * progress and log lines are for nobody any more, but gantry_task_status() is. options may be NULL.
 * [call] GANTRY_ENOTSUP: not a tool's call, or the client does not know tasks: go on without.
 * GANTRY_EBUSY: too many tasks. GANTRY_OK too if it is one already. */
static inline int gantry_become_task(gantry_call *call, const gantry_task_options *options)
{
    if (!GANTRY_HOST_HAS(become_task))
        return GANTRY_ENOTSUP;
    return gantry_host_->become_task(call, options);
}
/* What a client that looks at the task reads. [call] GANTRY_ENOTSUP: it is none. */
static inline int gantry_task_status(gantry_call *call, const char *message)
{
    if (!GANTRY_HOST_HAS(task_status))
        return GANTRY_ENOTSUP;
    return gantry_host_->task_status(call, message);
}
/* NULL: it is none. [call] */
static inline const char *gantry_task_id(gantry_call *call)
{
    return GANTRY_HOST_HAS(task_id) ? gantry_host_->task_id(call) : NULL;
}
/* Closes the connection that the client waits at, not the call: the client comes back after
 * retry_ms (0: as the host is configured) for what it has missed. For work that takes minutes.
 * [call] GANTRY_ENOTSUP: this client, or its transport, cannot. */
static inline int gantry_close_stream(gantry_call *call, uint32_t retry_ms)
{
    if (!GANTRY_HOST_HAS(close_stream))
        return GANTRY_ENOTSUP;
    return gantry_host_->close_stream(call, retry_ms);
}
/* The client's settings of an extension ("io.modelcontextprotocol/ui"), an object; NULL: it does
 * not know it. [call] */
static inline const gantry_json *gantry_client_extension(gantry_call *call, const char *name)
{
    return GANTRY_HOST_HAS(client_extension) ? gantry_host_->client_extension(call, name) : NULL;
}

/* ---------------------------------------------------------------- memory of the call */

/* Zeroed memory that lives until the call has ended, its variables included. NULL over the host's
 * limit. [call] */
static inline void *gantry_alloc(gantry_call *call, size_t n)
{
    return gantry_host_->alloc(call, n);
}
/* Formatted text in such memory; NULL over the limit. [call] */
static inline char *GANTRY_PRINTF(2, 3) gantry_format(gantry_call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = gantry_host_->formatv(call, fmt, ap);
    va_end(ap);
    return s;
}

/* ---------------------------------------------------------------- the request */

/* The component's `data`. [call] */
static inline void *gantry_data(gantry_call *call)
{
    return gantry_host_->data(call);
}
/* The instance this handler belongs to. [call] */
static inline gantry_plugin *gantry_self(gantry_call *call)
{
    return gantry_host_->self(call);
}
/* In a resource or template handler: the URI as the client wrote it, without what a namespace has
 * put in; in a middleware of another plugin: with it. Else NULL. [call] */
static inline const char *gantry_uri(gantry_call *call)
{
    return gantry_host_->uri(call);
}
/* A header of the HTTP request, name in any case; NULL if absent or not HTTP. [call] */
static inline const char *gantry_header(gantry_call *call, const char *name)
{
    return gantry_host_->header(call, name);
}
/* The request's params, arguments and `_meta`; NULL if absent. As received, but that arguments of a
 * tool with input_schema_json are as its schema reads them. [call] */
static inline const gantry_json *gantry_params(gantry_call *call)
{
    return gantry_host_->params(call);
}
static inline const gantry_json *gantry_arguments(gantry_call *call)
{
    return gantry_host_->arguments(call);
}
static inline const gantry_json *gantry_request_meta(gantry_call *call)
{
    return gantry_host_->request_meta(call);
}
/* Who asks and what for; NULL where there is none. The session id exists in the handshake era only:
 * keep state under it only if you can do without. [call] */
static inline const char *gantry_method(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_METHOD);
}
static inline const char *gantry_request_id(gantry_call *call) /* as JSON: 7 or "abc" */
{
    return gantry_host_->info(call, GANTRY_INFO_REQUEST_ID);
}
/* 16 hexadecimal digits that no other call has; what a client is told as correlation id. */
static inline const char *gantry_call_id(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_CALL_ID);
}
static inline const char *gantry_session_id(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_SESSION_ID);
}
static inline const char *gantry_client_name(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_CLIENT_NAME);
}
static inline const char *gantry_client_version(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_CLIENT_VERSION);
}
static inline const char *gantry_principal(gantry_call *call) /* name of the authenticated caller */
{
    return gantry_host_->info(call, GANTRY_INFO_PRINCIPAL);
}
/* The name of the tool, prompt, ... as the client knows it; while a function around a tool runs its
 * parent: that of the parent. */
static inline const char *gantry_component_name(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_COMPONENT);
}
/* True if the client has the capability (GANTRY_CAP_). [call] */
static inline bool gantry_can(gantry_call *call, uint32_t capability)
{
    return gantry_host_->can(call, capability) != 0;
}

/* What the request came by: "stdio", "http", "websocket", "sse" (HTTP+SSE of 2024-11-05). The
 * revision it speaks: "2025-11-25". [call] */
static inline const char *gantry_transport(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_TRANSPORT);
}
static inline const char *gantry_protocol_version(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_PROTOCOL);
}
/* W3C Trace Context of the request (SEP-414: `_meta`, else the HTTP headers); NULL if it has none
 * or if it is malformed. [call] */
static inline const char *gantry_traceparent(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_TRACEPARENT);
}
static inline const char *gantry_tracestate(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_TRACESTATE);
}
static inline const char *gantry_baggage(gantry_call *call)
{
    return gantry_host_->info(call, GANTRY_INFO_BAGGAGE);
}
/* 0 for what a client asked, 1 for a call that its handler made, and so on. [call] */
static inline int gantry_depth(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(depth))
        return 0;
    return gantry_host_->depth(call);
}
/* True if the component has the tag. [call] */
static inline bool gantry_has_tag(gantry_call *call, const char *tag)
{
    if (!GANTRY_HOST_HAS(has_tag))
        return false;
    return gantry_host_->has_tag(call, tag) != 0;
}
/* The call that runs on this thread now, for where no parameter can carry it; NULL outside of a
 * handler and in the function of gantry_work(). [any] */
static inline gantry_call *gantry_current(void)
{
    if (!GANTRY_HOST_HAS(current))
        return NULL;
    return gantry_host_->current();
}

/* ---------------------------------------------------------------- scope */

/* Sets a variable for the rest of this call; a value that is there is covered. Text and JSON are
 * copied. GANTRY_EINVAL: not the variable's type; GANTRY_ETOOBIG: more than 256 values, or over the
 * call's memory (a pointer then stays the caller's). [call] */
static inline int gantry_set_text(gantry_call *call, const gantry_var *var, const char *text)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_text(text);
    return gantry_host_->var_set(call, var, &v);
}
static inline int gantry_set_int(gantry_call *call, const gantry_var *var, int64_t value)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_int(value);
    return gantry_host_->var_set(call, var, &v);
}
static inline int gantry_set_num(gantry_call *call, const gantry_var *var, double value)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_num(value);
    return gantry_host_->var_set(call, var, &v);
}
static inline int gantry_set_bool(gantry_call *call, const gantry_var *var, bool value)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_bool(value);
    return gantry_host_->var_set(call, var, &v);
}
static inline int gantry_set_json(gantry_call *call, const gantry_var *var,
                                  const gantry_json *value)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_json(value);
    return gantry_host_->var_set(call, var, &v);
}
static inline int gantry_set_pointer(gantry_call *call, const gantry_var *var, void *value)
{
    if (!GANTRY_HOST_HAS(var_set))
        return GANTRY_ENOTSUP;
    gantry_value v = gantry_value_pointer(value);
    return gantry_host_->var_set(call, var, &v);
}
/* The value; what the second parameter says (or NULL) where it was not set. It lives as long as the
 * call. [call] */
static inline const char *gantry_get_text(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_get))
        return NULL;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? NULL : v.as.text;
}
static inline int64_t gantry_get_int(gantry_call *call, const gantry_var *var, int64_t otherwise)
{
    if (!GANTRY_HOST_HAS(var_get))
        return otherwise;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? otherwise : v.as.integer;
}
static inline double gantry_get_num(gantry_call *call, const gantry_var *var, double otherwise)
{
    if (!GANTRY_HOST_HAS(var_get))
        return otherwise;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? otherwise : v.as.number;
}
static inline bool gantry_get_bool(gantry_call *call, const gantry_var *var, bool otherwise)
{
    if (!GANTRY_HOST_HAS(var_get))
        return otherwise;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? otherwise : v.as.integer != 0;
}
static inline const gantry_json *gantry_get_json(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_get))
        return NULL;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? NULL : v.as.json;
}
static inline void *gantry_get_pointer(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_get))
        return NULL;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) ? NULL : v.as.pointer;
}
/* True if it is set. [call] */
static inline bool gantry_is_set(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_get))
        return false;
    gantry_value v;
    return gantry_host_->var_get(call, var, &v) == GANTRY_OK;
}
/* From here on it is not set in this call. [call] GANTRY_ENOENT: it was not. */
static inline int gantry_unset(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_unset))
        return GANTRY_ENOTSUP;
    return gantry_host_->var_unset(call, var);
}
/* From here on every log line of the call carries the variable, as with GANTRY_VAR_LOGGED; not
 * pointers. [call] */
static inline int gantry_bind(gantry_call *call, const gantry_var *var)
{
    if (!GANTRY_HOST_HAS(var_bind))
        return GANTRY_ENOTSUP;
    return gantry_host_->var_bind(call, var);
}

/* ---------------------------------------------------------------- state across calls */

/* A new, empty place for JSON values that outlives the call: the handle (about 43 characters, not
 * to be guessed) is given to the client, which passes it to later calls as an argument. Works in
 * every revision, survives reloads, not a restart. Others than the principal that it was made for
 * do not find it; it ends when it was not used for state.max_age, or, where there are too many, as
 * the one that was not used for the longest time. [call] GANTRY_EBUSY: too many that are in use. */
static inline int gantry_handle_new(gantry_call *call, const char **ret_handle)
{
    if (!GANTRY_HOST_HAS(handle_new))
        return GANTRY_ENOTSUP;
    return gantry_host_->handle_new(call, ret_handle);
}
/* Reads, sets and deletes a value. handle NULL: the session (revisions up to 2025-11-25; its state
 * ends with it). Setting keeps a copy; key NULL in gantry_state_delete: all, and the handle itself.
 * [call] GANTRY_ENOENT: no such handle or value; GANTRY_ENOTSUP: handle NULL and no session;
 * GANTRY_ETOOBIG: over state.max_bytes; GANTRY_EBUSY: over state.max_total. */
static inline int gantry_state_get(gantry_call *call, const char *handle, const char *key,
                                   const gantry_json **ret)
{
    if (!GANTRY_HOST_HAS(state_get))
        return GANTRY_ENOTSUP;
    return gantry_host_->state_get(call, handle, key, ret);
}
static inline int gantry_state_set(gantry_call *call, const char *handle, const char *key,
                                   const gantry_json *value)
{
    if (!GANTRY_HOST_HAS(state_set))
        return GANTRY_ENOTSUP;
    return gantry_host_->state_set(call, handle, key, value);
}
static inline int gantry_state_delete(gantry_call *call, const char *handle, const char *key)
{
    if (!GANTRY_HOST_HAS(state_delete))
        return GANTRY_ENOTSUP;
    return gantry_host_->state_delete(call, handle, key);
}

/* ---------------------------------------------------------------- around a tool */

/* In the function of a GANTRY_TOOL_AROUND: runs the parent. arguments go by the names of this tool:
 * they become the parent's, what is hidden is filled in, and what is missing has its default; NULL
 * means those of the call, without the function's own. Its result is the result of the call then
 * (gantry_result, gantry_set_result); calling it again begins with an empty one. Progress, logs,
 * questions and variables of the parent are those of the call; middlewares are not passed again.
 * Return what it returned to pass everything on. [call] [awaits] GANTRY_OK; GANTRY_EFAILED and
 * GANTRY_EINVAL (arguments: gantry_failure() has the words); GANTRY_ENOENT: the parent has gone;
 * GANTRY_EPERM: not in such a function. */
static inline int gantry_forward(gantry_call *call, const gantry_json *arguments)
{
    if (!GANTRY_HOST_HAS(forward))
        return GANTRY_ENOTSUP;
    return gantry_host_->forward(call, arguments, 0);
}
/* The same by the names of the parent: nothing is renamed, filled in or taken from a default of
 * this tool. [call] [awaits] */
static inline int gantry_forward_raw(gantry_call *call, const gantry_json *arguments)
{
    if (!GANTRY_HOST_HAS(forward))
        return GANTRY_ENOTSUP;
    return gantry_host_->forward(call, arguments, 1);
}

/* ---------------------------------------------------------------- middleware */

/* Runs what is inside of this middleware: those further in, at last the handler (or, for a list, an
 * initialize, ..., the host). Its result is on the call then. Calling it again discards that result
 * and runs all once more. [middleware] [awaits] GANTRY_OK: there is a result; GANTRY_EFAILED,
 * GANTRY_EINVAL (arguments), GANTRY_ENOENT (resource), GANTRY_ECANCELED, ...: gantry_outcome()
 * tells more. Return what it returned to pass it on; GANTRY_OK instead, with a result of your own,
 * mends it; gantry_fail() and gantry_refuse() replace it. */
static inline int gantry_next(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(next))
        return GANTRY_ENOTSUP;
    return gantry_host_->next(call);
}
/* What became of it: GANTRY_OUTCOME_. [around] */
static inline int gantry_outcome(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(outcome))
        return GANTRY_OUTCOME_NONE;
    return gantry_host_->outcome(call);
}
/* The message of a failure; NULL if there is none. In a handler: that of its own gantry_fail(),
 * else of the call it made that failed last. [call] */
static inline const char *gantry_failure(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(failure))
        return NULL;
    return gantry_host_->failure(call);
}
/* The result so far as MCP has it (CallToolResult, ReadResourceResult, ListToolsResult with all
 * pages in one, ...), in the shape of the latest revision; NULL if there is none. [around] */
static inline const gantry_json *gantry_result(gantry_call *call)
{
    if (!GANTRY_HOST_HAS(result))
        return NULL;
    return gantry_host_->result(call);
}
/* Replaces it: content and structured output of a tool, contents of a resource, messages of a
 * prompt, or the list. [around] GANTRY_EINVAL: not a result of this method (the log says why). */
static inline int gantry_set_result(gantry_call *call, const gantry_json *result)
{
    if (!GANTRY_HOST_HAS(set_result))
        return GANTRY_ENOTSUP;
    return gantry_host_->set_result(call, result);
}
/* Replaces the arguments (of a list and others: the params) for what gantry_next() runs; they are
 * checked like those of a client. [middleware] */
static inline int gantry_set_arguments(gantry_call *call, const gantry_json *arguments)
{
    if (!GANTRY_HOST_HAS(set_arguments))
        return GANTRY_ENOTSUP;
    return gantry_host_->set_arguments(call, arguments);
}
/* Fails with a JSON-RPC error of this code instead of a result (-32000 to -32099 are free for
 * servers). Models never see it: for what a caller did wrong there is gantry_fail(). Of a task it
 * is what makes it "failed". Always returns GANTRY_EFAILED, to be returned at once. [call] */
static inline int GANTRY_PRINTF(3, 4)
    gantry_refuse(gantry_call *call, int code, const char *fmt, ...)
{
    if (!GANTRY_HOST_HAS(refusev))
        return GANTRY_ENOTSUP;
    va_list ap;
    va_start(ap, fmt);
    int rc = gantry_host_->refusev(call, code, fmt, ap);
    va_end(ap);
    return rc;
}
/* Moves the call's deadline to ms from now. [middleware] */
static inline int gantry_set_timeout(gantry_call *call, uint32_t ms)
{
    if (!GANTRY_HOST_HAS(set_timeout))
        return GANTRY_ENOTSUP;
    return gantry_host_->set_timeout(call, ms);
}

/* ---------------------------------------------------------------- background work */

/* Runs a function after this call, or beside it, with a copy of its scope:
 * GANTRY_BACKGROUND("mail", send_mail, job, .free_arg = free). Nobody hears its progress and no
 * client its log; its errors are logged by name. What start spawns begins when start has returned.
 * A reload or a shutdown lets it end, then cancels it. [call] GANTRY_EBUSY: too many run;
 * GANTRY_ECANCELED: what asks was told to end itself (free_arg is not called then). */
static inline int gantry_spawn(gantry_call *call, const gantry_background *work)
{
    if (!GANTRY_HOST_HAS(spawn))
        return GANTRY_ENOTSUP;
    return gantry_host_->spawn(call, work);
}
/* Runs a function ms from now, or every ms milliseconds (counted from the end of the run before, so
 * it never overlaps itself). From start on; the first run is not before start has returned. Ends
 * with the generation. NULL: refused, the log says why. [loop] */
static inline gantry_schedule *gantry_after(gantry_plugin *plugin, uint32_t ms,
                                            const gantry_background *work)
{
    if (!GANTRY_HOST_HAS(schedule))
        return NULL;
    return gantry_host_->schedule(plugin, work, ms, 0);
}
static inline gantry_schedule *gantry_every(gantry_plugin *plugin, uint32_t ms,
                                            const gantry_background *work)
{
    if (!GANTRY_HOST_HAS(schedule))
        return NULL;
    return gantry_host_->schedule(plugin, work, ms, ms ? ms : 1);
}
/* No further run; one that is under way is not disturbed. NULL is fine. One of gantry_after() is
 * gone when it has run. [loop] */
static inline void gantry_schedule_stop(gantry_schedule *schedule)
{
    if (!GANTRY_HOST_HAS(schedule_stop))
        return;
    gantry_host_->schedule_stop(schedule);
}

/* ---------------------------------------------------------------- JSON: reading */

/* Values are immutable; NULL and wrong types are accepted everywhere and mean "not there". [any] */
static inline int gantry_json_type(const gantry_json *v)
{
    return gantry_host_->json_type(v);
}
static inline size_t gantry_json_count(const gantry_json *v) /* elements or members, else 0 */
{
    return gantry_host_->json_count(v);
}
static inline const gantry_json *gantry_json_get(const gantry_json *object, const char *name)
{
    return gantry_host_->json_get(object, name);
}
static inline const gantry_json *gantry_json_at(const gantry_json *array, size_t index)
{
    return gantry_host_->json_at(array, index);
}
/* A member by name as a plain value: NULL or `otherwise` where there is none of that type. */
static inline const char *gantry_json_text(const gantry_json *object, const char *name)
{
    return gantry_host_->json_string(gantry_host_->json_get(object, name), NULL);
}
static inline int64_t gantry_json_int_or(const gantry_json *object, const char *name,
                                         int64_t otherwise)
{
    gantry_host_->json_int(gantry_host_->json_get(object, name), &otherwise);
    return otherwise;
}
static inline double gantry_json_num_or(const gantry_json *object, const char *name,
                                        double otherwise)
{
    gantry_host_->json_num(gantry_host_->json_get(object, name), &otherwise);
    return otherwise;
}
static inline bool gantry_json_bool_or(const gantry_json *object, const char *name, bool otherwise)
{
    int type = gantry_host_->json_type(gantry_host_->json_get(object, name));
    return type == GANTRY_JSON_TRUE ? true : type == GANTRY_JSON_FALSE ? false : otherwise;
}
/* Walks children: prev NULL gives the first, NULL is the end. Of an object: its values, whose names
 * gantry_json_name() gives. */
static inline const gantry_json *gantry_json_next(const gantry_json *parent,
                                                  const gantry_json *prev)
{
    return gantry_host_->json_next(parent, prev);
}
static inline const char *gantry_json_name(const gantry_json *member, size_t *ret_n)
{
    return gantry_host_->json_name(member, ret_n);
}
/* The text of a string, NUL-terminated, else NULL; ret_n may be NULL. */
static inline const char *gantry_json_string(const gantry_json *v, size_t *ret_n)
{
    return gantry_host_->json_string(v, ret_n);
}
/* GANTRY_OK, or GANTRY_EINVAL if it is not such a number (or does not fit); *ret is left alone
 * then. */
static inline int gantry_json_int(const gantry_json *v, int64_t *ret)
{
    return gantry_host_->json_int(v, ret);
}
static inline int gantry_json_num(const gantry_json *v, double *ret)
{
    return gantry_host_->json_num(v, ret);
}
static inline bool gantry_json_is_true(const gantry_json *v)
{
    return gantry_host_->json_type(v) == GANTRY_JSON_TRUE;
}
/* Parses; the value lives as long as the call. NULL if it is not JSON. [call] */
static inline const gantry_json *gantry_json_parse(gantry_call *call, const char *text, size_t n)
{
    return gantry_host_->json_parse(call, text, n);
}
/* Prints, compactly, into memory of the call; NULL over its limit. [call] */
static inline const char *gantry_json_print(gantry_call *call, const gantry_json *v)
{
    return gantry_host_->json_print(call, v);
}

/* ---------------------------------------------------------------- JSON: building */

/* A value written front to back: open, put, close. `name` is the member's name in an object and
 * NULL in an array or at the top. The first error sticks; gantry_builder_end() reports it. [call]
 *
 *     gantry_builder *b = gantry_builder_new(call);
 *     gantry_put_object(b, NULL);
 *     gantry_put_string(b, "city", "Oslo");
 *     gantry_put_close(b);
 *     return gantry_structured_json(call, gantry_builder_end(b));
 */
static inline gantry_builder *gantry_builder_new(gantry_call *call)
{
    return gantry_host_->builder_new(call);
}
static inline int gantry_put_object(gantry_builder *b, const char *name)
{
    return gantry_host_->builder_open(b, name, GANTRY_JSON_OBJECT);
}
static inline int gantry_put_array(gantry_builder *b, const char *name)
{
    return gantry_host_->builder_open(b, name, GANTRY_JSON_ARRAY);
}
static inline int gantry_put_close(gantry_builder *b)
{
    return gantry_host_->builder_close(b);
}
static inline int gantry_put_string(gantry_builder *b, const char *name, const char *s)
{
    return gantry_host_->builder_string(b, name, s, SIZE_MAX);
}
static inline int gantry_put_stringn(gantry_builder *b, const char *name, const char *s, size_t n)
{
    return gantry_host_->builder_string(b, name, s, n);
}
static inline int gantry_put_int(gantry_builder *b, const char *name, int64_t v)
{
    return gantry_host_->builder_int(b, name, v);
}
static inline int gantry_put_num(gantry_builder *b, const char *name, double v)
{
    return gantry_host_->builder_num(b, name, v);
}
static inline int gantry_put_bool(gantry_builder *b, const char *name, bool v)
{
    return gantry_host_->builder_word(b, name, v ? GANTRY_JSON_TRUE : GANTRY_JSON_FALSE);
}
static inline int gantry_put_null(gantry_builder *b, const char *name)
{
    return gantry_host_->builder_word(b, name, GANTRY_JSON_NULL);
}
static inline int gantry_put_json(gantry_builder *b, const char *name, const gantry_json *v)
{
    return gantry_host_->builder_json(b, name, v);
}
static inline int gantry_put_value(gantry_builder *b, const char *name, gantry_value v)
{
    switch (v.type) {
    case GANTRY_VALUE_TEXT:
        return v.as.text ? gantry_put_string(b, name, v.as.text) : gantry_put_null(b, name);
    case GANTRY_VALUE_INT:
        return gantry_put_int(b, name, v.as.integer);
    case GANTRY_VALUE_NUM:
        return gantry_put_num(b, name, v.as.number);
    case GANTRY_VALUE_BOOL:
        return gantry_put_bool(b, name, v.as.integer != 0);
    case GANTRY_VALUE_JSON:
        return v.as.json ? gantry_put_json(b, name, v.as.json) : gantry_put_null(b, name);
    default:
        return gantry_put_null(b, name);
    }
}
/* The finished value, alive as long as the call; NULL if a step failed or something is still
 * open. */
static inline const gantry_json *gantry_builder_end(gantry_builder *b)
{
    return gantry_host_->builder_end(b);
}
/* A small object at once, alive as long as the call; fields NULL: {}; NULL over the call's memory:
 *
 *     return gantry_structured_json(call, GANTRY_OBJECT(call, "id", in->id, "name", name));
 */
static inline const gantry_json *gantry_object(gantry_call *call, const gantry_field *fields)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    for (; fields && fields->key; fields++)
        gantry_put_value(b, fields->key, fields->value);
    gantry_put_close(b);
    return gantry_builder_end(b);
}

/* The object with these members instead of its own of the same names, alive as long as the call:
 * all arguments but one as they came. NULL over the call's memory:
 *
 *     return gantry_forward(call, GANTRY_OBJECT_WITH(call, gantry_arguments(call), "q", clean));
 *
 * [call] */
static inline const gantry_json *gantry_object_with(gantry_call *call, const gantry_json *object,
                                                    const gantry_field *fields)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    for (const gantry_json *m = NULL; (m = gantry_json_next(object, m)) != NULL;) {
        size_t n = 0;
        const char *name = gantry_json_name(m, &n);
        const gantry_field *f = fields;
        while (f && f->key && __builtin_strcmp(f->key, name) != 0)
            f++;
        if (!(f && f->key) && __builtin_strlen(name) == n) /* no name of ours has a NUL in it */
            gantry_put_json(b, name, m);
    }
    for (; fields && fields->key; fields++)
        gantry_put_value(b, fields->key, fields->value);
    gantry_put_close(b);
    return gantry_builder_end(b);
}
/* A text as JSON, with quotes around it and escapes in it: for the default_json of a change or a
 * row that is made at run time. Alive as long as the call; NULL over its memory. [call] */
static inline const char *gantry_json_quote(gantry_call *call, const char *text)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_string(b, NULL, text);
    return gantry_json_print(call, gantry_builder_end(b));
}

/* ---------------------------------------------------------------- the plugin */

/* The settings struct, filled from the configuration (GANTRY_SETTINGS); NULL if there is none.
 * Valid from start to the end of stop. [any] */
static inline const void *gantry_settings(gantry_plugin *plugin)
{
    return gantry_host_->settings(plugin);
}
/* The instance's name as configured ("files", or "docs" for a second one). [any] */
static inline const char *gantry_instance(gantry_plugin *plugin)
{
    return gantry_host_->instance(plugin);
}
/* The author's own object of this instance: set in start, freed in stop. [any] */
static inline void gantry_set_state(gantry_plugin *plugin, void *state)
{
    gantry_host_->set_state(plugin, state);
}
static inline void *gantry_state(gantry_plugin *plugin)
{
    return gantry_host_->state(plugin);
}
/* A log line outside of any call. [any] */
static inline void GANTRY_PRINTF(3, 4)
    gantry_plugin_log(gantry_plugin *plugin, uint32_t level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    gantry_host_->plugin_logv(plugin, level, fmt, ap);
    va_end(ap);
}
/* The same with a category and fields (gantry_log_with). [any] */
static inline void GANTRY_PRINTF(5, 6)
    gantry_plugin_log_with(gantry_plugin *plugin, uint32_t level, const char *category,
                           const gantry_field *fields, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (GANTRY_HOST_HAS(plugin_log_withv))
        gantry_host_->plugin_log_withv(plugin, level, category, fields, fmt, ap);
    else
        gantry_host_->plugin_logv(plugin, level & 0xffu, fmt, ap);
    va_end(ap);
}
/* The lowest level at which this instance's lines of the category (NULL: all) go anywhere, until
 * the configuration is read again; -1: as configured. [any] */
static inline int gantry_set_log_level(gantry_plugin *plugin, const char *category, int level)
{
    if (!GANTRY_HOST_HAS(set_log_level))
        return GANTRY_ENOTSUP;
    return gantry_host_->set_log_level(plugin, category, level);
}
/* A metric on the host's /metrics page: gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_COUNTER,
 * "orders", "Orders taken")). Lives as long as the instance; a reload takes over what has the same
 * name and shape. NULL: refused, the log says why. [loop] */
static inline gantry_metric *gantry_metric_new(gantry_plugin *plugin,
                                               const gantry_metric_spec *spec)
{
    if (!GANTRY_HOST_HAS(metric_new))
        return NULL;
    return gantry_host_->metric_new(plugin, spec);
}
/* Adds to a counter or gauge; sets a gauge; adds one value to a histogram. label_values: as many as
 * it has labels; NULL if it has none. A NULL metric is fine. [any] */
static inline void gantry_metric_add(gantry_metric *metric, double value,
                                     const char *const *label_values)
{
    if (!GANTRY_HOST_HAS(metric_update))
        return;
    gantry_host_->metric_update(metric, GANTRY_METRIC_ADD, value, label_values);
}
static inline void gantry_metric_set(gantry_metric *metric, double value,
                                     const char *const *label_values)
{
    if (!GANTRY_HOST_HAS(metric_update))
        return;
    gantry_host_->metric_update(metric, GANTRY_METRIC_SET, value, label_values);
}
static inline void gantry_metric_observe(gantry_metric *metric, double value,
                                         const char *const *label_values)
{
    if (!GANTRY_HOST_HAS(metric_update))
        return;
    gantry_host_->metric_update(metric, GANTRY_METRIC_OBSERVE, value, label_values);
}
/* The contents of a resource of this instance (a template's too) have changed: clients that have
 * subscribed to it are told, once for a burst. [any] GANTRY_ENOENT: nobody has. */
static inline int gantry_resource_updated(gantry_plugin *plugin, const char *uri)
{
    if (!GANTRY_HOST_HAS(resource_updated))
        return GANTRY_ENOTSUP;
    return gantry_host_->resource_updated(plugin, uri);
}
/* True if some client has subscribed to it, or, of a URI template, to any resource of it: whether
 * looking for changes is worth anything. [loop] */
static inline bool gantry_is_subscribed(gantry_plugin *plugin, const char *uri)
{
    return GANTRY_HOST_HAS(is_subscribed) && gantry_host_->is_subscribed(plugin, uri) > 0;
}
/* All URIs of this instance's resources that some client has subscribed to, in their normal form
 * (percent-encoded, with the instance's name before them if it has one, without what a namespace
 * has put in) and in no order; they live as long as the call. [call] GANTRY_ETOOBIG: over the
 * call's memory. */
static inline int gantry_subscriptions(gantry_call *call, gantry_strings *ret)
{
    ret->n = 0;
    if (!GANTRY_HOST_HAS(subscriptions))
        return GANTRY_ENOTSUP;
    return gantry_host_->subscriptions(call, ret);
}
/* Serves a skill, or replaces the one of this instance that has its path, in one step: clients see
 * all of the old one or all of the new one, and those that have subscribed to a file of it that has
 * changed are told. Everything is copied. At most 512 files, 8 MiB each, 16 MiB together. [loop]
 * GANTRY_EINVAL: it is no skill (the log says why); GANTRY_ETOOBIG; GANTRY_EEXIST: another plugin
 * has one of its URIs; GANTRY_EPERM: not live. */
static inline int gantry_set_skill(gantry_plugin *plugin, const gantry_skill *skill)
{
    if (!GANTRY_HOST_HAS(set_skill))
        return GANTRY_ENOTSUP;
    return gantry_host_->set_skill(plugin, skill);
}
/* Takes one of this instance's skills back. [loop] GANTRY_ENOENT. */
static inline int gantry_remove_skill(gantry_plugin *plugin, const char *path)
{
    if (!GANTRY_HOST_HAS(remove_skill))
        return GANTRY_ENOTSUP;
    return gantry_host_->remove_skill(plugin, path);
}
/* In save: appends bytes. [loop] GANTRY_ETOOBIG over 16 MiB. */
static inline int gantry_buffer_add(gantry_buffer *out, const void *data, size_t n)
{
    return gantry_host_->buffer_add(out, data, n);
}
/* Run-time registration, for live instances (from start on, until stop). The descriptor is copied;
 * `data` and its destructor let one function serve many components. Clients are told. [loop]
 * GANTRY_EEXIST name taken, GANTRY_EINVAL refused, GANTRY_ENOTSUP newer than this host (the log
 * says why), GANTRY_EPERM not live; `data` then stays the caller's. */
static inline int gantry_add_tool(gantry_plugin *plugin, const gantry_tool *tool)
{
    return gantry_host_->add_tool(plugin, tool);
}
static inline int gantry_add_resource(gantry_plugin *plugin, const gantry_resource *resource)
{
    return gantry_host_->add_resource(plugin, resource);
}
static inline int gantry_add_template(gantry_plugin *plugin, const gantry_template *uri_template)
{
    return gantry_host_->add_template(plugin, uri_template);
}
static inline int gantry_add_prompt(gantry_plugin *plugin, const gantry_prompt *prompt)
{
    return gantry_host_->add_prompt(plugin, prompt);
}
/* A middleware that goes by data known only at start. [loop] As above. */
static inline int gantry_add_middleware(gantry_plugin *plugin, const gantry_middleware *middleware)
{
    if (!GANTRY_HOST_HAS(add_middleware))
        return GANTRY_ENOTSUP;
    return gantry_host_->add_middleware(plugin, middleware);
}
/* A tool made from another one. GANTRY_EINVAL: it cannot be made of the parent that is there (the
 * log says why); without a parent it waits for one. gantry_remove_tool() takes it back. [loop] As
 * above. */
static inline int gantry_tool_from(gantry_plugin *plugin, const gantry_from *from)
{
    if (!GANTRY_HOST_HAS(tool_from))
        return GANTRY_ENOTSUP;
    return gantry_host_->tool_from(plugin, from);
}
/* A transform of all lists; of one plugin each name once. [loop] As above; GANTRY_EEXIST also: two
 * components would end up with one name. */
static inline int gantry_add_transform(gantry_plugin *plugin, const gantry_transform *transform)
{
    if (!GANTRY_HOST_HAS(add_transform))
        return GANTRY_ENOTSUP;
    return gantry_host_->add_transform(plugin, transform);
}
/* What a predicate of the plugin goes by has changed: it is asked anew. [loop] GANTRY_EPERM: not
 * live, or from within a predicate. */
static inline int gantry_transforms_changed(gantry_plugin *plugin)
{
    if (!GANTRY_HOST_HAS(transforms_changed))
        return GANTRY_ENOTSUP;
    return gantry_host_->transforms_changed(plugin);
}
/* A rule (ENABLE, DISABLE, ONLY) for the session of the call alone, after all others; NULL takes
 * all those of the session away. Of one name the last counts. It stays when the plugin is reloaded,
 * and so has no principals, concerns and data. [call] GANTRY_ENOTSUP: there is no session, as in
 * the stateless era; GANTRY_EINVAL: no such rule (the log says why); GANTRY_ETOOBIG: more than 64.
 */
static inline int gantry_session_transform(gantry_call *call, const gantry_transform *transform)
{
    if (!GANTRY_HOST_HAS(session_transform))
        return GANTRY_ENOTSUP;
    return gantry_host_->session_transform(call, transform);
}
/* Takes back a component of this instance by the name, URI or URI template that the instance gave
 * it; of tools and prompts all versions, and those of single principals. Running calls finish.
 * [loop] GANTRY_ENOENT; GANTRY_EPERM not live. */
static inline int gantry_remove_tool(gantry_plugin *plugin, const char *name)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_TOOL, name);
}
static inline int gantry_remove_resource(gantry_plugin *plugin, const char *uri)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_RESOURCE, uri);
}
static inline int gantry_remove_template(gantry_plugin *plugin, const char *uri_template)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_TEMPLATE, uri_template);
}
static inline int gantry_remove_prompt(gantry_plugin *plugin, const char *name)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_PROMPT, name);
}
static inline int gantry_remove_middleware(gantry_plugin *plugin, const char *name)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_MIDDLEWARE, name);
}
static inline int gantry_remove_transform(gantry_plugin *plugin, const char *name)
{
    return gantry_host_->remove(plugin, GANTRY_KIND_TRANSFORM, name);
}

/* ---------------------------------------------------------------- the plugin's descriptor */

/* An extension of MCP that the plugin's components are for, as clients are told in the host's
 * capabilities while the plugin is there. Made with GANTRY_EXTENSION. */
typedef struct gantry_extension {
    uint32_t size;
    uint32_t reserved;
    const char *name;          /* "io.modelcontextprotocol/ui" */
    const char *settings_json; /* an object; NULL: {} */
} gantry_extension;

/* What the one exported symbol points at. Made with GANTRY_PLUGIN. */
typedef struct gantry_descriptor {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* of the header it was built with */
    uint16_t min_host_minor;       /* refuse hosts older than this; 0: degrade */
    uint16_t arg_size;             /* stride of the settings table */
    uint32_t flags;                /* GANTRY_EXCLUSIVE, ... */
    const char *name, *version;
    const char *sdk;          /* compiler, for reports */
    const gantry_host **host; /* where the host stores its table */
    const char *description;
    const gantry_tool *const *tools; /* NULL-terminated; each element sized by itself */
    const gantry_resource *const *resources;
    const gantry_template *const *templates;
    const gantry_prompt *const *prompts;
    const gantry_arg *settings;
    uint32_t settings_size, reserved;
    /* Prepares the instance; may await and register components. Nothing is visible to clients
     * before it returned GANTRY_OK; anything else keeps the old generation (gantry_fail() says
     * why), and stop is not called: a start that fails undoes what it did. Unless the plugin is
     * GANTRY_EXCLUSIVE, start and stop are tried in a child process first, with the same settings:
     * do nothing in them that must not happen twice. [coroutine on the loop, with a deadline] */
    int (*start)(gantry_call *call, gantry_plugin *plugin);
    /* Undoes start. No call of this generation runs any more, and none will. [loop] */
    void (*stop)(gantry_plugin *plugin);
    /* Hands state to the next generation: save on the old, restore on the new one after its start,
     * before it serves. Put a version number first: the next generation may be older or newer.
     * A failing restore is logged and the instance starts fresh. [loop] */
    int (*save)(gantry_plugin *plugin, gantry_buffer *out);
    int (*restore)(gantry_plugin *plugin, const void *data, size_t n);
    const gantry_middleware *const *middleware; /* since 0.2 */
    const gantry_extension *const *extensions;  /* since 0.3 */
    const gantry_skill *const *skills;
    const gantry_from *const *tools_from; /* since 0.9 */
    const gantry_transform *const *transforms;
} gantry_descriptor;

/* ---------------------------------------------------------------- declaring macros (C only) */

#ifndef __cplusplus

/* A value of x: a text, a number, a bool, JSON, or a gantry_value as it is. In C `true` and what a
 * comparison gives are ints: GANTRY_TRUE, GANTRY_FALSE and (bool)(a > b) are bools. */
#define GANTRY_VALUE(x)                                                                            \
    _Generic((x),                                                                                  \
        bool: gantry_value_bool,                                                                   \
        char *: gantry_value_text,                                                                 \
        const char *: gantry_value_text,                                                           \
        const gantry_json *: gantry_value_json,                                                    \
        float: gantry_value_num,                                                                   \
        double: gantry_value_num,                                                                  \
        unsigned long: gantry_value_size,                                                          \
        unsigned long long: gantry_value_size,                                                     \
        gantry_value: gantry_value_itself,                                                         \
        default: gantry_value_int)(x)
#define GANTRY_TRUE ((bool)1)
#define GANTRY_FALSE ((bool)0)

/* The fields of a log line, by pairs of a name and a value (GANTRY_VALUE): GANTRY_FIELDS("table",
 * "users", "rows", n). At most 16 pairs. */
#define GANTRY_FIELDS(...)                                                                         \
    ((const gantry_field[]){                                                                       \
        GANTRY_PAIRS_(GANTRY_COUNT_(__VA_ARGS__), __VA_ARGS__){NULL, {0, 0, {NULL}}}})
/* gantry_object() with the members written out, by pairs as well. */
#define GANTRY_OBJECT(call_, ...) gantry_object((call_), GANTRY_FIELDS(__VA_ARGS__))
/* gantry_object_with() likewise. */
#define GANTRY_OBJECT_WITH(call_, object_, ...)                                                    \
    gantry_object_with((call_), (object_), GANTRY_FIELDS(__VA_ARGS__))

/* What makes GANTRY_FIELDS: a macro for each number of arguments; one that is odd has none. */
/* clang-format off */
#define GANTRY_PAIRS_(n, ...) GANTRY_PAIRS__(n, __VA_ARGS__)
#define GANTRY_PAIRS__(n, ...) GANTRY_PAIRS_##n##_(__VA_ARGS__)
#define GANTRY_PAIR_(k, v) {(k), GANTRY_VALUE(v)},
#define GANTRY_PAIRS_1_(nothing)
#define GANTRY_PAIRS_2_(k, v) GANTRY_PAIR_(k, v)
#define GANTRY_PAIRS_4_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_2_(__VA_ARGS__)
#define GANTRY_PAIRS_6_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_4_(__VA_ARGS__)
#define GANTRY_PAIRS_8_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_6_(__VA_ARGS__)
#define GANTRY_PAIRS_10_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_8_(__VA_ARGS__)
#define GANTRY_PAIRS_12_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_10_(__VA_ARGS__)
#define GANTRY_PAIRS_14_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_12_(__VA_ARGS__)
#define GANTRY_PAIRS_16_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_14_(__VA_ARGS__)
#define GANTRY_PAIRS_18_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_16_(__VA_ARGS__)
#define GANTRY_PAIRS_20_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_18_(__VA_ARGS__)
#define GANTRY_PAIRS_22_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_20_(__VA_ARGS__)
#define GANTRY_PAIRS_24_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_22_(__VA_ARGS__)
#define GANTRY_PAIRS_26_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_24_(__VA_ARGS__)
#define GANTRY_PAIRS_28_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_26_(__VA_ARGS__)
#define GANTRY_PAIRS_30_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_28_(__VA_ARGS__)
#define GANTRY_PAIRS_32_(k, v, ...) GANTRY_PAIR_(k, v) GANTRY_PAIRS_30_(__VA_ARGS__)
#define GANTRY_COUNT_(...)                                                                         \
    GANTRY_COUNT__(__VA_ARGS__, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,    \
                   18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define GANTRY_COUNT__(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, \
                       a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32,  \
                       a33, a34, n, ...) n
/* clang-format on */

#define GANTRY_TYPE_OF(S, m)                                                                       \
    _Generic(((S *)0)->m,                                                                          \
        const char *: GANTRY_T_STRING,                                                             \
        gantry_str: GANTRY_T_STR,                                                                  \
        int64_t: GANTRY_T_INT,                                                                     \
        double: GANTRY_T_NUM,                                                                      \
        bool: GANTRY_T_BOOL,                                                                       \
        gantry_opt_int: GANTRY_T_OPT_INT,                                                          \
        gantry_opt_num: GANTRY_T_OPT_NUM,                                                          \
        gantry_opt_bool: GANTRY_T_OPT_BOOL,                                                        \
        gantry_strings: GANTRY_T_STRINGS,                                                          \
        gantry_ints: GANTRY_T_INTS,                                                                \
        gantry_nums: GANTRY_T_NUMS,                                                                \
        const gantry_json *: GANTRY_T_JSON)

/* GANTRY_ARG(struct, field, "description", options as designated initialisers) */
#define GANTRY_ARG(S, m, ...)                                                                      \
    {                                                                                              \
        .name = #m, .type = GANTRY_TYPE_OF(S, m), .offset = (uint32_t)offsetof(S, m),              \
        .description = __VA_ARGS__                                                                 \
    }
/* A nested struct, described by its own table. */
#define GANTRY_ARG_OBJECT(S, m, table, ...)                                                        \
    {                                                                                              \
        .name = #m, .type = GANTRY_T_OBJECT, .offset = (uint32_t)offsetof(S, m),                   \
        .fields = (table), .description = __VA_ARGS__                                              \
    }
/* A GANTRY_ARRAY(T) of structs, the elements described by their own table. */
#define GANTRY_ARG_ARRAY(S, m, table, ...)                                                         \
    {                                                                                              \
        .name = #m, .type = GANTRY_T_ARRAY, .offset = (uint32_t)offsetof(S, m), .fields = (table), \
        .elem_size = (uint32_t)sizeof(*((S *)0)->m.v), .description = __VA_ARGS__                  \
    }
#define GANTRY_ARGS_END                                                                            \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Options of rows and components. */
#define GANTRY_ONE_OF(...)                                                                         \
    .one_of = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define GANTRY_TITLES(...)                                                                         \
    .titles = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define GANTRY_TAGS(...)                                                                           \
    .tags = (const char *const[])                                                                  \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define GANTRY_ICON(...) (&(const gantry_icon){.size = sizeof(gantry_icon), .src = __VA_ARGS__})
#define GANTRY_ICONS(...)                                                                          \
    .icons = (const gantry_icon *const[])                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
/* The form of a struct, described by a table; of a schema as text. */
#define GANTRY_FORM(S, table)                                                                      \
    (&(const gantry_form){.size = sizeof(gantry_form),                                             \
                          .arg_size = sizeof(gantry_arg),                                          \
                          .args = (table),                                                         \
                          .in_size = (uint32_t)sizeof(S)})
#define GANTRY_FORM_JSON(text)                                                                     \
    (&(const gantry_form){.size = sizeof(gantry_form), .schema_json = (text)})
/* GANTRY_SAMPLING("prompt", options); the prompt may be NULL where there are .messages. */
#define GANTRY_SAMPLING(...)                                                                       \
    (&(const gantry_sampling){.size = sizeof(gantry_sampling), .prompt = __VA_ARGS__})
#define GANTRY_LIST_OF(...) ((const char *const[]){__VA_ARGS__, NULL})
/* GANTRY_ASK(GANTRY_ASK_FORM, "key", options): a gantry_ask *, good until the end of the block that
 * it is written in (the body of an `if` is one). */
#define GANTRY_ASK(kind_, key_, ...)                                                               \
    (&(gantry_ask){.size = sizeof(gantry_ask), .kind = (kind_), .key = (key_), __VA_ARGS__})
#define GANTRY_TASK_OPTIONS(...)                                                                   \
    (&(const gantry_task_options){.size = sizeof(gantry_task_options), __VA_ARGS__})
#define GANTRY_EXTENSION(name_, ...)                                                               \
    (&(const gantry_extension){                                                                    \
        .size = sizeof(gantry_extension), .name = (name_), .settings_json = __VA_ARGS__})
#define GANTRY_EXTENSIONS(...)                                                                     \
    .extensions = (const gantry_extension *const[])                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
/* GANTRY_SKILL(forms, "pdf-forms", GANTRY_SKILL_FILE("SKILL.md", "---\nname: pdf-forms\n..."), ...)
 * makes forms_skill. */
#define GANTRY_SKILL_FILE(path_, ...)                                                              \
    {                                                                                              \
        .path = (path_), .data = __VA_ARGS__                                                       \
    }
#define GANTRY_SKILL(id, path_, ...)                                                               \
    static const gantry_skill_file id##_skill_files[] = {__VA_ARGS__, {.path = NULL}};             \
    static const gantry_skill id##_skill = {.size = sizeof(gantry_skill),                          \
                                            .file_size = sizeof(gantry_skill_file),                \
                                            .path = (path_),                                       \
                                            .files = id##_skill_files}
#define GANTRY_ANNOTATIONS(...)                                                                    \
    (&(const gantry_annotations){.size = sizeof(gantry_annotations), __VA_ARGS__})
/* The struct S, described by table, is the tool's structured output. */
#define GANTRY_OUTPUT(S, table) .output = (table), .output_size = (uint32_t)sizeof(S)
/* The struct S, described by table, holds the plugin's settings. */
#define GANTRY_SETTINGS(S, table)                                                                  \
    .settings = (table), .settings_size = (uint32_t)sizeof(S),                                     \
    .arg_size = (uint16_t)sizeof(gantry_arg)

#define GANTRY_HANDLER_(id, kind, S)                                                               \
    static int id##_##kind##_body_(gantry_call *call, const S *in);                                \
    static int id##_##kind##_run_(gantry_call *call, const void *in)                               \
    {                                                                                              \
        return id##_##kind##_body_(call, in);                                                      \
    }
#define GANTRY_BODY_(id, kind, S)                                                                  \
    static int id##_##kind##_body_(gantry_call *call GANTRY_UNUSED, const S *in GANTRY_UNUSED)

/* GANTRY_TOOL(id, input struct, "description", options) { body that sees `call` and `in` }
 * makes id_tool; the table is id_args. GANTRY_TOOL0 is for tools without arguments. */
#define GANTRY_TOOL(id, S, ...)                                                                    \
    GANTRY_HANDLER_(id, tool, S)                                                                   \
    static const gantry_tool id##_tool = {.size = sizeof(gantry_tool),                             \
                                          .arg_size = sizeof(gantry_arg),                          \
                                          .name = #id,                                             \
                                          .args = id##_args,                                       \
                                          .in_size = sizeof(S),                                    \
                                          .run = id##_tool_run_,                                   \
                                          .description = __VA_ARGS__};                             \
    GANTRY_BODY_(id, tool, S)
#define GANTRY_TOOL0(id, ...)                                                                      \
    GANTRY_HANDLER_(id, tool, void)                                                                \
    static const gantry_tool id##_tool = {.size = sizeof(gantry_tool),                             \
                                          .arg_size = sizeof(gantry_arg),                          \
                                          .name = #id,                                             \
                                          .run = id##_tool_run_,                                   \
                                          .description = __VA_ARGS__};                             \
    GANTRY_BODY_(id, tool, void)
/* GANTRY_RESOURCE(id, "uri", "description", options) { body } makes id_resource. */
#define GANTRY_RESOURCE(id, uri_, ...)                                                             \
    GANTRY_HANDLER_(id, resource, void)                                                            \
    static const gantry_resource id##_resource = {.size = sizeof(gantry_resource),                 \
                                                  .uri = uri_,                                     \
                                                  .name = #id,                                     \
                                                  .read = id##_resource_run_,                      \
                                                  .description = __VA_ARGS__};                     \
    GANTRY_BODY_(id, resource, void)
/* GANTRY_TEMPLATE(id, struct of variables, "uri template", "description", options) { body } makes
 * id_template; the table is id_args. */
#define GANTRY_TEMPLATE(id, S, uri_template_, ...)                                                 \
    GANTRY_HANDLER_(id, template, S)                                                               \
    static const gantry_template id##_template = {.size = sizeof(gantry_template),                 \
                                                  .arg_size = sizeof(gantry_arg),                  \
                                                  .uri_template = uri_template_,                   \
                                                  .name = #id,                                     \
                                                  .args = id##_args,                               \
                                                  .in_size = sizeof(S),                            \
                                                  .read = id##_template_run_,                      \
                                                  .description = __VA_ARGS__};                     \
    GANTRY_BODY_(id, template, S)
/* GANTRY_PROMPT(id, struct of arguments, "description", options) { body } makes id_prompt; the
 * table is id_args. GANTRY_PROMPT0 is for prompts without arguments. */
#define GANTRY_PROMPT(id, S, ...)                                                                  \
    GANTRY_HANDLER_(id, prompt, S)                                                                 \
    static const gantry_prompt id##_prompt = {.size = sizeof(gantry_prompt),                       \
                                              .arg_size = sizeof(gantry_arg),                      \
                                              .name = #id,                                         \
                                              .args = id##_args,                                   \
                                              .in_size = sizeof(S),                                \
                                              .render = id##_prompt_run_,                          \
                                              .description = __VA_ARGS__};                         \
    GANTRY_BODY_(id, prompt, S)
#define GANTRY_PROMPT0(id, ...)                                                                    \
    GANTRY_HANDLER_(id, prompt, void)                                                              \
    static const gantry_prompt id##_prompt = {.size = sizeof(gantry_prompt),                       \
                                              .arg_size = sizeof(gantry_arg),                      \
                                              .name = #id,                                         \
                                              .render = id##_prompt_run_,                          \
                                              .description = __VA_ARGS__};                         \
    GANTRY_BODY_(id, prompt, void)

/* GANTRY_MIDDLEWARE(id, hooks, options) { body that sees `call` and calls gantry_next(call) } makes
 * id_middleware. */
#define GANTRY_MIDDLEWARE(id, ...)                                                                 \
    static int id##_middleware_run_(gantry_call *call);                                            \
    static const gantry_middleware id##_middleware = {.size = sizeof(gantry_middleware),           \
                                                      .name = #id,                                 \
                                                      .run = id##_middleware_run_,                 \
                                                      .hooks = __VA_ARGS__};                       \
    static int id##_middleware_run_(gantry_call *call)

/* GANTRY_TOOL_FROM(id, "parent", "description", options) makes id_from, a plain one; its table is
 * id_changes. GANTRY_TOOL_AROUND(id, "parent", struct, "description", options) { body that sees
 * `call` and `in` } has a function around it; its tables are id_changes and id_args. A description
 * of NULL is the parent's. The 0 in GANTRY_TOOL_AROUND0: without id_args, and `in` is NULL. Who has
 * nothing to change writes GANTRY_NO_CHANGES(id). */
#define GANTRY_CHANGE(arg_, ...)                                                                   \
    {                                                                                              \
        .arg = #arg_, __VA_ARGS__                                                                  \
    }
#define GANTRY_CHANGES_END                                                                         \
    {                                                                                              \
        .arg = NULL                                                                                \
    }
#define GANTRY_NO_CHANGES(id) static const gantry_change id##_changes[] = {GANTRY_CHANGES_END}
#define GANTRY_FROM_(id, parent_, ...)                                                             \
    static const gantry_from id##_from = {.size = sizeof(gantry_from),                             \
                                          .change_size = sizeof(gantry_change),                    \
                                          .arg_size = sizeof(gantry_arg),                          \
                                          .name = #id,                                             \
                                          .parent = (parent_),                                     \
                                          .changes = id##_changes,                                 \
                                          __VA_ARGS__}
#define GANTRY_TOOL_FROM(id, parent_, ...) GANTRY_FROM_(id, parent_, .description = __VA_ARGS__)
#define GANTRY_TOOL_AROUND(id, parent_, S, ...)                                                    \
    GANTRY_HANDLER_(id, around, S)                                                                 \
    GANTRY_FROM_(id, parent_, .args = id##_args, .in_size = (uint32_t)sizeof(S),                   \
                 .run = id##_around_run_, .description = __VA_ARGS__);                             \
    GANTRY_BODY_(id, around, S)
#define GANTRY_TOOL_AROUND0(id, parent_, ...)                                                      \
    GANTRY_HANDLER_(id, around, void)                                                              \
    GANTRY_FROM_(id, parent_, .run = id##_around_run_, .description = __VA_ARGS__);                \
    GANTRY_BODY_(id, around, void)
/* GANTRY_FROM("name", "parent", options): a const gantry_from * for gantry_tool_from(), good until
 * the end of the block that it is written in. */
#define GANTRY_FROM(name_, ...)                                                                    \
    (&(const gantry_from){.size = sizeof(gantry_from),                                             \
                          .change_size = sizeof(gantry_change),                                    \
                          .arg_size = sizeof(gantry_arg),                                          \
                          .name = (name_),                                                         \
                          .parent = __VA_ARGS__})
/* GANTRY_TRANSFORM(DISABLE, "name", options), GANTRY_TRANSFORM(NAMESPACE, ...), ... */
#define GANTRY_TRANSFORM(type_, ...)                                                               \
    (&(const gantry_transform){                                                                    \
        .size = sizeof(gantry_transform), .type = GANTRY_TRANSFORM_##type_, .name = __VA_ARGS__})
/* GANTRY_RENAMES({"from", "to"}, {"a", "b"}), an option of GANTRY_TRANSFORM(RENAME, ...). */
#define GANTRY_RENAMES(...)                                                                        \
    .rename_size = sizeof(gantry_rename), .renames = (const gantry_rename[])                       \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }

#define GANTRY_TOOLS(...) ((const gantry_tool *const[]){__VA_ARGS__, NULL})
#define GANTRY_RESOURCES(...) ((const gantry_resource *const[]){__VA_ARGS__, NULL})
#define GANTRY_TEMPLATES(...) ((const gantry_template *const[]){__VA_ARGS__, NULL})
#define GANTRY_PROMPTS(...) ((const gantry_prompt *const[]){__VA_ARGS__, NULL})
#define GANTRY_SKILLS(...) ((const gantry_skill *const[]){__VA_ARGS__, NULL})
#define GANTRY_MIDDLEWARES(...) ((const gantry_middleware *const[]){__VA_ARGS__, NULL})
#define GANTRY_TOOLS_FROM(...) ((const gantry_from *const[]){__VA_ARGS__, NULL})
#define GANTRY_TRANSFORMS(...) ((const gantry_transform *const[]){__VA_ARGS__, NULL})

/* Clang's __VERSION__ says whose it is, that of gcc does not. */
#ifdef __clang__
#define GANTRY_COMPILER_ __VERSION__
#else
#define GANTRY_COMPILER_ "gcc " __VERSION__
#endif

/* Once in every plugin: GANTRY_PLUGIN("name", "version", .tools = ..., .start = ..., ...);
 * The symbol's name carries the major; while the ABI is 0.x it is that of the coming 1. */
#define GANTRY_PLUGIN(name_, ...)                                                                  \
    const gantry_host *gantry_host_;                                                               \
    extern GANTRY_EXPORT const gantry_descriptor gantry_plugin_v1;                                 \
    const gantry_descriptor gantry_plugin_v1 = {.size = sizeof(gantry_descriptor),                 \
                                                .abi_major = GANTRY_ABI_MAJOR,                     \
                                                .abi_minor = GANTRY_ABI_MINOR,                     \
                                                .sdk = GANTRY_COMPILER_,                           \
                                                .host = &gantry_host_,                             \
                                                .name = name_,                                     \
                                                .version = __VA_ARGS__};                           \
    struct gantry_plugin_needs_semicolon

#endif /* !__cplusplus */

#ifdef __cplusplus
}
#endif

#endif
