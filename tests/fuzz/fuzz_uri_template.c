/* fuzz_uri_template.c - a template and a URI, on two lines: nothing crashes, no variable carries
 * what it must not, and what a template was matched with expands to a URI that it matches alike.
 */
#include "registry/uri_template.h"
#include "util/alloc.h"

#include <stdio.h>
#include <string.h>

#define ARENA_MAX ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(const gantry_json *v, const char *what)
{
    return memmem(v->text, v->len, what, strlen(what)) != NULL;
}

static void check_values(const struct gn_uri_template *t, const gantry_json *vars)
{
    const char *const *names = gn_uri_template_vars(t);
    for (size_t i = 0; names[i]; i++) {
        const gantry_json *v = gn_json_get(vars, names[i]);
        bool query = gn_uri_template_var_is_query(t, i);
        gn_assert(v != NULL || query);
        if (query)
            continue;
        char star[520];
        gn_assert(v->len > 0 && !(v->flags & GN_JSON_HAS_NUL));
        gn_assert(!gn_json_streq(v, ".") && !gn_json_streq(v, "..") && !contains(v, "/../"));
        snprintf(star, sizeof(star), "{%.512s*}", names[i]);
        gn_assert(strstr(gn_uri_template_text(t), star) || strlen(names[i]) > 512 ||
                  !contains(v, "/"));
    }
}

/* With '%' in a literal or a star the way back may be another one. */
static void check_expansion(const struct gn_uri_template *t, const gantry_json *vars,
                            struct gn_arena *arena)
{
    struct gn_buf uri = GN_BUF_INIT(8 * 1024);
    const gantry_json *again = NULL;
    int rc = gn_uri_template_expand(t, vars, &uri);
    if (rc == 0 && !strpbrk(gn_uri_template_text(t), "%*")) {
        gn_assert(gn_uri_template_match(t, gn_buf_str(&uri), arena, &again));
        gn_assert(gn_json_equal(vars, again));
    }
    gn_buf_release(&uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = gn_strndup((const char *)data, strnlen((const char *)data, size));
    char *line = strchr(text, '\n');
    char *uri = gn_strdup(line ? line + 1 : "");
    struct gn_uri_template *t = NULL;
    struct gn_error err = {0};
    if (line)
        *line = '\0';
    if (gn_uri_template_parse(text, true, &t, &err) == 0) {
        struct gn_arena arena;
        const gantry_json *vars = NULL;
        gn_arena_init(&arena, ARENA_MAX);
        if (gn_uri_template_match(t, uri, &arena, &vars)) {
            check_values(t, vars);
            check_expansion(t, vars, &arena);
        }
        gn_arena_release(&arena);
    } else {
        gn_assert(err.code != 0 && err.text[0] != '\0');
        if (gn_uri_template_parse(text, false, &t, NULL) == 0) {
            struct gn_buf out = GN_BUF_INIT(64 * 1024);
            (void)gn_uri_template_expand(t, NULL, &out);
            gn_buf_release(&out);
        }
    }
    gn_uri_template_free(t);
    gn_free(uri);
    gn_free(text);
    return 0;
}
