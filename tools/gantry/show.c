/* show.c - results as people read them. */
#include "person.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>
#include <unistd.h>

#define DESCRIPTION_MAX 100
#define NAME_COLUMN 32

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static void print_string(FILE *out, const json_t *string)
{
    const char *s = json_string_value(string);
    size_t len = json_string_length(string);
    if (!s)
        return;
    gn_cli_print_text(out, s, len);
    if (len == 0 || s[len - 1] != '\n')
        fputc('\n', out);
}

/* Bytes that Base64 of this length stands for. */
static size_t decoded_size(const char *base64)
{
    size_t len = strlen(base64), size = len / 4 * 3;
    for (int i = 0; i < 2 && len && base64[len - 1] == '='; i++, len--)
        size--;
    return size;
}

static void print_placeholder(FILE *out, const char *kind, const json_t *block, const char *data)
{
    fputc('[', out);
    gn_cli_print_line(out, kind);
    fputc(' ', out);
    gn_cli_print_line(out, text_of(block, "mimeType"));
    fprintf(out, ", %zu bytes]\n", decoded_size(data));
}

static void print_link(FILE *out, const json_t *block)
{
    gn_cli_print_line(out, text_of(block, "uri"));
    const char *name = text_of(block, "name");
    if (*name) {
        fputs("  ", out);
        gn_cli_print_line(out, name);
    }
    fputc('\n', out);
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

static void print_item(FILE *out, const char *name, const char *arguments, const json_t *item)
{
    const char *description = text_of(item, "description");
    if (!*description)
        description = text_of(item, "title");
    fputs("  ", out);
    gn_cli_print_line(out, name);
    gn_cli_print_line(out, arguments);
    size_t width = gn_utf8_count(name, strlen(name)) + gn_utf8_count(arguments, strlen(arguments)) +
                   2;
    size_t line = strcspn(description, "\n");
    size_t cut = gn_utf8_cut(description, line, DESCRIPTION_MAX);
    if (cut > 0) {
        GN_AUTO_FREE char *text = gn_strndup(description, cut);
        fprintf(out, "%*s", width + 2 > NAME_COLUMN ? 2 : (int)(NAME_COLUMN - width), "");
        gn_cli_print_line(out, text);
        fputs(cut < line ? "..." : "", out);
    }
    fputc('\n', out);
}

static void show_block(FILE *out, const json_t *block)
{
    const char *type = text_of(block, "type");
    const json_t *resource = json_object_get(block, "resource");
    if (gn_streq(type, "text"))
        print_string(out, json_object_get(block, "text"));
    else if (gn_streq(type, "image") || gn_streq(type, "audio"))
        print_placeholder(out, type, block, text_of(block, "data"));
    else if (gn_streq(type, "resource_link"))
        print_link(out, block);
    else if (json_object_get(resource, "text"))
        print_string(out, json_object_get(resource, "text"));
    else if (resource)
        print_placeholder(out, text_of(resource, "uri"), resource, text_of(resource, "blob"));
    else
        gn_cli_print_json(out, block);
}

void gn_show_content(FILE *out, const json_t *content)
{
    size_t i;
    json_t *block;
    if (json_is_object(content)) { /* a message of a prompt has one block */
        show_block(out, content);
        return;
    }
    json_array_foreach(content, i, block) show_block(out, block);
}

static bool write_blob(FILE *out, const json_t *item)
{
    const char *base64 = text_of(item, "blob");
    size_t len = strlen(base64);
    if (isatty(fileno(out))) {
        print_placeholder(out, text_of(item, "uri"), item, base64);
        return true;
    }
    struct gn_buf bytes = GN_BUF_INIT(len + 4);
    bool ok = gn_base64_decode(&bytes, base64, len) == 0;
    if (ok)
        fwrite(gn_buf_str(&bytes), 1, bytes.len, out);
    gn_buf_release(&bytes);
    return ok;
}

bool gn_show_resource(FILE *out, const json_t *contents)
{
    bool ok = true;
    size_t i;
    json_t *item;
    json_array_foreach(contents, i, item)
    {
        const json_t *text = json_object_get(item, "text");
        if (text && isatty(fileno(out)))
            print_string(out, text);
        else if (text)
            fwrite(json_string_value(text), 1, json_string_length(text), out);
        else
            ok = write_blob(out, item) && ok;
    }
    return ok;
}

void gn_show_list(FILE *out, const char *member, const json_t *items)
{
    static const struct {
        const char *member, *title, *name_key;
        void (*add_arguments)(struct gn_buf *out, const json_t *item);
    } kinds[] = {
        {"tools", "tools", "name", add_tool_arguments},
        {"resources", "resources", "uri", NULL},
        {"resourceTemplates", "templates", "uriTemplate", NULL},
        {"prompts", "prompts", "name", add_prompt_arguments},
    };
    size_t i, k = 0;
    json_t *item;
    while (k < GN_COUNT(kinds) && !gn_streq(kinds[k].member, member))
        k++;
    if (k == GN_COUNT(kinds) || json_array_size(items) == 0)
        return;
    fprintf(out, "%s\n", kinds[k].title);
    json_array_foreach(items, i, item)
    {
        struct gn_buf arguments = GN_BUF_INIT(64 * 1024);
        if (kinds[k].add_arguments)
            kinds[k].add_arguments(&arguments, item);
        print_item(out, text_of(item, kinds[k].name_key), gn_buf_str(&arguments), item);
        gn_buf_release(&arguments);
    }
}

void gn_show_json(FILE *out, const json_t *value)
{
    gn_cli_print_json(out, value);
}

void gn_show_result(FILE *out, const json_t *result)
{
    const json_t *content = json_object_get(result, "content");
    const json_t *structured = json_object_get(result, "structuredContent");
    if (json_array_size(content) == 0 && structured)
        gn_show_json(out, structured);
    else
        gn_show_content(out, content);
}

void gn_show_prompt(FILE *out, const json_t *result)
{
    size_t i;
    json_t *message;
    json_array_foreach(json_object_get(result, "messages"), i, message)
    {
        const char *role = text_of(message, "role");
        gn_cli_print_line(out, *role ? role : "?");
        fputs(":\n", out);
        gn_show_content(out, json_object_get(message, "content"));
    }
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

static void print_field(FILE *out, const char *name, const char *value)
{
    if (!value)
        return;
    fprintf(out, "%-14s", name);
    gn_cli_print_line(out, value);
    fputc('\n', out);
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
    const json_t *instructions = json_object_get(server, "instructions");
    const char *name;
    json_t *value;
    size_t n = 0;
    for (size_t i = 0; i < GN_COUNT(fields); i++)
        print_field(out, fields[i].name,
                    json_string_value(json_object_get(server_info(server), fields[i].key)));
    print_field(out, "protocol", revision);
    print_field(out, "transport", transport);
    fprintf(out, "%-14s", "capabilities");
    json_object_foreach(json_object_get(server, "capabilities"), name, value)
    {
        fputs(n++ ? ", " : "", out);
        gn_cli_print_line(out, name);
    }
    fputc('\n', out);
    if (json_string_length(instructions) > 0) {
        fputc('\n', out);
        gn_cli_print_text(out, json_string_value(instructions), json_string_length(instructions));
        fputc('\n', out);
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
