/* fuzz_json.c - any bytes: the parser neither crashes nor reads past the end, and what it accepts
 * means the same after it was written and read again, here and through jansson.
 */
#include "util/alloc.h"
#include "json/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every number and name is looked at once. */
static void read_everything(const gantry_json *v)
{
    int64_t integer;
    double real;
    size_t len;
    gn_json_int(v, &integer);
    gn_json_num(v, &real);
    gn_json_name(v, &len);
    size_t count = 0;
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e)) {
        read_everything(e);
        count++;
    }
    gn_assert(count == gn_json_count(v));
}

static void check_jansson(const gantry_json *v)
{
    json_t *tree = gn_json_to_jansson(v);
    if (!tree)
        return; /* a number beyond a double */
    struct gn_json_doc doc;
    json_t *again = NULL;
    if (gn_json_from_jansson(&doc, tree, NULL) == 0) {
        again = gn_json_to_jansson(gn_json_root(&doc));
        gn_assert(again != NULL);
        gn_json_release(&doc);
    }
    json_decref(again);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly as large as it must be, so that the sanitizer sees the end. */
    char *text = gn_malloc(size + 1);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    struct gn_json_doc doc, again;
    struct gn_error err = {0};
    if (gn_json_parse(&doc, text, size, NULL, &err) == 0) {
        struct gn_buf out = GN_BUF_INIT(size * 6 + 16);
        read_everything(gn_json_root(&doc));
        gn_assert(gn_json_write(&out, gn_json_root(&doc)) == 0);
        gn_assert(gn_json_parse_copy(&again, gn_buf_str(&out), out.len, NULL, NULL) == 0);
        gn_assert(gn_json_equal(gn_json_root(&doc), gn_json_root(&again)));
        check_jansson(gn_json_root(&doc));
        gn_json_release(&again);
        gn_buf_release(&out);
    } else {
        gn_assert(err.code != 0 && err.text[0] != '\0');
    }
    gn_json_release(&doc);
    gn_free(text);
    return 0;
}
