/* format_net.c - host names, addresses and mailboxes: RFC 1123, 5321, 5891, 2673, 4291. */
#include "schema/format_parts.h"
#include "util/str.h"

#include <arpa/inet.h>
#include <idn2.h>

#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63
#define LOCAL_MAX_LEN 64
#define A_LABEL_PREFIX "xn--"

/* Registration has the full rules of context (RFC 5892, appendix A), lookup those of direction (RFC
 * 5893), and each is strict where the other is lenient. Both want the label in lower case. */
static bool valid_a_label(const char *s, size_t len)
{
    uint8_t label[LABEL_MAX_LEN + 1], *result = NULL;
    for (size_t i = 0; i < len; i++)
        label[i] = (uint8_t)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
    label[len] = '\0';
    int rc = idn2_register_u8(NULL, label, &result, 0);
    idn2_free(result);
    if (rc != IDN2_OK)
        return false;
    result = NULL;
    rc = idn2_lookup_u8(label, &result, IDN2_NO_TR46 | IDN2_ALABEL_ROUNDTRIP);
    idn2_free(result);
    return rc == IDN2_OK;
}

static bool valid_label(const char *s, size_t len)
{
    size_t prefix = strlen(A_LABEL_PREFIX);
    if (len == 0 || len > LABEL_MAX_LEN || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!gn_is_alpha(s[i]) && !gn_is_digit(s[i]) && s[i] != '-')
            return false;
    }
    return len < prefix || strncasecmp(s, A_LABEL_PREFIX, prefix) != 0 || valid_a_label(s, len);
}

static bool valid_address(int family, const char *s, size_t len)
{
    char text[64];
    unsigned char address[16];
    if (len >= sizeof(text) || memchr(s, '\0', len))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    return inet_pton(family, text, address) == 1;
}

/* Words with single dots between them. */
static bool valid_dotted(const char *s, size_t len)
{
    if (len == 0 || s[0] == '.' || s[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.' && s[i + 1] == '.')
            return false;
        if (!gn_is_alpha(s[i]) && !gn_is_digit(s[i]) && !gn_is_one_of(s[i], ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    }
    return true;
}

/* "..." with \ before any character: printable ASCII. */
static bool valid_quoted(const char *s, size_t len)
{
    if (len < 2 || s[0] != '"' || s[len - 1] != '"')
        return false;
    for (size_t i = 1; i < len - 1; i++) {
        if (s[i] == '"' || (s[i] == '\\' && ++i == len - 1))
            return false;
        if (s[i] < ' ' || s[i] > '~')
            return false;
    }
    return true;
}

/* [192.0.2.1] or [IPv6:2001:db8::1]; other kinds of literals have no standard. */
static bool valid_literal(const char *s, size_t len)
{
    static const char tag[] = "IPv6:";
    size_t skip = sizeof(tag) - 1;
    if (len < 2 || s[0] != '[' || s[len - 1] != ']')
        return false;
    s++;
    len -= 2;
    if (len > skip && strncasecmp(s, tag, skip) == 0)
        return gn_format_ipv6(s + skip, len - skip);
    return gn_format_ipv4(s, len);
}

bool gn_format_hostname(const char *s, size_t len)
{
    if (len > NAME_MAX_LEN)
        return false;
    for (;;) {
        const char *dot = memchr(s, '.', len);
        size_t label = dot ? (size_t)(dot - s) : len;
        if (!valid_label(s, label))
            return false;
        if (!dot)
            return true;
        s += label + 1;
        len -= label + 1;
    }
}

bool gn_format_ipv4(const char *s, size_t len)
{
    return valid_address(AF_INET, s, len);
}

bool gn_format_ipv6(const char *s, size_t len)
{
    return valid_address(AF_INET6, s, len);
}

bool gn_format_email(const char *s, size_t len)
{
    /* An @ may stand in a quoted local part, never in the domain. */
    const char *sign = memrchr(s, '@', len);
    size_t local = sign ? (size_t)(sign - s) : 0;
    if (local == 0 || local > LOCAL_MAX_LEN)
        return false;
    if (!valid_dotted(s, local) && !valid_quoted(s, local))
        return false;
    const char *domain = sign + 1;
    size_t rest = len - local - 1;
    return valid_literal(domain, rest) || gn_format_hostname(domain, rest);
}
