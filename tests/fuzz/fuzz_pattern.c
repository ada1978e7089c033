/* fuzz_pattern.c - a regular expression on the first line, a subject in the rest: compiling refuses
 * with a message or what was compiled matches, and says the same when asked again. What is refused
 * as no expression is what the format "regex" refuses.
 */
#include "schema/format.h"
#include "schema/pattern.h"

#include <string.h>

/* Where the limits of work show is known by then; more would only be slow. */
#define SUBJECT_MAX 512

#define STEPS UINT64_C(5000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
    size_t len = line ? (size_t)(line - text) : size;
    const char *subject = line ? line + 1 : "";
    size_t subject_len = line ? GN_MIN(size - len - 1, SUBJECT_MAX) : 0;
    struct gn_pattern *p = NULL;
    struct gn_error err = {0};
    int rc = gn_pattern_compile(text, len, &p, &err);
    bool is_regex = gn_format_find("regex")->valid(text, len);
    if (rc == 0) {
        uint64_t steps = STEPS, again = STEPS;
        int first = gn_pattern_match(p, subject, subject_len, &steps);
        gn_assert(is_regex && (first == 0 || first == 1 || first == GN_ETOOBIG));
        gn_assert(gn_pattern_match(p, subject, subject_len, &again) == first);
    } else {
        gn_assert(rc == GN_EINVAL || rc == GN_ETOOBIG || rc == GN_ENOTSUP);
        gn_assert(p == NULL && err.code == rc && err.text[0] != '\0');
        gn_assert(is_regex == (rc == GN_ENOTSUP));
    }
    gn_pattern_free(p);
    return 0;
}
