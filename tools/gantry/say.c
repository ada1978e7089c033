/* say.c - what a person reads. */
#include "cli.h"
#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_prefix(const struct gn_cli *cli)
{
    fprintf(stderr, "gantry%s%s: ", cli->command ? " " : "",
            cli->command ? cli->command->name : "");
}

static void print_safe(FILE *out, const char *text, size_t len, bool one_line)
{
    if (isatty(fileno(out))) {
        struct gn_buf safe = GN_BUF_INIT(len * GN_TEXT_GROWTH + 1);
        gn_text_add_safe(&safe, text, len, one_line);
        fwrite(gn_buf_str(&safe), 1, safe.len, out);
        gn_buf_release(&safe);
        return;
    }
    for (size_t i = 0; i < len && !ferror(out);) {
        const char *newline = one_line ? memchr(text + i, '\n', len - i) : NULL;
        size_t n = newline ? (size_t)(newline - text) - i : len - i;
        fwrite(text + i, 1, n, out);
        fputs(newline ? "\\n" : "", out);
        i += n + (newline != NULL);
    }
}

int gn_cli_fail(const struct gn_cli *cli, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    print_prefix(cli);
    print_safe(stderr, text, strlen(text), false);
    fputc('\n', stderr);
    return code;
}

int gn_cli_usage(const struct gn_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    print_prefix(cli);
    print_safe(stderr, text, strlen(text), false);
    fprintf(stderr, " (gantry %s%s--help)\n", cli->command ? cli->command->name : "",
            cli->command ? " " : "");
    return GN_EXIT_USAGE;
}

void gn_cli_fail_lines(const struct gn_cli *cli, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        print_prefix(cli);
        print_safe(stderr, lines, len, true);
        fputc('\n', stderr);
        lines += len + (lines[len] == '\n');
    }
}

void gn_cli_print_text(FILE *out, const char *text, size_t len)
{
    print_safe(out, text, len, false);
}

void gn_cli_print_line(FILE *out, const char *text)
{
    print_safe(out, text, strlen(text), true);
}

void gn_cli_print_json(FILE *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (!text)
        return;
    print_safe(out, text, strlen(text), false);
    fputc('\n', out);
    free(text);
}
