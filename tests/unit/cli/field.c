/* field.c - fields of forms: what they want, and what was typed. */
#include "field.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(cli_field);

static struct gn_json_doc doc;
static struct gn_fields form;

/* A form with these properties, in which single quotes stand for double ones. */
static void open_form(const char *properties, const char *required)
{
    GN_AUTO_FREE char *text = gn_format("{'type':'object','properties':{%s},'required':[%s]}",
                                        properties, required);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, &err), 0, "%s", err.text);
    cr_assert_eq(gn_fields_read(gn_json_root(&doc), &form, &err), 0, "%s", err.text);
}

static void close_form(void)
{
    gn_fields_release(&form);
    gn_json_release(&doc);
}

/* want NULL: refused, with this in the reason. */
static void check_typed(const char *typed, const char *want, const char *reason)
{
    struct gn_buf out = GN_BUF_INIT(4096);
    struct gn_error err = {0};
    int rc = gn_field_read(&form.v[0], typed, &out, &err);
    if (want) {
        cr_assert_eq(rc, 0, "%s: %s", typed, err.text);
        cr_assert_str_eq(gn_buf_str(&out), want);
    } else {
        cr_assert_eq(rc, GN_EINVAL, "%s: %s", typed, gn_buf_str(&out));
        cr_assert(strstr(err.text, reason), "%s: %s", typed, err.text);
        cr_assert_eq(out.len, 0);
    }
    gn_buf_release(&out);
}

static void check_hint(const char *property, const char *want)
{
    GN_AUTO_FREE char *properties = gn_format("'x':{%s}", property);
    struct gn_buf out = GN_BUF_INIT(4096);
    open_form(properties, "");
    gn_field_add_hint(&form.v[0], &out);
    cr_assert_str_eq(gn_buf_str(&out), want);
    gn_buf_release(&out);
    close_form();
}

Test(cli_field, fields_come_in_order_with_what_is_said_of_them)
{
    open_form("'name':{'type':'string','title':'Your name','description':'As on the card'},"
              "'age':{'type':'integer','default':30},'news':{'type':'boolean'},"
              "'size':{'type':'string','enum':['s','m']},"
              "'tags':{'type':'array','items':{'type':'string','enum':['a']}}",
              "'name','size'");
    static const enum gn_field_kind kinds[] = {GN_FIELD_TEXT, GN_FIELD_INTEGER, GN_FIELD_BOOLEAN,
                                               GN_FIELD_CHOICE, GN_FIELD_CHOICES};
    cr_assert_eq(form.count, 5);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(form.v[i].kind, kinds[i]);
    cr_assert_str_eq(form.v[0].title, "Your name");
    cr_assert_str_eq(form.v[0].description, "As on the card");
    cr_assert(form.v[0].is_required && form.v[3].is_required);
    cr_assert_not(form.v[1].is_required);
    cr_assert(form.v[1].fallback && !form.v[0].fallback);
    close_form();
}

Test(cli_field, a_text_is_what_was_typed)
{
    open_form("'x':{'type':'string'}", "");
    check_typed("  Ada \"A\"  ", "\"Ada \\\"A\\\"\"", NULL);
    check_typed("5", "\"5\"", NULL);
    check_typed("\"\"", "\"\"", NULL);
    check_typed("gr\xfc\xdf", NULL, "UTF-8");
    check_typed("a\x1b[D", NULL, "control");
    struct gn_buf out = GN_BUF_INIT(100);
    cr_assert_eq(gn_field_read(&form.v[0], "  ", &out, NULL), GN_ENOENT);
    close_form();
}

Test(cli_field, formats_and_lengths_are_checked)
{
    open_form("'x':{'type':'string','format':'email'}", "");
    check_typed("ada@example.com", "\"ada@example.com\"", NULL);
    check_typed("ada", NULL, "email");
    close_form();
    open_form("'x':{'type':'string','format':'date'}", "");
    check_typed("2026-02-28", "\"2026-02-28\"", NULL);
    check_typed("2026-02-30", NULL, "date");
    close_form();
    open_form("'x':{'type':'string','format':'uri'}", "");
    check_typed("https://example.com/a", "\"https://example.com/a\"", NULL);
    check_typed("no uri", NULL, "uri");
    close_form();
    open_form("'x':{'type':'string','minLength':3}", "");
    check_typed("ab", NULL, "3");
    close_form();
}

Test(cli_field, numbers_are_numbers_in_their_range)
{
    open_form("'x':{'type':'integer','minimum':1,'maximum':5}", "");
    check_typed(" 5 ", "5", NULL);
    check_typed("6", NULL, "5");
    check_typed("2.5", NULL, "integer");
    check_typed("many", NULL, "no number");
    check_typed("1 2", NULL, "no number");
    check_typed("[1]", NULL, "no number");
    close_form();
    open_form("'x':{'type':'number'}", "");
    check_typed("-2.5e3", "-2.5e3", NULL);
    close_form();
}

Test(cli_field, yes_and_no_in_many_words)
{
    open_form("'x':{'type':'boolean'}", "");
    check_typed("y", "true", NULL);
    check_typed("YES", "true", NULL);
    check_typed("n", "false", NULL);
    check_typed("off", "false", NULL);
    check_typed("perhaps", NULL, "y for yes");
    close_form();
}

Test(cli_field, a_choice_is_a_number_a_value_or_a_title)
{
    open_form("'x':{'type':'string','oneOf':[{'const':'s','title':'Small'},"
              "{'const':'m','title':'Medium'}]}",
              "");
    check_typed("2", "\"m\"", NULL);
    check_typed("s", "\"s\"", NULL);
    check_typed("medium", "\"m\"", NULL);
    check_typed("3", NULL, "from 1 to 2");
    check_typed("0", NULL, "from 1 to 2");
    check_typed("x\x1b[2J", NULL, "control");
    close_form();
    open_form("'x':{'type':'string','enum':['red','green'],'enumNames':['Rot','Grün']}", "");
    check_typed("Grün", "\"green\"", NULL);
    close_form();
    open_form("'x':{'type':'string','enum':['38','39']}", "");
    check_typed("39", "\"39\"", NULL);
    close_form();
}

Test(cli_field, several_choices_are_numbers_or_words)
{
    open_form("'x':{'type':'array','minItems':0,'maxItems':2,'items':{'anyOf':["
              "{'const':'a','title':'Very large'},{'const':'b','title':'B'},"
              "{'const':'c','title':'C'}]}}",
              "");
    check_typed("1,3", "[\"a\",\"c\"]", NULL);
    check_typed("1 3", "[\"a\",\"c\"]", NULL);
    check_typed("very large, B", "[\"a\",\"b\"]", NULL);
    check_typed("very large", "[\"a\"]", NULL);
    check_typed("none", "[]", NULL);
    check_typed("1,2,3", NULL, "2");
    check_typed("1,x", NULL, "none of the choices");
    close_form();
}

Test(cli_field, hints_say_what_may_be_typed)
{
    check_hint("'type':'string'", "");
    check_hint("'type':'string','format':'email'", "an email address");
    check_hint("'type':'string','minLength':2,'maxLength':5", "2 to 5 characters");
    check_hint("'type':'integer','minimum':1", "integer, at least 1");
    check_hint("'type':'number','minimum':0.5,'maximum':2", "number, 0.5 to 2");
    check_hint("'type':'boolean'", "y or n");
    check_hint("'type':'string','enum':['a']", "its number");
    check_hint("'type':'array','maxItems':2,'items':{'enum':['a']}",
               "numbers with commas, or none, at most 2 of them");
    check_hint("'type':'array','minItems':1,'items':{'enum':['a']}",
               "numbers with commas, at least 1 of them");
    check_hint("'type':'string','format':'\\u001b[2J'", "\\x1b[2J");
}

Test(cli_field, values_are_shown_with_their_titles)
{
    open_form("'x':{'type':'array','default':['a','b'],'items':{'anyOf':["
              "{'const':'a','title':'Very\\nlarge'},{'const':'b'}]}},"
              "'y':{'type':'boolean','default':true},'z':{'type':'integer','default':12}",
              "");
    static const char *const want[] = {"Very\\nlarge, b", "yes", "12"};
    for (size_t i = 0; i < 3; i++) {
        struct gn_buf out = GN_BUF_INIT(100);
        gn_field_add_shown(&form.v[i], form.v[i].fallback, &out);
        cr_assert_str_eq(gn_buf_str(&out), want[i]);
        gn_buf_release(&out);
    }
    close_form();
}

Test(cli_field, forms_that_are_none_are_refused)
{
    static const char *const bad[] = {"[]", "{\"properties\": 5}", "{\"properties\": {\"x\": 5}}",
                                      "null"};
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        struct gn_error err = {0};
        cr_assert_eq(gn_json_parse_copy(&doc, bad[i], strlen(bad[i]), NULL, NULL), 0);
        cr_assert_eq(gn_fields_read(gn_json_root(&doc), &form, &err), GN_EINVAL);
        cr_assert(*err.text);
        gn_json_release(&doc);
    }
    struct gn_buf many = GN_BUF_INIT(65536);
    for (int i = 0; i <= GN_FIELDS_MAX; i++)
        gn_buf_addf(&many, "%s\"f%d\":{}", i ? "," : "{\"properties\":{", i);
    gn_buf_adds(&many, "}}");
    cr_assert_eq(gn_json_parse_copy(&doc, gn_buf_str(&many), many.len, NULL, NULL), 0);
    cr_assert_eq(gn_fields_read(gn_json_root(&doc), &form, NULL), GN_ETOOBIG);
    gn_json_release(&doc);
    gn_buf_release(&many);
}
