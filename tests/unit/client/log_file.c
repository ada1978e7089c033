/* Unit tests of log_file.c: what stands in the client's log file. */
#include "internal.h"

#include "support.h"

#include "util/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(client_log_file);

static gantry_client *client;
static char path[512], notes[1024];

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c, (void)arg;
    cr_assert(strlen(notes) + strlen(text) + 2 < sizeof(notes));
    strncat(notes, text, sizeof(notes) - 1 - strlen(notes));
    strncat(notes, "\n", sizeof(notes) - 1 - strlen(notes));
}

static void open_client(const char *log_file)
{
    notes[0] = '\0';
    client = gantry_client_new(
        GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1", .log_file = log_file,
                              .handlers = GANTRY_CLIENT_HANDLERS(.on_note = on_note)),
        NULL);
    cr_assert(client);
}

/* The file without its times. */
static const char *lines(void)
{
    static char text[65536];
    struct gn_buf file = GN_BUF_INIT(65536);
    text[0] = '\0';
    cr_assert_eq(gn_read_file(path, &file), 0);
    size_t used = 0;
    for (char *line = file.data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        char *what = strchr(line, ' ');
        cr_assert(what && what < end && what - line == 24 && what[-1] == 'Z', "%s", line);
        memcpy(text + used, what + 1, (size_t)(end - what));
        used += (size_t)(end - what);
    }
    text[used] = '\0';
    gn_buf_release(&file);
    return text;
}

static void name_file(void)
{
    snprintf(path, sizeof(path), "%s/log", gn_test_tmpdir());
}

Test(client_log_file, has_a_line_for_each_thing)
{
    name_file();
    open_client(path);
    gn_client_log_line(client, "log", "info: started", 13);
    gn_client_log_line(client, "stderr", "two\nlines \x1b[2J", 14);
    gn_client_note(client, "%d notes", 1);
    cr_assert_str_eq(lines(), "log: info: started\nstderr: two\\nlines \\x1b[2J\nnote: 1 notes\n");
    cr_assert_str_eq(notes, "1 notes\n");
    gantry_client_close(client, NULL, NULL);
    open_client(path); /* appended to */
    gn_client_log_line(client, "log", "again", 5);
    cr_assert(gn_ends_with(lines(), "note: 1 notes\nlog: again\n"));
    gantry_client_close(client, NULL, NULL);
}

Test(client_log_file, has_no_line_without_end)
{
    static char text[50000];
    name_file();
    open_client(path);
    memset(text, 'x', sizeof(text));
    gn_client_log_line(client, "stderr", text, sizeof(text));
    cr_assert(strlen(lines()) < 8300 && gn_ends_with(lines(), "xxx...\n"));
    gantry_client_close(client, NULL, NULL);
}

Test(client_log_file, that_cannot_be_opened_is_noted_from_the_loop)
{
    open_client("/no/such/folder/log");
    cr_assert_str_eq(notes, "");
    gn_client_log_line(client, "log", "nowhere", 7);
    gantry_client_run(client, 5);
    cr_assert_str_eq(notes, "log_file: /no/such/folder/log: No such file or directory\n");
    gantry_client_close(client, NULL, NULL);
}

Test(client_log_file, that_cannot_be_written_is_noted_once)
{
    open_client("/dev/full");
    gn_client_log_line(client, "log", "one", 3);
    gn_client_log_line(client, "log", "two", 3);
    gantry_client_run(client, 5);
    gantry_client_run(client, 5);
    cr_assert(strstr(notes, "log_file: ") && strstr(notes, "no space left"));
    cr_assert_eq(strchr(notes, '\n'), strrchr(notes, '\n'));
    gantry_client_close(client, NULL, NULL);
}

Test(client_log_file, of_a_client_that_closes_at_once_leaves_nothing)
{
    open_client("/no/such/folder/log");
    gantry_client_close(client, NULL, NULL);
    cr_assert_str_eq(notes, "");
}
