/* edit -- drop-ins and unit files in an editor, or from standard input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/systemctl.h"
#include "cli/unit_files.h"
#include "cli/verbs.h"
#include "unit/name.h"

#define EDIT_MAX ((size_t) 16 << 20)

/* What is between these two lines is kept. */
#define MARK_ABOVE "### The lines between this one and the next \"###\" line become the file.\n"
#define MARK_BELOW "### What follows is for reading only.\n"

/* One file being edited. */
struct edit {
    char *path;      /* where it goes */
    char *temporary; /* what the editor is given */
    char *before;    /* its contents until now, "" if there is none */
    char *around;    /* text below MARK_BELOW; NULL: the whole file is edited */
};

struct edit_list {
    struct edit *edits;
    size_t n, allocated;
};

static void edit_list_done(struct edit_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->edits[i].temporary)
            unlink(l->edits[i].temporary);
        free(l->edits[i].temporary);
        free(l->edits[i].path);
        free(l->edits[i].before);
        free(l->edits[i].around);
    }
    free(l->edits);
}

/* ---- which files ---- */

static const char *config_folder(const struct systemctl *c, struct unit_loader *l)
{
    const struct unit_paths *paths = unit_loader_paths(l);

    if (c->scope == SCOPE_GLOBAL && paths->global_config)
        return paths->global_config;
    return c->runtime ? paths->runtime_config : paths->persistent_config;
}

/* The whole of a file as comments, under its name. */
static void add_commented(struct strbuf *b, const char *path, const char *text)
{
    strbuf_addf(b, "\n### %s\n", path);
    while (*text) {
        size_t n = strcspn(text, "\n");

        strbuf_add(b, n > 0 ? "# " : "#");
        strbuf_add_n(b, text, n);
        strbuf_add_char(b, '\n');
        text += n + (text[n] == '\n');
    }
}

static char *describe_files(const struct unit_file_set *files, const char *without)
{
    auto_strbuf struct strbuf b = { 0 };
    auto_free char *fragment = NULL;

    if (files->fragment && file_read(files->fragment, EDIT_MAX, &fragment, NULL) >= 0)
        add_commented(&b, files->fragment, fragment);
    else if (files->builtin)
        add_commented(&b, "(built in)", files->builtin);
    STRV_FOREACH (path, files->drop_ins) {
        auto_free char *text = NULL;

        if (!streq(*path, without) && file_read(*path, EDIT_MAX, &text, NULL) >= 0)
            add_commented(&b, *path, text);
    }
    return strbuf_take(&b);
}

static int add_edit(struct edit_list *l, char *path, char *before, char *around)
{
    if (!path || !before || !grow(&l->edits, &l->allocated, l->n + 1)) {
        free(path);
        free(before);
        free(around);
        return -ENOMEM;
    }
    l->edits[l->n++] = (struct edit){ .path = path, .before = before, .around = around };
    return 0;
}

/* The whole unit file: a copy in the configuration folder, which wins over others. */
static int add_full(struct edit_list *l, const char *folder, const char *name,
                    const struct unit_file_set *files)
{
    char *before = NULL;

    if (files->fragment)
        (void) file_read(files->fragment, EDIT_MAX, &before, NULL);
    if (!before)
        before = strdup(strempty(files->builtin));
    return add_edit(l, path_join(folder, name, NULL), before, NULL);
}

static int add_drop_in(const struct systemctl *c, struct edit_list *l, const char *folder,
                       const char *name, const struct unit_file_set *files)
{
    const char *file = c->drop_in ? c->drop_in : "override.conf";
    char *path = format("%s/%s.d/%s%s", folder, name, file, endswith(file, ".conf") ? "" : ".conf");
    char *before = NULL;

    if (path && file_read(path, EDIT_MAX, &before, NULL) < 0)
        before = strdup("");
    return add_edit(l, path, before, path ? describe_files(files, path) : NULL);
}

static int add_unit(struct systemctl *c, struct unit_loader *l, const char *name,
                    struct edit_list *list)
{
    auto_unit_file_set struct unit_file_set files = { 0 };
    const char *folder = config_folder(c, l);
    int r = unit_files_find(l, name, c->scope != SCOPE_SYSTEM, &files);

    if (r == -ERFKILL) {
        fprintf(stderr, "Cannot edit %s: unit is masked.\n", name);
        return r;
    }
    if (r == -ENOENT && !c->force) {
        fprintf(stderr,
                "No files found for %s.\nRun '%s edit%s --force --full %s' to create a new unit.\n",
                name, c->program, c->scope == SCOPE_USER ? " --user" : "", name);
        return r;
    }
    if (r < 0 && r != -ENOENT) {
        fprintf(stderr, "Failed to find the files of %s: %s\n", name, strerror(-r));
        return r;
    }
    if (!folder)
        return -ENXIO;
    if (files.name)
        name = files.name;
    return c->full ? add_full(list, folder, name, &files)
                   : add_drop_in(c, list, folder, name, &files);
}

/* ---- editing ---- */

static int write_temporary(struct edit *e)
{
    auto_free char *text = NULL;
    int fd;

    if (mkdir_parents(e->path, 0755) < 0)
        return -errno;
    e->temporary = format("%s.XXXXXX", e->path);
    text = e->around ? format(MARK_ABOVE "\n%s\n" MARK_BELOW "%s", e->before, e->around)
                     : strdup(e->before);
    if (!e->temporary || !text)
        return -ENOMEM;
    fd = mkstemp(e->temporary);
    if (fd < 0) {
        free(e->temporary);
        e->temporary = NULL;
        return -errno;
    }
    int r = fd_write_all(fd, text, strlen(text));
    close_fd(fd);
    return r;
}

static _noreturn_ void run_editor(const struct edit_list *l)
{
    static const char *const variables[] = { "SYSTEMD_EDITOR", "EDITOR", "VISUAL" };
    static const char *const standard[] = { "editor", "nano", "vim", "vi" };
    auto_strv char **words = NULL;
    const char *editor = NULL;
    size_t n;

    for (size_t i = 0; !editor && i < ELEMENTSOF(variables); i++)
        if (!isempty(getenv(variables[i])))
            editor = getenv(variables[i]);
    words = strv_split(editor ? editor : "editor", " \t");
    n = strv_length(words);
    for (size_t i = 0; i < l->n; i++)
        if (strv_add(&words, l->edits[i].temporary) < 0)
            _exit(1);
    if (editor && n > 0)
        execvp(words[0], words);
    for (size_t i = 0; !editor && i < ELEMENTSOF(standard); i++) {
        words[0] = strdup(standard[i]);
        execvp(words[0], words);
    }
    fprintf(stderr,
            "Cannot edit units, no editor available. Please set either $SYSTEMD_EDITOR, $EDITOR or "
            "$VISUAL.\n");
    _exit(1);
}

static int edit_in_editor(struct edit_list *l)
{
    pid_t pid;
    int status;

    for (size_t i = 0; i < l->n; i++) {
        int r = write_temporary(&l->edits[i]);

        if (r < 0) {
            fprintf(stderr, "Failed to create a temporary file beside %s: %s\n", l->edits[i].path,
                    strerror(-r));
            return r;
        }
    }
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        run_editor(l);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "The editor failed: nothing is changed.\n");
        return -EIO;
    }
    return 0;
}

/* What was typed, without the marks and what is below them, and without blank lines around. */
static char *edited_text(const struct edit *e)
{
    auto_free char *all = NULL;
    char *begin, *end;

    if (file_read(e->temporary, EDIT_MAX, &all, NULL) < 0)
        return NULL;
    begin = all;
    if (e->around) {
        char *above = strstr(all, MARK_ABOVE), *below = strstr(all, MARK_BELOW);

        if (above)
            begin = above + strlen(MARK_ABOVE);
        if (below)
            *below = '\0';
    }
    begin += strspn(begin, "\n");
    end = begin + strlen(begin);
    while (end > begin && strchr(WHITESPACE, end[-1]))
        end--;
    *end = '\0';
    return *begin ? format("%s\n", begin) : strdup("");
}

static int install(const struct edit *e, const char *text)
{
    int r = mkdir_parents(e->path, 0755);

    if (r >= 0)
        r = file_replace(e->path, text, strlen(text), 0644);
    if (r < 0)
        fprintf(stderr, "Failed to write %s: %s\n", e->path, strerror(-r));
    return r;
}

/* Returns how many files were written, or a negative errno. */
static int keep_edited(const struct systemctl *c, const struct edit_list *l)
{
    int n = 0;

    for (size_t i = 0; i < l->n; i++) {
        auto_free char *text = edited_text(&l->edits[i]);

        if (isempty(text)) {
            fprintf(stderr, "%s: after editing, new contents are empty, not writing file.\n",
                    l->edits[i].path);
            continue;
        }
        if (install(&l->edits[i], text) < 0)
            return -EIO;
        systemctl_say(c, "Successfully installed edited file '%s'.", l->edits[i].path);
        n++;
    }
    return n;
}

static int keep_standard_input(const struct systemctl *c, const struct edit_list *l)
{
    auto_free char *data = NULL;
    size_t size;
    int r = fd_read_whole(STDIN_FILENO, EDIT_MAX, &data, &size);
    char *text;

    if (r < 0) {
        fprintf(stderr, "Failed to read standard input: %s\n", strerror(-r));
        return r;
    }
    text = strstrip(data);
    if (!*text) {
        systemctl_say(c, "Stripped stdin content is empty, not writing file.");
        return 0;
    }
    for (size_t i = 0; i < l->n; i++) {
        auto_free char *line = format("%s\n", text);

        if (!line || install(&l->edits[i], line) < 0)
            return -EIO;
        systemctl_say(c, "Successfully installed edited file '%s'.", l->edits[i].path);
    }
    return (int) l->n;
}

int ctl_edit(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    struct edit_list list = { 0 };
    int r = 0, status;

    if (!c->stdin_content && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fprintf(stderr, "Cannot edit units interactively if not on a tty.\n");
        return EXIT_FAILURE;
    }
    if (unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    STRV_FOREACH (arg, args) {
        auto_free char *name = NULL;

        r = unit_name_mangle(*arg, false, ".service", &name);
        if (r >= 0)
            r = add_unit(c, loader, name, &list);
        if (r < 0)
            break;
    }
    if (r >= 0)
        r = c->stdin_content ? keep_standard_input(c, &list) : edit_in_editor(&list);
    if (r >= 0 && !c->stdin_content)
        r = keep_edited(c, &list);
    status = r < 0 ? EXIT_FAILURE : r > 0 ? unit_files_reload_manager(c) : EXIT_SUCCESS;
    edit_list_done(&list);
    return status;
}
