/* show.c - results as people read them. */
#include "person.h"

#include "images.h"
#include "term.h"
#include "text.h"
#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX 100 /* of a list for a program: on one line */
#define NAME_COLUMN 32
#define NARROW 50 /* columns: below that a description stands under its name */
#define DESCRIPTION_LINES 6
#define SAVED_MAX 100 /* files of one result */
#define NAME_MAX_BYTES 4096
#define ARGUMENTS_MAX ((size_t)64 * 1024)

struct show {
    FILE *out;
    const char *save; /* the folder for bytes; NULL: on a terminal one of the user's */
    struct gn_term term;
    size_t columns;
    unsigned saved; /* files so far */
    bool lacks;     /* something could not be saved where it was wanted */
};

static struct show begin(FILE *out, const char *save)
{
    struct show s = {.out = out, .save = save};
    gn_term_init(&s.term, out);
    s.columns = gn_term_width(&s.term);
    return s;
}

static void put_style(const struct show *s, enum gn_style style)
{
    fputs(gn_term_style(&s->term, style), s->out);
}

/* On a terminal wrapped, with blanks before each line but the first; and a newline. */
static void put_wrapped(const struct show *s, const char *text, size_t len, size_t indent,
                        size_t max_lines)
{
    struct gn_buf lines = GN_BUF_INIT(len * 64 + 4096);
    gn_text_add_wrapped(&lines, text, len, indent, s->columns, max_lines);
    fwrite(gn_buf_str(&lines), 1, lines.len, s->out);
    gn_buf_release(&lines);
}

static void put_line(const struct show *s, enum gn_style style, const char *text)
{
    put_style(s, style);
    gn_cli_print_line(s->out, text);
    put_style(s, GN_STYLE_NONE);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static void print_string(const struct show *s, const char *text, size_t len)
{
    if (!text)
        return;
    if (s->term.is_terminal) {
        put_wrapped(s, text, len, 0, 0);
        return;
    }
    fwrite(text, 1, len, s->out);
    if (len == 0 || text[len - 1] != '\n')
        fputc('\n', s->out);
}

/* On a terminal JSON is for people, too. */
static void print_text(const struct show *s, const json_t *string)
{
    const char *text = json_string_value(string);
    size_t len = json_string_length(string), blanks = text ? strspn(text, " \t\r\n") : 0;
    bool may_be_json = s->term.is_terminal && text && (text[blanks] == '{' || text[blanks] == '[');
    json_t *value = may_be_json ? json_loadb(text, len, 0, NULL) : NULL;
    if (value)
        gn_show_json(s->out, value);
    else
        print_string(s, text, len);
    json_decref(value);
}

/* Bytes that Base64 of this length stands for. */
static size_t decoded_size(const char *base64)
{
    size_t len = strlen(base64), size = len / 4 * 3;
    for (int i = 0; i < 2 && len && base64[len - 1] == '='; i++, len--)
        size--;
    return size;
}

/* Saves what a block holds, if a person is to look at it. *ret_path is owned; NULL: not saved. */
static void save_bytes(struct show *s, const char *kind, const char *uri, const char *mime,
                       const char *base64, char **ret_path, struct gn_error *err)
{
    size_t len = strlen(base64);
    struct gn_buf bytes = GN_BUF_INIT(len + 4);
    *ret_path = NULL;
    if ((!s->term.is_terminal && !s->save) || len == 0)
        return;
    if (s->saved++ >= SAVED_MAX)
        gn_error_set(err, GN_ETOOBIG, "that are more than %d files", SAVED_MAX);
    else if (gn_base64_decode(&bytes, base64, len))
        gn_error_set(err, GN_EINVAL, "it is not Base64");
    else
        gn_image_save(s->save, kind, uri, mime, gn_buf_str(&bytes), bytes.len, ret_path, err);
    gn_buf_release(&bytes);
}

/* "[image image/png, 262 bytes]", and where it was saved. */
static void print_bytes(struct show *s, const char *kind, const char *uri, const char *mime,
                        const char *base64)
{
    struct gn_error err = {0};
    char *path;
    save_bytes(s, kind, uri, mime, base64, &path, &err);
    fputc('[', s->out);
    gn_cli_print_line(s->out, uri ? uri : kind);
    fputc(' ', s->out);
    gn_cli_print_line(s->out, mime);
    fprintf(s->out, ", %zu bytes]", decoded_size(base64));
    if (path) {
        fputc(' ', s->out);
        put_line(s, GN_STYLE_BOLD, path);
    } else if (err.code) {
        fputs(" not saved: ", s->out);
        gn_cli_print_line(s->out, err.text);
        s->lacks = s->save != NULL;
    }
    fputc('\n', s->out);
    gn_free(path);
}

static void print_link(const struct show *s, const json_t *block)
{
    put_line(s, GN_STYLE_CYAN, text_of(block, "uri"));
    const char *name = text_of(block, "name");
    if (*name) {
        fputs("  ", s->out);
        gn_cli_print_line(s->out, name);
    }
    fputc('\n', s->out);
}

/* "(name, [times])" */
static void add_tool_arguments(struct gn_buf *out, const json_t *tool)
{
    const json_t *schema = json_object_get(tool, "inputSchema"), *item;
    json_t *required = json_object();
    const char *name;
    json_t *property;
    size_t i, n = 0;
    json_array_foreach(json_object_get(schema, "required"), i, item) json_object_set_new(
        required, json_string_value(item) ? json_string_value(item) : "", json_true());
    gn_buf_addc(out, '(');
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        bool optional = !json_object_get(required, name);
        gn_buf_addf(out, "%s%s%s%s", n++ ? ", " : "", optional ? "[" : "", name,
                    optional ? "]" : "");
    }
    gn_buf_addc(out, ')');
    json_decref(required);
}

static void add_prompt_arguments(struct gn_buf *out, const json_t *prompt)
{
    size_t i;
    json_t *argument;
    gn_buf_addc(out, '(');
    json_array_foreach(json_object_get(prompt, "arguments"), i, argument)
    {
        const char *name = json_string_value(json_object_get(argument, "name"));
        bool optional = !json_is_true(json_object_get(argument, "required"));
        gn_buf_addf(out, "%s%s%s%s", i ? ", " : "", optional ? "[" : "", name ? name : "",
                    optional ? "]" : "");
    }
    gn_buf_addc(out, ')');
}

/* A line for a program: it does not change with who looks at it. */
static void print_plain_item(const struct show *s, const char *name, const char *arguments,
                             const char *description)
{
    fputs("  ", s->out);
    gn_cli_print_line(s->out, name);
    gn_cli_print_line(s->out, arguments);
    size_t width = gn_utf8_count(name, strlen(name)) + gn_utf8_count(arguments, strlen(arguments)) +
                   2;
    size_t line = strcspn(description, "\n");
    size_t cut = gn_utf8_cut(description, line, DESCRIPTION_MAX);
    if (cut > 0) {
        GN_AUTO_FREE char *text = gn_strndup(description, cut);
        fprintf(s->out, "%*s", width + 2 > NAME_COLUMN ? 2 : (int)(NAME_COLUMN - width), "");
        gn_cli_print_line(s->out, text);
        fputs(cut < line ? "..." : "", s->out);
    }
    fputc('\n', s->out);
}

/* A row of the table: name and arguments, wrapped if they must; description in its column, or
 * below.
 */
static void print_row(const struct show *s, const char *name, const char *arguments,
                      const char *description, size_t column)
{
    struct gn_buf title = GN_BUF_INIT(2 * NAME_MAX_BYTES * GN_TEXT_GROWTH);
    gn_text_add_safe(&title, name, gn_utf8_cut(name, strlen(name), NAME_MAX_BYTES), true);
    const size_t name_len = title.len;
    gn_text_add_safe(&title, arguments, gn_utf8_cut(arguments, strlen(arguments), NAME_MAX_BYTES),
                     true);
    size_t width = 2 + gn_text_width(gn_buf_str(&title), title.len);
    const char *end = strstr(description, "\n\n"); /* the first paragraph */
    size_t len = end ? (size_t)(end - description) : strlen(description);
    fputs("  ", s->out);
    put_style(s, GN_STYLE_CYAN);
    if (width > s->columns) {
        struct gn_buf lines = GN_BUF_INIT(title.len * 64 + 4096);
        gn_text_add_wrapped(&lines, gn_buf_str(&title), title.len, 4, s->columns, 0);
        fwrite(gn_buf_str(&lines), 1, lines.len - 1, s->out);
        gn_buf_release(&lines);
    } else {
        fwrite(gn_buf_str(&title), 1, name_len, s->out);
        put_style(s, GN_STYLE_NONE);
        fwrite(gn_buf_str(&title) + name_len, 1, title.len - name_len, s->out);
    }
    put_style(s, GN_STYLE_NONE);
    gn_buf_release(&title);
    if (width + 2 > column || len == 0)
        fputc('\n', s->out);
    if (len == 0)
        return;
    fprintf(s->out, "%*s", (int)(width + 2 > column ? column : column - width), "");
    put_wrapped(s, description, len, column, DESCRIPTION_LINES);
}

static void print_item(const struct show *s, const char *name, const char *arguments,
                       const json_t *item, size_t column)
{
    const char *description = text_of(item, "description");
    if (!*description)
        description = text_of(item, "title");
    if (s->term.is_terminal)
        print_row(s, name, arguments, description + strspn(description, " \n"), column);
    else
        print_plain_item(s, name, arguments, description);
}

static void show_block(struct show *s, const json_t *block)
{
    const char *type = text_of(block, "type");
    const json_t *resource = json_object_get(block, "resource");
    if (gn_streq(type, "text"))
        print_text(s, json_object_get(block, "text"));
    else if (gn_streq(type, "image") || gn_streq(type, "audio"))
        print_bytes(s, type, NULL, text_of(block, "mimeType"), text_of(block, "data"));
    else if (gn_streq(type, "resource_link"))
        print_link(s, block);
    else if (json_object_get(resource, "text"))
        print_text(s, json_object_get(resource, "text"));
    else if (resource)
        print_bytes(s, "resource", text_of(resource, "uri"), text_of(resource, "mimeType"),
                    text_of(resource, "blob"));
    else
        gn_show_json(s->out, block);
}

static void show_content(struct show *s, const json_t *content)
{
    size_t i;
    json_t *block;
    if (json_is_object(content)) { /* a message of a prompt has one block */
        show_block(s, content);
        return;
    }
    json_array_foreach(content, i, block) show_block(s, block);
}

static int code_of(const struct show *s)
{
    return s->lacks ? GN_EXIT_FAILED : GN_EXIT_OK;
}

static bool write_blob(struct show *s, const json_t *item)
{
    const char *base64 = text_of(item, "blob");
    size_t len = strlen(base64);
    if (s->term.is_terminal || s->save) {
        print_bytes(s, "resource", text_of(item, "uri"), text_of(item, "mimeType"), base64);
        return true;
    }
    struct gn_buf bytes = GN_BUF_INIT(len + 4);
    bool ok = gn_base64_decode(&bytes, base64, len) == 0;
    if (ok)
        fwrite(gn_buf_str(&bytes), 1, bytes.len, s->out);
    gn_buf_release(&bytes);
    return ok;
}

int gn_show_resource(FILE *out, const char *save, const json_t *contents)
{
    struct show s = begin(out, save);
    bool ok = true;
    size_t i;
    json_t *item;
    json_array_foreach(contents, i, item)
    {
        const json_t *text = json_object_get(item, "text");
        if (text && s.term.is_terminal)
            print_text(&s, text);
        else if (json_is_string(text))
            fwrite(json_string_value(text), 1, json_string_length(text), out);
        else
            ok = write_blob(&s, item) && ok;
    }
    return !ok ? GN_EXIT_PROTOCOL : code_of(&s);
}

struct list_kind {
    const char *member, *title, *name_key;
    void (*add_arguments)(struct gn_buf *out, const json_t *item);
};

static char *arguments_of(const struct list_kind *kind, const json_t *item)
{
    struct gn_buf arguments = GN_BUF_INIT(ARGUMENTS_MAX);
    if (kind->add_arguments)
        kind->add_arguments(&arguments, item);
    return gn_buf_take(&arguments, NULL);
}

/* Where descriptions begin: behind the longest name, unless that leaves too little for them. */
static size_t find_column(const struct show *s, const struct list_kind *kind, const json_t *items)
{
    size_t i, column = 0, most = s->columns / 2;
    json_t *item;
    if (s->columns < NARROW)
        return GN_MIN((size_t)4, s->columns / 5);
    json_array_foreach(items, i, item)
    {
        const char *name = text_of(item, kind->name_key);
        GN_AUTO_FREE char *arguments = arguments_of(kind, item);
        size_t width = 4 + gn_text_width(name, strlen(name)) +
                       gn_text_width(arguments, strlen(arguments));
        column = width <= most && width > column ? width : column;
    }
    return column ? column : GN_MIN((size_t)NAME_COLUMN, most);
}

void gn_show_list(FILE *out, const char *member, const json_t *items)
{
    static const struct list_kind kinds[] = {
        {"tools", "tools", "name", add_tool_arguments},
        {"resources", "resources", "uri", NULL},
        {"resourceTemplates", "templates", "uriTemplate", NULL},
        {"prompts", "prompts", "name", add_prompt_arguments},
    };
    const struct show s = begin(out, NULL);
    size_t i, k = 0;
    json_t *item;
    while (k < GN_COUNT(kinds) && !gn_streq(kinds[k].member, member))
        k++;
    if (k == GN_COUNT(kinds) || json_array_size(items) == 0)
        return;
    size_t column = s.term.is_terminal ? find_column(&s, &kinds[k], items) : 0;
    put_line(&s, GN_STYLE_BOLD, kinds[k].title);
    fputc('\n', out);
    json_array_foreach(items, i, item)
    {
        GN_AUTO_FREE char *arguments = arguments_of(&kinds[k], item);
        print_item(&s, text_of(item, kinds[k].name_key), arguments, item, column);
    }
}

int gn_show_result(FILE *out, const char *save, const json_t *result)
{
    struct show s = begin(out, save);
    const json_t *content = json_object_get(result, "content");
    const json_t *structured = json_object_get(result, "structuredContent");
    if (json_array_size(content) == 0 && structured)
        gn_show_json(out, structured);
    else
        show_content(&s, content);
    return code_of(&s);
}

int gn_show_prompt(FILE *out, const char *save, const json_t *result)
{
    struct show s = begin(out, save);
    size_t i;
    json_t *message;
    json_array_foreach(json_object_get(result, "messages"), i, message)
    {
        const char *role = text_of(message, "role");
        put_line(&s, GN_STYLE_BOLD, *role ? role : "?");
        fputs(":\n", out);
        show_content(&s, json_object_get(message, "content"));
    }
    return code_of(&s);
}

void gn_show_completion(FILE *out, const json_t *values)
{
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value)
    {
        gn_cli_print_line(out, json_string_value(value) ? json_string_value(value) : "");
        fputc('\n', out);
    }
}

static void print_field(const struct show *s, const char *name, const char *value)
{
    const size_t column = s->columns < NARROW ? 2 : 14;
    if (!value)
        return;
    put_style(s, GN_STYLE_BOLD);
    fputs(name, s->out);
    put_style(s, GN_STYLE_NONE);
    if (!s->term.is_terminal) {
        fprintf(s->out, "%*s", (int)(14 - strlen(name)), "");
        gn_cli_print_line(s->out, value);
        fputc('\n', s->out);
        return;
    }
    if (column > strlen(name))
        fprintf(s->out, "%*s", (int)(column - strlen(name)), "");
    else
        fprintf(s->out, "\n%*s", (int)column, "");
    put_wrapped(s, value, strlen(value), column, 0);
}

/* Where the eras keep who the server is. */
static const json_t *server_info(const json_t *server)
{
    const json_t *info = json_object_get(json_object_get(server, GN_META), GN_META_SERVER_INFO);
    return info ? info : json_object_get(server, "serverInfo");
}

void gn_show_server(FILE *out, const char *revision, const char *transport, const json_t *server)
{
    static const struct {
        const char *name, *key;
    } fields[] = {
        {"name", "name"}, {"title", "title"}, {"version", "version"}, {"website", "websiteUrl"}};
    const struct show s = begin(out, NULL);
    const json_t *instructions = json_object_get(server, "instructions");
    const char *name;
    json_t *value;
    for (size_t i = 0; i < GN_COUNT(fields); i++)
        print_field(&s, fields[i].name,
                    json_string_value(json_object_get(server_info(server), fields[i].key)));
    print_field(&s, "protocol", revision);
    print_field(&s, "transport", transport);
    struct gn_buf names = GN_BUF_INIT(ARGUMENTS_MAX);
    json_object_foreach(json_object_get(server, "capabilities"), name, value)
        gn_buf_addf(&names, "%s%s", names.len ? ", " : "", name);
    print_field(&s, "capabilities", gn_buf_str(&names));
    gn_buf_release(&names);
    if (json_string_length(instructions) > 0) {
        fputc('\n', out);
        print_string(&s, json_string_value(instructions), json_string_length(instructions));
    }
}

void gn_show_ping(FILE *out, unsigned number, const char *revision, double ms)
{
    fprintf(out, "%u: %.1f ms, revision %s\n", number, ms, revision);
    fflush(out);
}

void gn_show_ping_summary(FILE *out, unsigned sent, unsigned answered, double min, double mean,
                          double max)
{
    fprintf(out, "%u sent, %u answered", sent, answered);
    if (answered)
        fprintf(out, "; %.1f ms at least, %.1f on average, %.1f at most", min, mean, max);
    fputc('\n', out);
}

void gn_show_change(FILE *out, const char *what, const char *uri)
{
    gn_cli_print_line(out, what);
    if (uri) {
        fputc(' ', out);
        gn_cli_print_line(out, uri);
    }
    fputc('\n', out);
    fflush(out);
}
