/* token.c - gantry token: a random bearer token, and the line of the configuration that accepts it.
 */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TOKEN_BYTES 32
#define TOKEN_MIN 16 /* characters of a token of one's own */
#define TOKEN_MAX 4096

static int exec_token(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"read", 0, NULL, "read a token from standard input instead of making one"},
    {"principal", 'p', "NAME", "who has the token (default: client)"},
    {"output", 'o', "text|json", "for people (default) or programs"},
    {0},
};

const struct gn_command gn_command_token = {
    .name = "token",
    .summary = "make a bearer token, and the line that accepts it",
    .options = options,
    .usage =
        "The configuration holds hashes only: put the printed lines below auth.tokens, and give\n"
        "the token to the client. It is printed once and kept nowhere.\n",
    .exec = exec_token,
};

static const char *const outputs[] = {"text", "json", NULL};

/* One line of standard input, not shown while it is typed. */
static int read_token(const struct gn_cli *cli, char token[TOKEN_MAX + 2])
{
    struct termios before;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("token: ", stderr);
    }
    char *line = fgets(token, TOKEN_MAX + 2, stdin);
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    size_t len = line ? strcspn(token, "\r\n") : 0;
    token[len] = '\0';
    if (len < TOKEN_MIN || len > TOKEN_MAX)
        return gn_cli_fail(cli, GN_EXIT_FAILED, "a token has %d to %d characters, this one has %zu",
                           TOKEN_MIN, TOKEN_MAX, len);
    for (size_t i = 0; i < len; i++) {
        if (token[i] <= ' ' || token[i] > '~')
            return gn_cli_fail(cli, GN_EXIT_FAILED,
                               "a token is made of printable ASCII characters without blanks");
    }
    return GN_EXIT_OK;
}

static void make_token(char *token)
{
    unsigned char bytes[TOKEN_BYTES];
    struct gn_buf text = GN_BUF_INIT(128);
    randombytes_buf(bytes, sizeof(bytes));
    gn_base64url_encode(&text, bytes, sizeof(bytes));
    memcpy(token, text.data, text.len + 1);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text.data, text.len);
    gn_buf_release(&text);
}

static int exec_token(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_error err = {0};
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(cli, "%s", err.text);
    if (!gn_cli_words(cli, args, 0))
        return GN_EXIT_USAGE;
    if (sodium_init() < 0)
        return gn_cli_fail(cli, GN_EXIT_FAILED, "the system gives no random numbers");
    const char *principal = gn_cli_value(args, "principal");
    char token[TOKEN_MAX + 2], hex[2 * crypto_hash_sha256_BYTES + 1];
    bool made = !gn_cli_has(args, "read");
    if (made)
        make_token(token);
    else if (read_token(cli, token))
        return GN_EXIT_FAILED;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    gn_hex(hex, hash, sizeof(hash));
    GN_AUTO_FREE char *line = gn_format("sha256:%s", hex);
    json_t *entry = json_pack("{s:s, s:s}", "principal", principal ? principal : "client", "hash",
                              line);
    if (!entry) {
        sodium_memzero(token, sizeof(token));
        return gn_cli_usage(cli, "option --principal is not UTF-8");
    }
    if (output == 1) {
        if (made)
            json_object_set_new(entry, "token", json_string(token));
        gn_cli_print_json(stdout, entry);
    } else {
        char *name = json_dumps(json_object_get(entry, "principal"), JSON_ENCODE_ANY);
        if (made)
            printf("token: %s\n\n", token);
        printf("auth:\n  tokens:\n    - principal: %s\n      hash: \"%s\"\n", name, line);
        free(name);
    }
    json_decref(entry);
    sodium_memzero(token, sizeof(token));
    return GN_EXIT_OK;
}
