/* task_files.h - where tasks outlive the process: one file each in a folder of our own.
 *
 * A file is written to a temporary name, synced, renamed, and the folder is synced: what was
 * reported as written survives a crash of the machine. Work is done by the threads of libuv, not by
 * our workers: handlers that hold those must not keep a client waiting for the word that its task
 * is stored. Operations on one file happen one after another. Loop thread only.
 */
#ifndef GN_PROTOCOL_TASK_FILES_H
#define GN_PROTOCOL_TASK_FILES_H

#include "util/buf.h"
#include "util/error.h"
#include "util/log.h"

#include <uv.h>

#define GN_TASK_ID_LEN 43 /* 32 random bytes as Base64 of the URL-safe alphabet */

struct gn_task_files;

/* One file. Made by gn_task_file_new; frees itself after gn_task_file_remove. */
struct gn_task_file {
    uv_work_t work;
    struct gn_task_files *files;
    char id[GN_TASK_ID_LEN + 1];
    char *text; /* that is being written, or is next */
    size_t len;
    char *next;
    size_t next_len;
    bool is_busy, is_gone; /* a thread has it; it is to be removed */
    int rc;
    /* [loop] What was given last has been written (0), or could not be. */
    void (*written)(struct gn_task_file *file, int rc);
    void *data;
};

/* Opens a folder (made with mode 0700 if it is not there; it must be ours, and nobody else may
 * write or read it) and locks it: GN_EBUSY if another host has it. Removes what was left half
 * written. */
GN_NODISCARD int gn_task_files_open(uv_loop_t *uv, struct gn_log *log, const char *path,
                                    struct gn_task_files **ret, struct gn_error *err);
/* Nothing is pending. NULL is fine. */
void gn_task_files_close(struct gn_task_files *f);
/* Reads each file of a task, of max_bytes at most, and gives its text to fn, which changes it as it
 * likes. What is no file of a task is left alone, and the log tells. Blocks: before serving. */
void gn_task_files_each(struct gn_task_files *f, size_t max_bytes,
                        void (*fn)(void *arg, const char *id, char *text, size_t len), void *arg);
/* Operations that have not ended. */
uint32_t gn_task_files_pending(const struct gn_task_files *f); /* NULL: none */
/* Called whenever the last of them has. */
void gn_task_files_on_idle(struct gn_task_files *f, void (*fn)(void *arg), void *arg);

struct gn_task_file *gn_task_file_new(struct gn_task_files *f, const char *id);
/* Takes text over. One that has not been begun when the next comes is skipped. */
void gn_task_file_write(struct gn_task_file *file, char *text, size_t len);
/* `written` is not called any more. NULL is fine. */
void gn_task_file_remove(struct gn_task_file *file);
/* The same without removing anything: the process ends. */
void gn_task_file_forget(struct gn_task_file *file);
/* True if it looks like one: 43 characters of the URL-safe Base64 alphabet. */
bool gn_task_id_is_valid(const char *id, size_t len);

#endif
