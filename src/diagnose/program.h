/* diagnose/program.h -- what a program file is, and what it needs to run.
 *
 * Reads ELF files (elf(5)) and scripts; runs nothing. Follows execve(2), ld.so(8). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum program_kind {
    PROGRAM_ELF,
    PROGRAM_SCRIPT, /* begins with "#!" */
    PROGRAM_EMPTY,
    PROGRAM_OTHER, /* the kernel answers ENOEXEC, unless binfmt_misc knows it */
};

/* A library's symbol versions that a program was linked against: "libc.so.6" wants "GLIBC_2.34". */
struct program_version {
    char *library, *version;
};

struct program {
    enum program_kind kind;

    /* Scripts; `first_line` also for PROGRAM_OTHER that looks like text. */
    char *first_line;  /* without "\n", at most 256 bytes; NULL: binary */
    char *interpreter; /* NULL: none is named */
    char *argument;    /* what stands behind it: one argument to the kernel; NULL */
    bool
        carriage_return; /* the first line ends with \r, which belongs to the name for the kernel */
    bool byte_order_mark; /* UTF-8 BOM before "#!" */

    /* ELF. */
    uint16_t machine; /* EM_* */
    unsigned bits;    /* 32 or 64 */
    bool big_endian;
    bool foreign;        /* this machine's processor does not run it */
    bool shared_library; /* no entry for execve(): a library */
    char *loader;        /* PT_INTERP; NULL: static */
    char **needed;       /* DT_NEEDED */
    char **search_first; /* DT_RPATH, where there is no DT_RUNPATH: before LD_LIBRARY_PATH */
    char **search;       /* DT_RUNPATH; $ORIGIN is replaced */
    struct program_version *versions;
    size_t n_versions;
    bool go; /* has Go's build information */
};

void program_done(struct program *p);

/* Reads the file at `path`, below `root` (NULL: /). Returns 0, or a negative errno of open() and
 * read(); -EBADMSG for an ELF file that is broken. */
int program_read(const char *root, const char *path, struct program *ret);

/* A name for EM_*: "x86-64", "aarch64"; the number for others, in a static buffer. */
const char *program_machine_name(uint16_t machine);

/* One library of the walk over all that are needed. */
struct program_library {
    char *name;      /* as in DT_NEEDED */
    char *path;      /* where the loader finds it; NULL: nowhere */
    char *wanted_by; /* the file whose DT_NEEDED names it */
    char *elsewhere; /* a file of that name in a folder that the loader does not search; NULL */
};

struct program_libraries {
    struct program_library *items;
    size_t n, allocated;
    /* Symbol versions that a found library does not have. */
    struct {
        char *library, *path, *version, *wanted_by;
    } * missing_versions;
    size_t n_missing, missing_allocated;
};
void program_libraries_done(struct program_libraries *l);

/* Walks DT_NEEDED as the loader would, with this LD_LIBRARY_PATH (NULL: none). Folders of
 * ld.so.conf(5) and the usual ones are searched in place of the loader's cache. Returns 0 or a
 * negative errno. */
int program_find_libraries(const char *root, const char *path, const char *library_path,
                           struct program_libraries *ret);
