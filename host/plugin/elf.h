/* elf.h - what can be learned of a shared object without running any of it.
 *
 * A truncated file kills the process inside dlopen, and a constructor runs before anything else can
 * be looked at. So a file is judged from its bytes first: complete, for this machine, a shared
 * object, and one that exports the symbol of a plugin. Reads with pread only (a mapping of a file
 * that shrinks would be fatal); every table is bounded. Any thread.
 */
#ifndef GN_PLUGIN_ELF_H
#define GN_PLUGIN_ELF_H

#include "util/error.h"

struct gn_elf {
    uint64_t size;    /* of the file */
    bool uses_origin; /* DT_RPATH or DT_RUNPATH mentions $ORIGIN: works beside the original only */
    bool is_nodelete; /* linked with -z nodelete */
    uint32_t unique;  /* symbols of GNU_UNIQUE binding it defines: they pin it in memory */
    bool has_symbols; /* the dynamic symbol table was found; else the next two say nothing */
    bool has_plugin;  /* defines the wanted symbol */
    uint32_t other_major; /* defines gantry_plugin_vN of this other N; 0 if none */
};

/* Judges the file behind fd (its position is not used). GN_EBUSY: cut short, perhaps still being
 * written; GN_EINVAL: never will be a shared object of this machine. The message says what was
 * found and what would be right, without naming the file. */
GN_NODISCARD int gn_elf_check(int fd, const char *symbol, struct gn_elf *ret, struct gn_error *err);
/* The verdict on what gn_elf_check found exported: GN_EINVAL with a message if it is not a plugin
 * or one of another ABI; `speaks` names ours ("ABI 0.2"). 0 if has_symbols is false. */
GN_NODISCARD int gn_elf_check_plugin(const struct gn_elf *elf, const char *symbol,
                                     const char *speaks, struct gn_error *err);

#endif
