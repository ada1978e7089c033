/* folder.h - a folder of skills: which there are, whether they have changed, and what is in them.
 *
 * A directory with a SKILL.md is a skill; all below it are its files, but for directories that are
 * skills themselves. Symbolic links, devices and names that begin with a dot are left out.
 * Everything here blocks; one thread at a time.
 */
#ifndef SKILLS_FOLDER_H
#define SKILLS_FOLDER_H

#include <gantry.h>

#define MAX_SKILLS 256
#define MAX_FILES 512
#define MAX_FILE ((size_t)8 << 20)
#define MAX_BYTES ((size_t)16 << 20) /* of one skill */
#define MAX_DEPTH 12
#define PATH_BYTES 1024

/* What a look at the folder has found. */
typedef struct {
    char *path;    /* below the folder */
    uint64_t mark; /* another one, once a file has come, gone or changed */
} found_skill;
typedef struct {
    found_skill v[MAX_SKILLS];
    size_t n;
    size_t left_out; /* more than that many, or too deep */
} found_skills;

/* root: a descriptor, which stays open. 0 or -errno. */
int folder_look(int root, found_skills *ret);
void folder_forget(found_skills *found);

/* One skill, read. */
typedef struct {
    gantry_skill_file files[MAX_FILES + 1]; /* paths and data are malloc'ed */
    size_t n, bytes;
} skill_contents;

/* NULL, or why it cannot be read (static text). */
const char *folder_read(int root, const char *path, skill_contents *ret);
void folder_release(skill_contents *contents);

#endif
