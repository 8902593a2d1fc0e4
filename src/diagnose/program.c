#include "diagnose/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

void program_done(struct program *p)
{
    free(p->first_line);
    free(p->interpreter);
    free(p->argument);
    free(p->loader);
    strv_free(p->needed);
    strv_free(p->search_first);
    strv_free(p->search);
    for (size_t i = 0; i < p->n_versions; i++) {
        free(p->versions[i].library);
        free(p->versions[i].version);
    }
    free(p->versions);
    *p = (struct program){};
}

const char *program_machine_name(uint16_t machine)
{
    static char number[16];

    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_386:
        return "i386";
    case EM_AARCH64:
        return "aarch64";
    case EM_ARM:
        return "arm";
    case EM_RISCV:
        return "riscv";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390";
    case EM_MIPS:
        return "mips";
    default:
        snprintf(number, sizeof number, "machine %u", machine);
        return number;
    }
}

/* What the kernel we run on executes without help. */
static bool runs_here(uint16_t machine)
{
#if defined(__x86_64__)
    return machine == EM_X86_64 || machine == EM_386;
#elif defined(__aarch64__)
    return machine == EM_AARCH64 || machine == EM_ARM;
#elif defined(__riscv)
    return machine == EM_RISCV;
#else
    return true;
#endif
}

/* ---- scripts
 * ------------------------------------------------------------------------------------------ */

static int read_script(const char *head, size_t n, struct program *p)
{
    size_t skip = n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const char *end = memchr(head, '\n', n);
    size_t length = end ? (size_t) (end - head) : n;

    p->byte_order_mark = skip > 0;
    if (memchr(head, 0, length))
        return 0; /* binary */
    p->carriage_return = length > 0 && head[length - 1] == '\r';
    p->first_line = memdup0(head + skip, length - skip - p->carriage_return);
    if (!p->first_line)
        return -ENOMEM;
    if (!startswith(p->first_line, "#!"))
        return 0;
    if (!p->byte_order_mark)
        p->kind = PROGRAM_SCRIPT;

    const char *begin = p->first_line + 2 + strspn(p->first_line + 2, " \t");
    size_t word = strcspn(begin, " \t");
    const char *rest = begin + word + strspn(begin + word, " \t");
    if (word > 0 && !(p->interpreter = memdup0(begin, word)))
        return -ENOMEM;
    if (*rest) {
        if (!(p->argument = strdup(rest)))
            return -ENOMEM;
        for (size_t k = strlen(p->argument); k > 0 && strchr(" \t", p->argument[k - 1]);)
            p->argument[--k] = 0;
    }
    return 0;
}

/* ---- ELF
 * ---------------------------------------------------------------------------------------------- */

DEFINE_AUTO(Elf, elf, elf_end)

/* The part of the file that is loaded at an address: programs name their tables by address. */
static Elf_Data *data_at(Elf *elf, uint64_t address, uint64_t size, Elf_Type type)
{
    size_t n = 0;
    GElf_Phdr h;

    (void) elf_getphdrnum(elf, &n);
    for (size_t i = 0; i < n; i++)
        if (gelf_getphdr(elf, (int) i, &h) && h.p_type == PT_LOAD && address >= h.p_vaddr &&
            address - h.p_vaddr < h.p_filesz) {
            uint64_t left = h.p_filesz - (address - h.p_vaddr);

            return elf_getdata_rawchunk(elf, (int64_t) (h.p_offset + (address - h.p_vaddr)),
                                        size ? MIN(size, left) : left, type);
        }
    return NULL;
}

/* A string of a table that may not end where it should. */
static char *string_at(const Elf_Data *table, uint64_t offset)
{
    if (!table || offset >= table->d_size)
        return NULL;
    const char *begin = (const char *) table->d_buf + offset;
    size_t n = strnlen(begin, table->d_size - offset);

    return n == table->d_size - offset ? NULL : memdup0(begin, n);
}

/* Splits a search path and replaces $ORIGIN, the folder of the file itself, whatever links led to
 * it. */
static char **search_path(const char *text, const char *path)
{
    auto_strv char **parts = strv_split(text, ":");
    auto_free char *origin = realpath(path, NULL);

    if (!origin)
        origin = strdup(path);
    if (!parts || !origin)
        return NULL;
    char *slash = strrchr(origin, '/');
    if (slash)
        slash[slash == origin] = 0;
    for (char **p = parts; *p; p++) {
        const char *rest = startswith(*p, "$ORIGIN");

        if (!rest)
            rest = startswith(*p, "${ORIGIN}");
        if (rest) {
            char *full = format("%s%s", origin, rest);

            if (!full)
                return NULL;
            free(*p);
            *p = path_simplify(full);
        }
    }
    return take_ptr(parts);
}

struct dynamic {
    uint64_t strtab, strsz, verneed, n_verneed;
    uint64_t rpath, runpath; /* offsets + 1; 0: none */
    Elf_Data *strings;
};

static void read_tags(Elf_Data *data, struct dynamic *d)
{
    GElf_Dyn dyn;

    for (int i = 0; gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++)
        switch (dyn.d_tag) {
        case DT_STRTAB:
            d->strtab = dyn.d_un.d_ptr;
            break;
        case DT_STRSZ:
            d->strsz = dyn.d_un.d_val;
            break;
        case DT_VERNEED:
            d->verneed = dyn.d_un.d_ptr;
            break;
        case DT_VERNEEDNUM:
            d->n_verneed = dyn.d_un.d_val;
            break;
        case DT_RPATH:
            d->rpath = dyn.d_un.d_val + 1;
            break;
        case DT_RUNPATH:
            d->runpath = dyn.d_un.d_val + 1;
            break;
        default:
            break;
        }
}

static int read_versions(Elf *elf, const struct dynamic *d, struct program *p)
{
    Elf_Data *data = d->verneed ? data_at(elf, d->verneed, 0, ELF_T_BYTE) : NULL;
    size_t at = 0, allocated = 0;

    /* Vernaux and Verneed are alike in both classes; the entries are chained by offsets. */
    for (uint64_t i = 0; data && i < MIN(d->n_verneed, UINT64_C(256)); i++) {
        Elf64_Verneed need;

        if (at + sizeof need > data->d_size)
            return 0;
        memcpy(&need, (char *) data->d_buf + at, sizeof need);
        size_t aux_at = at + need.vn_aux;
        for (unsigned k = 0; k < need.vn_cnt; k++) {
            Elf64_Vernaux aux;

            if (aux_at + sizeof aux > data->d_size)
                return 0;
            memcpy(&aux, (char *) data->d_buf + aux_at, sizeof aux);
            if (!grow(&p->versions, &allocated, p->n_versions + 1))
                return -ENOMEM;
            char *library = string_at(d->strings, need.vn_file);
            char *version = string_at(d->strings, aux.vna_name);
            if (library && version && !(aux.vna_flags & VER_FLG_WEAK))
                p->versions[p->n_versions++] = (struct program_version){ library, version };
            else {
                free(library);
                free(version);
            }
            if (aux.vna_next == 0)
                break;
            aux_at += aux.vna_next;
        }
        if (need.vn_next == 0)
            break;
        at += need.vn_next;
    }
    return 0;
}

static int read_dynamic(Elf *elf, const GElf_Phdr *h, const char *path, struct program *p)
{
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t) h->p_offset, h->p_filesz, ELF_T_DYN);
    struct dynamic d = {};
    GElf_Dyn dyn;

    if (!data)
        return -EBADMSG;
    read_tags(data, &d);
    d.strings = data_at(elf, d.strtab, d.strsz, ELF_T_BYTE);
    if (!d.strings)
        return d.strtab ? -EBADMSG : 0;
    for (int i = 0; gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
        char *name = dyn.d_tag == DT_NEEDED ? string_at(d.strings, dyn.d_un.d_val) : NULL;

        if (name && strv_push(&p->needed, name) < 0)
            return -ENOMEM;
    }
    uint64_t offset = d.runpath ? d.runpath : d.rpath;
    auto_free char *text = offset ? string_at(d.strings, offset - 1) : NULL;
    char **list = text ? search_path(text, path) : NULL;
    if (d.runpath)
        p->search = list;
    else
        p->search_first = list;
    return read_versions(elf, &d, p);
}

static int read_headers(Elf *elf, const char *path, struct program *p)
{
    GElf_Ehdr e;
    GElf_Phdr h;
    size_t n = 0, names = 0;
    bool dynamic = false;
    int r = 0;

    if (!gelf_getehdr(elf, &e))
        return -EBADMSG;
    p->machine = e.e_machine;
    p->bits = e.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    p->big_endian = e.e_ident[EI_DATA] == ELFDATA2MSB;
    p->foreign = !runs_here(e.e_machine);
    (void) elf_getphdrnum(elf, &n);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (!gelf_getphdr(elf, (int) i, &h))
            continue;
        if (h.p_type == PT_INTERP && !p->loader) {
            Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t) h.p_offset, h.p_filesz,
                                                  ELF_T_BYTE);

            p->loader = data ? memdup0(data->d_buf, strnlen(data->d_buf, data->d_size)) : NULL;
        } else if (h.p_type == PT_DYNAMIC) {
            dynamic = true;
            r = read_dynamic(elf, &h, path, p);
        }
    }
    p->shared_library = e.e_type == ET_DYN && dynamic && !p->loader && e.e_entry == 0;
    if (elf_getshdrstrndx(elf, &names) == 0)
        for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
            GElf_Shdr section;
            const char *name = gelf_getshdr(s, &section) ? elf_strptr(elf, names, section.sh_name)
                                                         : NULL;

            if (name && streq(name, ".go.buildinfo"))
                p->go = true;
        }
    return r;
}

static char *below_root(const char *root, const char *path)
{
    return isempty(root) ? strdup(path) : path_join(root, path, NULL);
}

int program_read(const char *root, const char *path, struct program *ret)
{
    auto_free char *full = below_root(root, path);
    _cleanup_(program_done) struct program p = { .kind = PROGRAM_OTHER };
    char head[257] = "";
    struct stat st;
    int r = 0;

    if (!full)
        return -ENOMEM;
    auto_close int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    ssize_t n = pread(fd, head, sizeof head - 1, 0);
    if (n < 0)
        return -errno;
    if (n == 0)
        p.kind = PROGRAM_EMPTY;
    else if (n >= 4 && memcmp(head, ELFMAG, SELFMAG) == 0) {
        (void) elf_version(EV_CURRENT);
        _cleanup_(auto_elf_p) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);

        p.kind = PROGRAM_ELF;
        r = elf ? read_headers(elf, path, &p) : -EBADMSG;
    } else
        r = read_script(head, (size_t) n, &p);
    if (r < 0)
        return r;
    *ret = p;
    p = (struct program){};
    return 0;
}
