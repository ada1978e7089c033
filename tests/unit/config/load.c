/* load.c - see load.h. */
#include "load.h"

#include "support.h"

#include <string.h>

struct gn_config *load(const char *text, struct gn_buf *problems)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "gantry.yaml", text, strlen(text));
    return gn_config_load(path, problems);
}

struct gn_config *load_right(const char *text)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    struct gn_config *c = load(text, &problems);
    cr_assert(c, "%s", gn_buf_str(&problems));
    gn_buf_release(&problems);
    return c;
}
