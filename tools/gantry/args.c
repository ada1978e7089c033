/* args.c - options by a table: --name VALUE, --name=VALUE, -n VALUE, and "--" before the tail. */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define OPTIONS_MAX 64

static const struct gn_cli_option help_option = {"help", 'h', NULL, "print this help"};

static const struct gn_cli_option *find_long(const struct gn_cli_option *options, const char *name,
                                             size_t len)
{
    if (len == strlen(help_option.name) && memcmp(name, help_option.name, len) == 0)
        return &help_option;
    for (const struct gn_cli_option *o = options; o && o->name; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

static const struct gn_cli_option *find_short(const struct gn_cli_option *options, char letter)
{
    if (letter == help_option.letter)
        return &help_option;
    for (const struct gn_cli_option *o = options; o && o->name; o++) {
        if (o->letter && o->letter == letter)
            return o;
    }
    return NULL;
}

static int unknown_option(const struct gn_cli_option *options, const char *word, size_t name_len,
                          struct gn_error *err)
{
    const char *names[OPTIONS_MAX + 2] = {help_option.name};
    size_t n = 1;
    for (const struct gn_cli_option *o = options; o && o->name && n <= OPTIONS_MAX; o++)
        names[n++] = o->name;
    bool is_long = gn_starts_with(word, "--");
    GN_AUTO_FREE char *name = gn_strndup(word + (is_long ? 2 : 1), name_len);
    const char *near = is_long || name_len > 1 ? gn_nearest(name, names) : NULL;
    return gn_error_set(err, GN_EINVAL, "unknown option %s%s%s%s%s", is_long ? "--" : "-", name,
                        near ? ", did you mean --" : "", near ? near : "", near ? "?" : "");
}

/* One option at argv[*at]; its value may be the next word. */
static int parse_option(const struct gn_cli_option *options, int argc, char **argv, int *at,
                        struct gn_cli_args *ret, struct gn_error *err)
{
    const char *word = argv[*at], *value = NULL;
    const struct gn_cli_option *option;
    size_t len;
    if (word[1] == '-') {
        len = strcspn(word + 2, "=");
        option = find_long(options, word + 2, len);
        if (word[2 + len] == '=')
            value = word + 2 + len + 1;
    } else {
        len = strcspn(word + 1, "=");
        option = len == 1 ? find_short(options, word[1]) : NULL;
        if (word[1 + len] == '=')
            value = word + 1 + len + 1;
    }
    if (!option)
        return unknown_option(options, word, len, err);
    if (!option->value && value)
        return gn_error_set(err, GN_EINVAL, "option --%s takes no value", option->name);
    if (option->value && !value) {
        if (*at + 1 >= argc)
            return gn_error_set(err, GN_EINVAL, "option --%s needs a value: --%s %s", option->name,
                                option->name, option->value);
        value = argv[++*at];
    }
    ret->given[ret->given_count++] = (struct gn_cli_given){option, value};
    return 0;
}

int gn_cli_parse(const struct gn_cli_option *options, int argc, char **argv,
                 struct gn_cli_args *ret, struct gn_error *err)
{
    size_t max = (size_t)argc + 1;
    *ret = (struct gn_cli_args){
        .given = gn_calloc(max, sizeof(*ret->given)),
        .words = gn_calloc(max, sizeof(*ret->words)),
    };
    for (int i = 0; i < argc; i++) {
        if (gn_streq(argv[i], "--")) {
            ret->tail = argv + i + 1;
            return 0;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            ret->words[ret->word_count++] = argv[i];
            continue;
        }
        int rc = parse_option(options, argc, argv, &i, ret, err);
        if (rc) {
            gn_cli_args_release(ret);
            return rc;
        }
    }
    return 0;
}

void gn_cli_args_release(struct gn_cli_args *args)
{
    gn_free(args->given);
    gn_free(args->words);
    *args = (struct gn_cli_args){0};
}

bool gn_cli_has(const struct gn_cli_args *args, const char *option)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (gn_streq(args->given[i].option->name, option))
            return true;
    }
    return false;
}

const char *gn_cli_value(const struct gn_cli_args *args, const char *option)
{
    for (size_t i = args->given_count; i > 0; i--) {
        if (gn_streq(args->given[i - 1].option->name, option))
            return args->given[i - 1].value;
    }
    return NULL;
}

int gn_cli_choice(const struct gn_cli_args *args, const char *option, const char *const *choices,
                  struct gn_error *err)
{
    const char *value = gn_cli_value(args, option);
    struct gn_buf all = GN_BUF_INIT(256);
    int found = value ? -1 : 0;
    for (int i = 0; choices[i]; i++) {
        gn_buf_addf(&all, "%s%s", i ? " or " : "", choices[i]);
        if (value && gn_streq(value, choices[i]))
            found = i;
    }
    if (found < 0)
        gn_error_set(err, GN_EINVAL, "option --%s is %s, not \"%s\"", option, gn_buf_str(&all),
                     value);
    gn_buf_release(&all);
    return found;
}

bool gn_cli_words(const struct gn_cli *cli, const struct gn_cli_args *args, size_t count)
{
    if (args->word_count < count)
        gn_cli_usage(cli, "needs %s", cli->command->args);
    else if (args->word_count > count)
        gn_cli_usage(cli, "what is \"%s\"? One argument too many", args->words[count]);
    else if (args->tail)
        gn_cli_usage(cli, "takes nothing behind \"--\"");
    else
        return true;
    return false;
}
