/* say.c - what a person reads. */
#include "cli.h"
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
    bool is_terminal = isatty(fileno(out));
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] >= 0x80 &&
                  (unsigned char)text[i + 1] < 0xa0;
        if (one_line && c == '\n')
            fputs("\\n", out);
        else if (is_terminal && c1)
            fprintf(out, "\\x%02x", (unsigned char)text[++i]);
        else if (is_terminal && ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f))
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
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
