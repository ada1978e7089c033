/* module.c - mapping and unmapping. */
#include "plugin/module.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One function of each library that the host has loaded itself. A plugin that finds another address
 * under the name carries a copy, with global state of its own. */
static const struct library {
    const char *name, *function;
} libraries[] = {
    {"jansson", "json_object"},
    {"libuv", "uv_run"},
    {"libwebsockets", "lws_create_context"},
    {"libsodium", "sodium_init"},
    {"libcurl", "curl_easy_init"},
    {"libltdl", "lt_dlinit"},
};

const char gn_module_sanitizer_reason[] = "this is a sanitizer build";

#define MAX_MAJOR 99 /* how far to look for the symbol of another ABI */

void gn_module_speaks(const struct gn_abi *abi, char out[32])
{
    snprintf(out, 32, "ABI %u.%u", abi->major, abi->minor);
}

static char *private_libraries(void *object)
{
    struct gn_buf list = GN_BUF_INIT(1024);
    for (size_t i = 0; i < GN_COUNT(libraries); i++) {
        const void *ours = dlsym(RTLD_DEFAULT, libraries[i].function);
        const void *theirs = dlsym(object, libraries[i].function);
        if (ours && theirs && ours != theirs)
            gn_buf_addf(&list, "%s%s", list.len ? ", " : "", libraries[i].name);
    }
    return list.len ? gn_buf_take(&list, NULL) : NULL;
}

/* The linker's message, without the path of the copy, which says nothing to anybody. */
static int linker_error(const char *path, struct gn_error *err)
{
    const char *text = dlerror();
    size_t len = strlen(path);
    if (!text)
        text = "unknown error";
    if (strncmp(text, path, len) == 0 && gn_starts_with(text + len, ": "))
        text += len + 2;
    if (strstr(text, "failed to map segment") || strstr(text, "Operation not permitted"))
        return gn_error_set(err, GN_EINVAL, "cannot be loaded: %s (is %.*s mounted noexec?)", text,
                            (int)(gn_path_base(path) - path), path);
    return gn_error_set(err, GN_EINVAL, "cannot be loaded: %s", text);
}

static int no_symbol(const struct gn_abi *abi, void *object, struct gn_error *err)
{
    char name[40], speaks[32];
    gn_module_speaks(abi, speaks);
    for (int major = 1; major <= MAX_MAJOR; major++) {
        snprintf(name, sizeof(name), "gantry_plugin_v%d", major);
        if (!gn_streq(name, abi->symbol) && dlsym(object, name))
            return gn_error_set(err, GN_EINVAL, "is built for ABI %d; this host speaks %s", major,
                                speaks);
    }
    return gn_error_set(err, GN_EINVAL,
                        "is not a gantry plugin: it does not export %s (GANTRY_PLUGIN makes it)",
                        abi->symbol);
}

static lt_dlhandle open_local(const char *path)
{
    lt_dladvise advise;
    lt_dlhandle handle = NULL;
    if (lt_dladvise_init(&advise) != 0)
        return NULL;
    if (lt_dladvise_local(&advise) == 0)
        handle = lt_dlopenadvise(path, advise);
    lt_dladvise_destroy(&advise);
    return handle;
}

int gn_module_open(const struct gn_abi *abi, const char *path, struct gn_module **ret,
                   struct gn_error *err)
{
    gn_assert(path[0] == '/');
    *ret = NULL;
    /* Counted by libltdl. Never undone: lt_dlexit would close what is still in use. */
    if (lt_dlinit() != 0)
        return gn_error_set(err, GN_EINVAL, "libltdl does not start: %s", lt_dlerror());
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return linker_error(path, err);
    const gantry_descriptor *descriptor = dlsym(object, abi->symbol);
    if (!descriptor) {
        int rc = no_symbol(abi, object, err);
        dlclose(object);
        return rc;
    }
    lt_dlhandle handle = open_local(path);
    if (!handle) {
        dlclose(object);
        return gn_error_set(err, GN_EINVAL, "cannot be loaded: %s", lt_dlerror());
    }
    struct gn_module *m = gn_calloc(1, sizeof(*m));
    m->magic = GN_MODULE_MAGIC;
    m->path = gn_strdup(path);
    m->handle = handle;
    m->descriptor = descriptor;
    m->private_libraries = private_libraries(object);
#ifdef GN_SANITIZED
    m->keep = gn_module_sanitizer_reason;
#endif
    dlclose(object);
    *ret = m;
    return 0;
}

static const char *reason_of(const struct gn_module *m)
{
    if (m->elf.is_nodelete)
        return "it was linked with -z nodelete";
    if (m->elf.unique)
        return "it has C++ unique symbols (build it with -fno-gnu-unique)";
    if (m->keep)
        return m->keep;
    return "the C library keeps it: thread_local destructors are pending, or something uses it";
}

bool gn_module_close(struct gn_module *m, const char **ret_reason)
{
    GN_CHECK(m, GN_MODULE_MAGIC);
    if (m->keep) {
        /* One reference more, for good: the object stays, libltdl's record of it goes. */
        void *object = dlopen(m->path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD | RTLD_NODELETE);
        (void)object;
    }
    lt_dlclose(m->handle);
    /* dlclose says 0 in any case; only asking again tells the truth. */
    void *still = dlopen(m->path, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    if (still) {
        *ret_reason = reason_of(m);
        dlclose(still);
    }
    if (m->is_copy)
        unlink(m->path);
    m->magic = 0;
    gn_free(m->path);
    gn_free(m->private_libraries);
    gn_free(m);
    return still != NULL;
}
