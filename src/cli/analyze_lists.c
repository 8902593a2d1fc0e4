/* cli/analyze_lists.c -- what settings of units can name: groups of system calls and of file
 * systems, architectures (systemd-analyze(1)). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze.h"
#include "cli/table.h"
#include "cli/term.h"
#include "launch/syscall_groups.h"
#include "unit/virt.h"

/* A family of groups: those of system calls, or of file systems. */
struct groups {
    const char *calls; /* "System Calls" */
    const char *kind;  /* of a group that is not found: "Filter" */
    const char *(*name)(size_t i);
    const char *(*summary)(size_t i);
    const char *(*members)(const char *group);
    const char *(*number)(const char *member); /* NULL where members have none to show */
    int (*of_kernel)(char ***ret);             /* what the running kernel has */
};

static bool nulstr_contains(const char *list, const char *word)
{
    NULSTR_FOREACH(s, list)
    if (streq(s, word))
        return true;
    return false;
}

static bool any_group_has(const struct groups *g, const char *name, const char *but)
{
    for (size_t i = 0; g->name(i); i++)
        if ((!but || !streq(g->name(i), but)) && nulstr_contains(g->members(g->name(i)), name))
            return true;
    return false;
}

/* Of a file system that has the number of another ("0x1021994[tmpfs]"): that one's name. */
static char *whose_number(const struct groups *g, const char *name)
{
    const char *number = g->number ? g->number(name) : NULL;
    const char *bracket = number ? strchr(number, '[') : NULL;

    return bracket ? strndup(bracket + 1, strcspn(bracket + 1, "]")) : NULL;
}

static void print_group(const struct groups *g, size_t i)
{
    const char *members = g->members(g->name(i));

    printf("%s\n    # %s\n", g->name(i), g->summary(i));
    NULSTR_FOREACH(s, members)
    {
        const char *number = g->number ? g->number(s) : NULL;

        if (number)
            printf("    %s (magic: %s)\n", s, number);
        else
            printf("    %s\n", s);
    }
}

static int print_list(const char *title, char **names)
{
    strv_sort(names);
    if (names && *names)
        printf("\n# %s\n", title);
    STRV_FOREACH (n, names)
        printf("#   %s\n", *n);
    return 0;
}

/* What @known has and no other group names, and what the kernel has beyond that. */
static int print_ungrouped(const struct groups *g)
{
    auto_strv char **ungrouped = NULL, **of_kernel = NULL, **unlisted = NULL;
    const char *known = g->members("@known");
    auto_free char *title = format("Ungrouped %s (known, but in no group except @known):",
                                   g->calls);
    auto_free char *more = format("Unlisted %s (this kernel has them, but no group names them):",
                                  g->calls);
    int r = title && more ? 0 : -ENOMEM;

    NULSTR_FOREACH(s, known)
    {
        auto_free char *other = whose_number(g, s);

        if (r >= 0 && *s != '@' && !any_group_has(g, s, "@known") &&
            !(other && any_group_has(g, other, "@known")))
            r = strv_add(&ungrouped, s);
    }
    if (r < 0)
        return r;
    print_list(title, ungrouped);
    r = g->of_kernel(&of_kernel);
    if (r < 0) {
        printf("\n# %s that this kernel has beyond these are not shown: it does not tell: %s\n",
               g->calls, strerror(-r));
        return 0;
    }
    STRV_FOREACH (n, of_kernel)
        if (r >= 0 && !any_group_has(g, *n, NULL))
            r = strv_add(&unlisted, *n);
    return r < 0 ? r : print_list(more, unlisted);
}

static int show_groups(const struct analyze_options *o, const struct groups *g, char *const *args)
{
    if (!o->ctl.no_pager)
        term_pager_open();
    for (size_t i = 0; !*args && g->name(i); i++) {
        if (i > 0)
            putchar('\n');
        print_group(g, i);
    }
    if (!*args)
        return print_ungrouped(g);
    STRV_FOREACH (arg, args) {
        size_t i = 0;

        while (g->name(i) && !streq(g->name(i), *arg))
            i++;
        if (arg != args)
            putchar('\n');
        fflush(stdout);
        if (!g->name(i)) {
            fprintf(stderr, "%s set \"%s\" not found.\n", g->kind, *arg);
            return -ENOENT;
        }
        print_group(g, i);
    }
    return 0;
}

/* ---- syscall-filter ---- */

/* By the names of its trace points; for root, where the tracing file system is mounted. */
static int kernel_calls(char ***ret)
{
    static const char prefix[] = "syscalls:sys_enter_";
    auto_fclose FILE *f = fopen("/sys/kernel/tracing/available_events", "re");
    auto_free char *line = NULL;
    size_t size = 0;
    int r = f ? 0 : -errno;

    while (r >= 0 && getline(&line, &size, f) >= 0) {
        const char *name = startswith(line, prefix);

        line[strcspn(line, "\n")] = '\0';
        /* Trace points have other names for these. */
        if (name && !streq(name, "newuname") && !streq(name, "sendfile64"))
            r = strv_add(ret,
                         startswith(name, "new") && !streq(name, "newfstatat") ? name + 3 : name);
    }
    return r;
}

int analyze_syscall_filter(const struct analyze_options *o, char *const *args)
{
    static const struct groups groups = { .calls = "System Calls",
                                          .kind = "Filter",
                                          .name = syscall_group_name,
                                          .summary = syscall_group_summary,
                                          .members = syscall_group,
                                          .of_kernel = kernel_calls };

    return show_groups(o, &groups, args);
}

/* ---- filesystems ---- */

static const struct {
    const char *name, *number;
} file_systems[] = {
#define FILE_SYSTEM(name, number) { name, number },
#define GROUP(name, summary, members)
#include "cli/file_systems.def"
#undef FILE_SYSTEM
#undef GROUP
};

static const struct {
    const char *name, *summary, *members;
} file_system_groups[] = {
#define FILE_SYSTEM(name, number)
#define GROUP(name, summary, members) { name, summary, members },
#include "cli/file_systems.def"
#undef FILE_SYSTEM
#undef GROUP
    {
        "@known",
        "All that are known",
#define FILE_SYSTEM(name, number) name "\0"
#define GROUP(name, summary, members)
#include "cli/file_systems.def"
#undef FILE_SYSTEM
#undef GROUP
    },
};

static const char *file_system_group_name(size_t i)
{
    return i < ELEMENTSOF(file_system_groups) ? file_system_groups[i].name : NULL;
}

static const char *file_system_group_summary(size_t i)
{
    return file_system_groups[i].summary;
}

static const char *file_system_group(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(file_system_groups); i++)
        if (streq(file_system_groups[i].name, name))
            return file_system_groups[i].members;
    return NULL;
}

static const char *file_system_number(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(file_systems); i++)
        if (streq(file_systems[i].name, name))
            return file_systems[i].number;
    return NULL;
}

/* "nodev\tproc". */
static int kernel_file_systems(char ***ret)
{
    auto_fclose FILE *f = fopen("/proc/filesystems", "re");
    auto_free char *line = NULL;
    size_t size = 0;
    int r = f ? 0 : -errno;

    while (r >= 0 && getline(&line, &size, f) >= 0) {
        const char *tab = strchr(line, '\t');

        line[strcspn(line, "\n")] = '\0';
        r = strv_add(ret, tab ? tab + 1 : line);
    }
    return r;
}

int analyze_filesystems(const struct analyze_options *o, char *const *args)
{
    static const struct groups groups = { .calls = "filesystems",
                                          .kind = "Filesystem",
                                          .name = file_system_group_name,
                                          .summary = file_system_group_summary,
                                          .members = file_system_group,
                                          .number = file_system_number,
                                          .of_kernel = kernel_file_systems };

    return show_groups(o, &groups, args);
}

/* ---- architectures ---- */

int analyze_architectures(const struct analyze_options *o, char *const *args)
{
    static const char *const names[] = {
        "alpha",   "arc",     "arc-be",      "arm",      "arm64",  "arm64-be", "arm-be",
        "cris",    "ia64",    "loongarch64", "m68k",     "mips",   "mips64",   "mips64-le",
        "mips-le", "nios2",   "parisc",      "parisc64", "ppc",    "ppc64",    "ppc64-le",
        "ppc-le",  "riscv32", "riscv64",     "s390",     "s390x",  "sh",       "sh64",
        "sparc",   "sparc64", "tilegx",      "x86",      "x86-64",
    };
    /* What else a processor runs. */
    static const struct {
        const char *native, *secondary;
    } pairs[] = { { "x86-64", "x86" }, { "arm64", "arm" },       { "ppc64", "ppc" },
                  { "s390x", "s390" }, { "ppc64-le", "ppc-le" }, { "sparc64", "sparc" } };
    struct table_column columns[] = { { "NAME", "name" }, { "SUPPORT", "support" } };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    const char *native = architecture_name();

    STRV_FOREACH (arg, args) {
        bool known = streq(*arg, "native");

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
            known = known || streq(names[i], *arg);
        if (!known) {
            fprintf(stderr, "Architecture \"%s\" not known.\n", *arg);
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const char *support = streq(names[i], native) ? "native" : "foreign";
        unsigned times = !*args; /* as often as it was asked for */

        for (size_t p = 0; p < ELEMENTSOF(pairs); p++)
            if (streq(pairs[p].native, native) && streq(pairs[p].secondary, names[i]))
                support = "secondary";
        STRV_FOREACH (arg, args)
            times += streq(streq(*arg, "native") ? native : *arg, names[i]);
        while (times-- > 0) {
            table_add(&t, names[i]);
            table_add(&t, support);
        }
    }
    return table_print(&o->ctl, &t);
}
