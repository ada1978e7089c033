/* regex_property.c - the names that \p{...} takes in ECMA-262, which are exact, as PCRE2 knows
 * them.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 64

/* Values of General_Category: the short name, then its aliases. L& comes first as PCRE2's name of
 * what ECMA-262 calls LC. */
static const char *const categories[][3] = {
    {"C", "Other", NULL},
    {"Cc", "Control", "cntrl"},
    {"Cf", "Format", NULL},
    {"Cn", "Unassigned", NULL},
    {"Co", "Private_Use", NULL},
    {"Cs", "Surrogate", NULL},
    {"L", "Letter", NULL},
    {"L&", "LC", "Cased_Letter"},
    {"Ll", "Lowercase_Letter", NULL},
    {"Lm", "Modifier_Letter", NULL},
    {"Lo", "Other_Letter", NULL},
    {"Lt", "Titlecase_Letter", NULL},
    {"Lu", "Uppercase_Letter", NULL},
    {"M", "Mark", "Combining_Mark"},
    {"Mc", "Spacing_Mark", NULL},
    {"Me", "Enclosing_Mark", NULL},
    {"Mn", "Nonspacing_Mark", NULL},
    {"N", "Number", NULL},
    {"Nd", "Decimal_Number", "digit"},
    {"Nl", "Letter_Number", NULL},
    {"No", "Other_Number", NULL},
    {"P", "Punctuation", "punct"},
    {"Pc", "Connector_Punctuation", NULL},
    {"Pd", "Dash_Punctuation", NULL},
    {"Pe", "Close_Punctuation", NULL},
    {"Pf", "Final_Punctuation", NULL},
    {"Pi", "Initial_Punctuation", NULL},
    {"Po", "Other_Punctuation", NULL},
    {"Ps", "Open_Punctuation", NULL},
    {"S", "Symbol", NULL},
    {"Sc", "Currency_Symbol", NULL},
    {"Sk", "Modifier_Symbol", NULL},
    {"Sm", "Math_Symbol", NULL},
    {"So", "Other_Symbol", NULL},
    {"Z", "Separator", NULL},
    {"Zl", "Line_Separator", NULL},
    {"Zp", "Paragraph_Separator", NULL},
    {"Zs", "Space_Separator", NULL},
};

/* Properties that are there or not: the name, then its alias. */
static const char *const binaries[][2] = {
    {"ASCII", NULL},
    {"ASCII_Hex_Digit", "AHex"},
    {"Alphabetic", "Alpha"},
    {"Any", NULL},
    {"Assigned", NULL},
    {"Bidi_Control", "Bidi_C"},
    {"Bidi_Mirrored", "Bidi_M"},
    {"Case_Ignorable", "CI"},
    {"Cased", NULL},
    {"Changes_When_Casefolded", "CWCF"},
    {"Changes_When_Casemapped", "CWCM"},
    {"Changes_When_Lowercased", "CWL"},
    {"Changes_When_NFKC_Casefolded", "CWKCF"},
    {"Changes_When_Titlecased", "CWT"},
    {"Changes_When_Uppercased", "CWU"},
    {"Dash", NULL},
    {"Default_Ignorable_Code_Point", "DI"},
    {"Deprecated", "Dep"},
    {"Diacritic", "Dia"},
    {"Emoji", NULL},
    {"Emoji_Component", "EComp"},
    {"Emoji_Modifier", "EMod"},
    {"Emoji_Modifier_Base", "EBase"},
    {"Emoji_Presentation", "EPres"},
    {"Extended_Pictographic", "ExtPict"},
    {"Extender", "Ext"},
    {"Grapheme_Base", "Gr_Base"},
    {"Grapheme_Extend", "Gr_Ext"},
    {"Hex_Digit", "Hex"},
    {"IDS_Binary_Operator", "IDSB"},
    {"IDS_Trinary_Operator", "IDST"},
    {"ID_Continue", "IDC"},
    {"ID_Start", "IDS"},
    {"Ideographic", "Ideo"},
    {"Join_Control", "Join_C"},
    {"Logical_Order_Exception", "LOE"},
    {"Lowercase", "Lower"},
    {"Math", NULL},
    {"Noncharacter_Code_Point", "NChar"},
    {"Pattern_Syntax", "Pat_Syn"},
    {"Pattern_White_Space", "Pat_WS"},
    {"Quotation_Mark", "QMark"},
    {"Radical", NULL},
    {"Regional_Indicator", "RI"},
    {"Sentence_Terminal", "STerm"},
    {"Soft_Dotted", "SD"},
    {"Terminal_Punctuation", "Term"},
    {"Unified_Ideograph", "UIdeo"},
    {"Uppercase", "Upper"},
    {"Variation_Selector", "VS"},
    {"White_Space", "space"},
    {"XID_Continue", "XIDC"},
    {"XID_Start", "XIDS"},
};

static bool is_name(const char *s, size_t len, const char *name)
{
    return name && strlen(name) == len && memcmp(s, name, len) == 0;
}

static const char *find_category(const char *s, size_t len)
{
    for (size_t i = 0; i < GN_COUNT(categories); i++) {
        for (size_t j = 0; j < GN_COUNT(categories[i]); j++) {
            if (is_name(s, len, categories[i][j]) && !is_name(s, len, "L&"))
                return categories[i][0];
        }
    }
    return NULL;
}

static const char *find_binary(const char *s, size_t len)
{
    for (size_t i = 0; i < GN_COUNT(binaries); i++) {
        if (is_name(s, len, binaries[i][0]) || is_name(s, len, binaries[i][1]))
            return binaries[i][0];
    }
    return NULL;
}

/* Names of scripts are words that begin with a capital: PCRE2 reads them without regard to case and
 * to the lines between words, and there are too many to list. */
static bool is_script(const char *s, size_t len)
{
    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    if (!is_name(s, len, "SignWriting")) {
        bool first = true;
        for (size_t i = 0; i < len; i++) {
            if (s[i] == '_' ? first : first ? s[i] < 'A' || s[i] > 'Z' : s[i] < 'a' || s[i] > 'z')
                return false;
            first = s[i] == '_';
        }
        if (first)
            return false;
    }
    char text[NAME_MAX_LEN + 16];
    int code = 0;
    PCRE2_SIZE at = 0;
    snprintf(text, sizeof(text), "\\p{sc:%.*s}", (int)len, s);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code,
                                         &at, NULL);
    pcre2_code_free(compiled);
    return compiled != NULL;
}

bool gn_regex_property(const char *name, size_t len, bool negated, struct gn_buf *out)
{
    static const struct {
        const char *key, *prefix; /* no prefix: General_Category */
    } keys[] = {{"General_Category=", NULL},    {"gc=", NULL},   {"Script=", "sc:"}, {"sc=", "sc:"},
                {"Script_Extensions=", "scx:"}, {"scx=", "scx:"}};
    char p = negated ? 'P' : 'p';
    for (size_t i = 0; i < GN_COUNT(keys); i++) {
        size_t skip = strlen(keys[i].key);
        if (len < skip || memcmp(name, keys[i].key, skip) != 0)
            continue;
        const char *category = find_category(name + skip, len - skip);
        if (keys[i].prefix ? !is_script(name + skip, len - skip) : !category)
            return false;
        if (keys[i].prefix)
            gn_buf_addf(out, "\\%c{%s%.*s}", p, keys[i].prefix, (int)(len - skip), name + skip);
        else
            gn_buf_addf(out, "\\%c{%s}", p, category);
        return true;
    }
    const char *known = find_category(name, len);
    if (!known)
        known = find_binary(name, len);
    if (!known)
        return false;
    if (is_name(known, strlen(known), "Assigned"))
        gn_buf_addf(out, "\\%c{Cn}", negated ? 'p' : 'P');
    else
        gn_buf_addf(out, "\\%c{%s}", p, known);
    return true;
}
