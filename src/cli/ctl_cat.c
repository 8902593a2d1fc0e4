/* cat and help -- the files of units, and what documents them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cat.h"
#include "cli/dependencies.h"
#include "cli/systemctl.h"
#include "cli/term.h"
#include "cli/unit_files.h"
#include "cli/verbs.h"
#include "unit/name.h"

#define UNIT_FILE_MAX ((size_t) 16 << 20)

/* Lines that are comments or section headings stand out on a terminal. `brief` leaves out comments,
 * empty lines, and headings with nothing below them. */
static void print_text(const char *text, bool brief)
{
    const char *heading = NULL;

    while (*text) {
        size_t n = strcspn(text, "\n"), blank = strspn(text, WHITESPACE);

        if (brief && (blank >= n || text[blank] == '#' || text[blank] == ';')) {
            text += n + (text[n] == '\n');
            continue;
        }
        if (brief && *text == '[') {
            heading = text;
            text += n + (text[n] == '\n');
            continue;
        }
        if (heading) {
            printf("%s%.*s%s\n", term_color(COLOR_BOLD), (int) strcspn(heading, "\n"), heading,
                   term_reset());
            heading = NULL;
        }
        enum color color = *text == '#' || *text == ';' ? COLOR_DIM
                           : *text == '['               ? COLOR_BOLD
                                                        : COLOR_NONE;

        printf("%s%.*s%s\n", term_color(color), (int) n, text,
               color == COLOR_NONE ? "" : term_reset());
        text += n + (text[n] == '\n');
    }
}

int cat_file(const char *path, bool *first, bool brief)
{
    auto_free char *text = NULL;
    int r;

    if (!*first)
        putchar('\n');
    *first = false;
    printf("%s# %s%s\n", term_color(COLOR_BLUE), path, term_reset());
    r = file_read(path, UNIT_FILE_MAX, &text, NULL);
    if (r < 0) {
        fflush(stdout);
        fprintf(stderr, "Failed to cat %s: %s\n", path, strerror(-r));
        return r;
    }
    print_text(text, brief);
    return 0;
}

static int cat_unit(const struct systemctl *c, struct unit_loader *l, const char *name, bool *first)
{
    auto_unit_file_set struct unit_file_set files = { 0 };
    int r = unit_files_find(l, name, c->scope != SCOPE_SYSTEM, &files);

    if (r == -ERFKILL) {
        if (!*first)
            putchar('\n');
        *first = false;
        printf("%s# Unit %s is masked.%s\n", term_color(COLOR_YELLOW), name, term_reset());
        return 0;
    }
    if (r < 0) {
        fflush(stdout);
        if (r == -ENOENT)
            fprintf(stderr, "No files found for %s.\n", name);
        else
            fprintf(stderr, "Failed to find the files of %s: %s\n", name, strerror(-r));
        return r;
    }
    if (files.fragment) {
        r = cat_file(files.fragment, first, false);
    } else if (files.builtin) {
        if (!*first)
            putchar('\n');
        *first = false;
        printf("%s# %s is built in%s\n", term_color(COLOR_BLUE), files.name, term_reset());
        print_text(files.builtin, false);
    }
    STRV_FOREACH (path, files.drop_ins)
        if (r >= 0)
            r = cat_file(*path, first, false);
    return r;
}

static void warn_of_stale(struct systemctl *c, const char *name)
{
    static const char *const wanted[] = { "NeedDaemonReload", NULL };
    json_t *properties;

    if (c->no_warn || c->quiet || systemctl_try_connect(c) < 0)
        return;
    properties = systemctl_properties(c, name, wanted, NULL);
    if (property_bool(properties, "NeedDaemonReload"))
        fprintf(
            stderr,
            "Warning: %s changed on disk, the version that the manager has loaded is outdated.\n"
            "Run '%s daemon-reload' to reload units.\n",
            name, c->program);
    json_decref(properties);
}

/* With a manager, patterns are those of its units; without, names alone. */
static int cat_names(struct systemctl *c, char **args, char ***ret)
{
    STRV_FOREACH (arg, args) {
        char *one[] = { *arg, NULL };
        auto_strv char **names = NULL;
        auto_free char *name = NULL;
        int r;

        if (strpbrk(*arg, "*?[")) {
            r = systemctl_unit_names(c, one, ".service", NULL, &names);
            if (r >= 0)
                r = strv_extend(ret, names, true);
        } else {
            r = unit_name_mangle(*arg, false, ".service", &name);
            if (r >= 0)
                r = strv_add(ret, name);
        }
        if (r < 0)
            return r;
    }
    return c->with_dependencies ? dependencies_add(c, ret) : 0;
}

int ctl_cat(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **names = NULL;
    int status = EXIT_SUCCESS;
    bool first = true;

    if (cat_names(c, args, &names) < 0)
        return systemctl_exit_unreachable(c);
    if (unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    if (!c->no_pager)
        term_pager_open();
    STRV_FOREACH (name, names) {
        if (cat_unit(c, loader, *name, &first) < 0)
            status = EXIT_FAILURE;
        else
            warn_of_stale(c, *name);
    }
    return status;
}

/* ---- help ---- */

static int show_manual(const char *page)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        const char *open = strchr(page, '(');
        auto_free char *name = memdup0(page, open ? (size_t) (open - page) : strlen(page));
        auto_free char *section = open ? memdup0(open + 1, strcspn(open + 1, ")")) : NULL;

        if (section)
            execlp("man", "man", section, name, NULL);
        else
            execlp("man", "man", name, NULL);
        fprintf(stderr, "Failed to execute man: %s\n", strerror(errno));
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int show_help(struct systemctl *c, const char *name)
{
    static const char *const wanted[] = { "Documentation", "LoadState", NULL };
    json_t *properties = systemctl_properties(c, name, wanted, NULL);
    auto_strv char **docs = NULL;
    bool any = false;

    if (!properties)
        return -EIO;
    if (streq(property_text(properties, "LoadState"), "not-found")) {
        fprintf(stderr, "Unit %s could not be found.\n", name);
        json_decref(properties);
        return -ENOENT;
    }
    docs = strv_split(property_text(properties, "Documentation"), " \"\n");
    json_decref(properties);
    STRV_FOREACH (doc, docs) {
        const char *page = startswith(*doc, "man:");

        any = true;
        if (page)
            show_manual(page);
        else
            printf("\nAdditional documentation: %s\n", *doc);
    }
    if (!any)
        systemctl_say(c, "Documentation for %s not known.", name);
    return 0;
}

int ctl_help(struct systemctl *c, char **args)
{
    auto_strv char **names = NULL;

    if (!*args) {
        fprintf(stderr, "'help' command expects one or more unit names.\n(Alternatively, help for "
                        "systemctl itself may be shown with --help)\n");
        return EXIT_FAILURE;
    }
    if (systemctl_unit_names(c, args, ".service", NULL, &names) < 0)
        return systemctl_exit_unreachable(c);
    STRV_FOREACH (name, names)
        if (show_help(c, *name) < 0)
            return systemctl_exit_unreachable(c);
    return EXIT_SUCCESS;
}
