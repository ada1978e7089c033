/* elf.c - completeness of shared objects, their dynamic section and symbol table. */
#include "plugin/elf.h"

#include "util/alloc.h"
#include "util/str.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SEGMENTS 256
#define MAX_TABLE (64u << 20) /* bytes of one table that is read whole */

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
#define ST_BIND ELF64_ST_BIND
#else
#define NATIVE_CLASS ELFCLASS32
#define ST_BIND ELF32_ST_BIND
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

typedef ElfW(Ehdr) ehdr_t;
typedef ElfW(Phdr) phdr_t;
typedef ElfW(Shdr) shdr_t;
typedef ElfW(Sym) sym_t;
typedef ElfW(Dyn) dyn_t;

/* The machines that plugins are likely to have been built for by mistake. */
static const struct machine {
    unsigned number;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86-64"}, {EM_386, "i386"},    {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
    {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"}, {EM_S390, "s390"},       {EM_MIPS, "mips"},
};

static unsigned native_machine(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#elif defined(__arm__)
    return EM_ARM;
#elif defined(__i386__)
    return EM_386;
#elif defined(__riscv)
    return EM_RISCV;
#elif defined(__powerpc64__)
    return EM_PPC64;
#elif defined(__s390__)
    return EM_S390;
#else
#error "add this machine to native_machine()"
#endif
}

static const char *machine_name(unsigned number, char buf[24])
{
    for (size_t i = 0; i < GN_COUNT(machines); i++)
        if (machines[i].number == number)
            return machines[i].name;
    snprintf(buf, 24, "machine %u", number);
    return buf;
}

/* True if [offset, offset + len) lies within the file. */
static bool is_inside(const struct gn_elf *elf, uint64_t offset, uint64_t len)
{
    return offset <= elf->size && len <= elf->size - offset;
}

static bool read_at(int fd, void *out, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)out + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* A piece of the file in memory of its own; NULL if it is empty, too large, or not there. A NUL
 * follows it, so that a string table can be read as strings. */
static void *read_table(const struct gn_elf *elf, int fd, uint64_t offset, uint64_t len)
{
    if (len == 0 || len > MAX_TABLE || !is_inside(elf, offset, len))
        return NULL;
    char *table = gn_try_malloc((size_t)len + 1);
    if (table && !read_at(fd, table, (size_t)len, offset)) {
        gn_free(table);
        return NULL;
    }
    if (table)
        table[len] = 0;
    return table;
}

static int cut_short(struct gn_error *err, const char *what)
{
    return gn_error_set(err, GN_EBUSY, "is incomplete: %s beyond the end of the file", what);
}

static int check_header(int fd, struct gn_elf *elf, ehdr_t *h, struct gn_error *err)
{
    char theirs[24], ours[24];
    if (elf->size == 0)
        return gn_error_set(err, GN_EBUSY, "is empty");
    memset(h, 0, sizeof(*h));
    if (!read_at(fd, h->e_ident, GN_MIN(elf->size, SELFMAG), 0))
        return gn_error_set(err, GN_EBUSY, "cannot be read: %s", strerror(errno));
    if (memcmp(h->e_ident, ELFMAG, GN_MIN(elf->size, SELFMAG)) != 0)
        return gn_error_set(err, GN_EINVAL, "is not a shared object (no ELF file)");
    if (elf->size < sizeof(*h) || !read_at(fd, h, sizeof(*h), 0))
        return cut_short(err, "its header goes on");
    if (h->e_ident[EI_CLASS] != NATIVE_CLASS || h->e_ident[EI_DATA] != NATIVE_DATA ||
        h->e_machine != native_machine())
        return gn_error_set(
            err, GN_EINVAL, "is built for %s, %d bit; this host is %s, %d bit",
            machine_name(h->e_machine, theirs), h->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32,
            machine_name(native_machine(), ours), NATIVE_CLASS == ELFCLASS64 ? 64 : 32);
    if (h->e_type != ET_DYN)
        return gn_error_set(err, GN_EINVAL, "is %s, not a shared object; link it with -shared",
                            h->e_type == ET_REL    ? "an object file"
                            : h->e_type == ET_EXEC ? "a program"
                                                   : "some other kind of ELF file");
    /* Linkers write the section table last, so this is what catches most files cut short. */
    if (h->e_shoff && !is_inside(elf, h->e_shoff, (uint64_t)h->e_shnum * h->e_shentsize))
        return cut_short(err, "its section table goes");
    if (h->e_phnum == 0 || h->e_phnum > MAX_SEGMENTS || h->e_phentsize != sizeof(phdr_t))
        return gn_error_set(err, GN_EINVAL, "is damaged: it has no sane program header table");
    if (!is_inside(elf, h->e_phoff, (uint64_t)h->e_phnum * sizeof(phdr_t)))
        return cut_short(err, "its program header table goes");
    return 0;
}

/* Where in the file a virtual address lies; false if in none of its segments. */
static bool offset_of(const phdr_t *segments, size_t count, uint64_t address, uint64_t *ret_offset,
                      uint64_t *ret_room)
{
    for (size_t i = 0; i < count; i++) {
        const phdr_t *p = &segments[i];
        if (p->p_type == PT_LOAD && address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz) {
            *ret_offset = p->p_offset + (address - p->p_vaddr);
            *ret_room = p->p_filesz - (address - p->p_vaddr);
            return true;
        }
    }
    return false;
}

static void read_dynamic(int fd, struct gn_elf *elf, const phdr_t *segments, size_t count,
                         const phdr_t *dynamic, bool *ret_is_program)
{
    gn_assert(dynamic);
    dyn_t *v = read_table(elf, fd, dynamic->p_offset, dynamic->p_filesz);
    if (!v)
        return;
    size_t n = dynamic->p_filesz / sizeof(*v);
    uint64_t strings_at = 0, strings_size = 0, paths[4];
    size_t path_count = 0;
    for (size_t i = 0; i < n && v[i].d_tag != DT_NULL; i++) {
        switch (v[i].d_tag) {
        case DT_STRTAB:
            strings_at = v[i].d_un.d_ptr;
            break;
        case DT_STRSZ:
            strings_size = v[i].d_un.d_val;
            break;
        case DT_RPATH:
        case DT_RUNPATH:
            if (path_count < GN_COUNT(paths))
                paths[path_count++] = v[i].d_un.d_val;
            break;
        case DT_FLAGS_1:
            elf->is_nodelete = (v[i].d_un.d_val & DF_1_NODELETE) != 0;
            *ret_is_program = (v[i].d_un.d_val & DF_1_PIE) != 0;
            break;
        default:
            break;
        }
    }
    gn_free(v);
    uint64_t offset, room;
    if (!path_count || !offset_of(segments, count, strings_at, &offset, &room))
        return;
    strings_size = GN_MIN(strings_size, room);
    char *strings = read_table(elf, fd, offset, strings_size);
    for (size_t i = 0; strings && i < path_count; i++)
        if (paths[i] < strings_size &&
            (strstr(strings + paths[i], "$ORIGIN") || strstr(strings + paths[i], "${ORIGIN}")))
            elf->uses_origin = true;
    gn_free(strings);
}

/* N of "gantry_plugin_vN", or 0. */
static uint32_t plugin_major(const char *name)
{
    static const char prefix[] = "gantry_plugin_v";
    int64_t n;
    if (!gn_starts_with(name, prefix) || !gn_parse_int64(name + sizeof(prefix) - 1, &n))
        return 0;
    return n > 0 && n < 1000 ? (uint32_t)n : 0;
}

static void read_symbols(int fd, struct gn_elf *elf, const ehdr_t *h, const char *wanted)
{
    if (!h->e_shoff || h->e_shentsize != sizeof(shdr_t))
        return;
    shdr_t *sections = read_table(elf, fd, h->e_shoff, (uint64_t)h->e_shnum * sizeof(shdr_t));
    for (size_t i = 0; sections && i < h->e_shnum; i++) {
        const shdr_t *s = &sections[i];
        if (s->sh_type != SHT_DYNSYM || s->sh_link >= h->e_shnum)
            continue;
        uint64_t names_size = sections[s->sh_link].sh_size;
        sym_t *symbols = read_table(elf, fd, s->sh_offset, s->sh_size);
        char *names = read_table(elf, fd, sections[s->sh_link].sh_offset, names_size);
        elf->has_symbols = symbols && names;
        for (size_t k = 0; elf->has_symbols && k < s->sh_size / sizeof(sym_t); k++) {
            if (symbols[k].st_shndx == SHN_UNDEF || symbols[k].st_name >= names_size)
                continue;
            const char *name = names + symbols[k].st_name;
            if (ST_BIND(symbols[k].st_info) == STB_GNU_UNIQUE)
                elf->unique++;
            if (gn_streq(name, wanted))
                elf->has_plugin = true;
            else if (plugin_major(name))
                elf->other_major = plugin_major(name);
        }
        gn_free(symbols);
        gn_free(names);
        break;
    }
    gn_free(sections);
}

int gn_elf_check(int fd, const char *symbol, struct gn_elf *ret, struct gn_error *err)
{
    struct gn_elf *elf = ret;
    struct stat st;
    ehdr_t h = {0};
    memset(elf, 0, sizeof(*elf));
    if (fstat(fd, &st) != 0)
        return gn_error_set(err, -errno, "cannot be read: %s", strerror(errno));
    elf->size = (uint64_t)st.st_size;
    int rc = check_header(fd, elf, &h, err);
    if (rc)
        return rc;
    phdr_t *segments = read_table(elf, fd, h.e_phoff, (uint64_t)h.e_phnum * sizeof(phdr_t));
    if (!segments)
        return gn_error_set(err, GN_EBUSY, "cannot be read");
    const phdr_t *dynamic = NULL;
    bool is_program = false;
    for (size_t i = 0; i < h.e_phnum && !rc; i++) {
        const phdr_t *p = &segments[i];
        if ((p->p_type == PT_LOAD || p->p_type == PT_DYNAMIC) &&
            !is_inside(elf, p->p_offset, p->p_filesz))
            rc = cut_short(err, "a segment goes");
        if (p->p_type == PT_DYNAMIC)
            dynamic = p;
    }
    if (!rc && !dynamic)
        rc = gn_error_set(err, GN_EINVAL, "is damaged: it has no dynamic section");
    if (!rc) {
        read_dynamic(fd, elf, segments, h.e_phnum, dynamic, &is_program);
        if (is_program)
            rc = gn_error_set(err, GN_EINVAL,
                              "is a program, not a shared object; link it with "
                              "-shared");
    }
    if (!rc)
        read_symbols(fd, elf, &h, symbol);
    gn_free(segments);
    return rc;
}

int gn_elf_check_plugin(const struct gn_elf *elf, const char *symbol, const char *speaks,
                        struct gn_error *err)
{
    if (!elf->has_symbols || elf->has_plugin)
        return 0;
    if (elf->other_major)
        return gn_error_set(err, GN_EINVAL, "is built for ABI %u; this host speaks %s",
                            elf->other_major, speaks);
    return gn_error_set(err, GN_EINVAL,
                        "is not a gantry plugin: it does not export %s (GANTRY_PLUGIN makes it)",
                        symbol);
}
