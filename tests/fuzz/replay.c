/* replay.c - a main for fuzzing harnesses where there is no libFuzzer: runs each file named, and
 * each file in a folder named, through the harness. Exit code 0 if none ended the process and there
 * was at least one.
 */
#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX_SIZE ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    struct gn_buf b = GN_BUF_INIT(MAX_SIZE);
    int rc = gn_read_file(path, &b);
    if (rc == 0)
        LLVMFuzzerTestOneInput((const uint8_t *)gn_buf_str(&b), b.len);
    else
        fprintf(stderr, "%s: cannot be read (%d)\n", path, rc);
    gn_buf_release(&b);
    return rc == 0 ? 1 : 0;
}

static int run_folder(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    for (struct dirent *d; dir && (d = readdir(dir));) {
        if (d->d_name[0] == '.')
            continue;
        GN_AUTO_FREE char *file = gn_path_join(path, d->d_name);
        count += run_file(file);
    }
    if (dir)
        closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        count += is_folder ? run_folder(argv[i]) : run_file(argv[i]);
    }
    printf("%d inputs\n", count);
    return count ? 0 : 1;
}
