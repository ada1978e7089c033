/* module.h - a mapped plugin file.
 *
 * libltdl binds lazily, whatever it is told, and says "file not found" to everything that goes
 * wrong; so a file is opened with dlopen(RTLD_NOW | RTLD_LOCAL) first, for its binding and for its
 * message, then with libltdl (the same object), and the first handle is dropped. Loop thread only:
 * libltdl keeps an unlocked list of what is open. Paths are absolute, or libltdl would search for
 * them.
 */
#ifndef GN_PLUGIN_MODULE_H
#define GN_PLUGIN_MODULE_H

#include "plugin/abi.h"
#include "plugin/copy.h"

#include <ltdl.h>

#define GN_MODULE_MAGIC 0x30d01eu
struct gn_module {
    uint32_t magic;
    char *path; /* what is mapped; a private copy but for probes of a single file */
    lt_dlhandle handle;
    const gantry_descriptor *descriptor; /* inside the mapping */
    struct gn_hash hash;                 /* of content and settings */
    struct gn_elf elf;
    char *private_libraries; /* libraries of the host that it carries a copy of: "libuv, jansson";
                                NULL */
    const char *keep;        /* not NULL: is never unmapped, and this is why (a constant text) */
    bool is_copy;            /* remove the file when closed */
};

/* Maps the file. Constructors run. Errors say what the dynamic linker said, or for which ABI the
 * file was made; nothing stays mapped then. Takes no ownership; sets everything but hash, elf,
 * is_copy. */
GN_NODISCARD int gn_module_open(const struct gn_abi *abi, const char *path, struct gn_module **ret,
                                struct gn_error *err);
/* Unmaps, removes the copy, frees. Destructors run. True if the object is still mapped: *ret_reason
 * is why, as far as can be told (a constant text). */
bool gn_module_close(struct gn_module *module, const char **ret_reason);

/* The reason in builds where nothing is ever unmapped, so that reports name functions and no leak
 * is seen where memory was reachable from a plugin's globals. */
extern const char gn_module_sanitizer_reason[];

/* How the host calls its own ABI in messages: "ABI 0.2". */
void gn_module_speaks(const struct gn_abi *abi, char out[32]);

#endif
