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

/* What a terminal must not be given: control characters of both kinds, marks that change the
 * direction of writing, and bytes that are no UTF-8. `n` is the length of the character, 0 for such
 * a byte. */
static bool can_steer(const char *s, size_t n)
{
    static const char *const marks[] = {"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac",
                                        "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6",
                                        "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9"};
    unsigned char c = (unsigned char)s[0];
    if (n <= 1)
        return n == 0 || c < ' ' || c == 0x7f;
    if (n == 2)
        return c == 0xc2 && (unsigned char)s[1] < 0xa0;
    for (size_t i = 0; n == 3 && i < GN_COUNT(marks); i++) {
        if (memcmp(s, marks[i], 3) == 0)
            return true;
    }
    return false;
}

static void print_safe(FILE *out, const char *text, size_t len, bool one_line)
{
    bool is_terminal = isatty(fileno(out));
    for (size_t i = 0; i < len;) {
        size_t n = gn_utf8_sequence(text + i, len - i), step = n ? n : 1;
        char c = text[i];
        if (one_line && c == '\n')
            fputs("\\n", out);
        else if (!is_terminal || c == '\n' || c == '\t' || !can_steer(text + i, n))
            fwrite(text + i, 1, step, out);
        else if (n == 2)
            fprintf(out, "\\x%02x", (unsigned char)text[i + 1]);
        else
            for (size_t k = 0; k < step; k++)
                fprintf(out, "\\x%02x", (unsigned char)text[i + k]);
        i += step;
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
