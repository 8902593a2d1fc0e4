/* launch/program.c -- finding the program, the root and working folders, and execve() itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/child.h"
#include "unit/command.h"

static int locate_failed(struct child *c, int error)
{
    const char *path = c->request->command->path;

    c->failure.exec = c->failure.error == 0 ? SPAWN_EXEC_LOCATE : c->failure.exec;
    return child_fail(c, EXEC_STATUS_EXEC, error, NULL, path);
}

/* While still privileged, in the namespaces of the unit: so a missing file is told from one that
 * the unit's user cannot reach. The folder of RootDirectory= is not entered yet. */
int child_locate(struct child *c)
{
    const char *root = c->apply_root && !c->mounted_root ? c->root : NULL;
    struct stat st;
    char *path = NULL;
    int r = command_find(c->request->command->path, c->path_search, root, &path);

    if (r < 0) {
        const char *asked = c->request->command->path;
        auto_free char *there = format("%s%s", strempty(root), asked);

        if (there && path_is_absolute(asked) && stat(there, &st) == 0 && S_ISDIR(st.st_mode))
            r = -EISDIR;
        return locate_failed(c, r);
    }
    c->program = path;
    auto_free char *full = format("%s%s", strempty(root), path);
    if (!full)
        return locate_failed(c, -ENOMEM);
    if (stat(full, &st) < 0)
        return locate_failed(c, -errno);
    /* access(2) grants root a folder: execve() would say EACCES. */
    if (!S_ISREG(st.st_mode))
        return locate_failed(c, S_ISDIR(st.st_mode) ? -EISDIR : -EACCES);
    return 0;
}

int child_change_root(struct child *c)
{
    const char *root = c->root;

    if (!c->apply_root || c->mounted_root || !root)
        return 0;
    if (chroot(root) < 0)
        return child_fail(c, EXEC_STATUS_CHROOT, -errno, "RootDirectory", root);
    return 0;
}

int child_change_directory(struct child *c)
{
    const struct working_directory *w = &c->exec->working_directory;
    const char *path = w->home ? c->home : w->path ? w->path : "/";

    if (!path)
        return child_fail_detail(c, EXEC_STATUS_CHDIR, -ENXIO, "WorkingDirectory", "~",
                                 "the user has no home");
    auto_free char *outside = NULL;
    if (!c->apply_root && c->root) {
        /* A command outside of the root starts in the folder that is meant, as seen from here. */
        outside = path_join(c->root, path, NULL);
        if (!outside)
            return child_fail(c, EXEC_STATUS_CHDIR, -ENOMEM, NULL, NULL);
        path = outside;
    }
    if (chdir(path) >= 0)
        return 0;
    if (!w->missing_ok)
        return child_fail(c, EXEC_STATUS_CHDIR, -errno, "WorkingDirectory", path);
    /* Never where the manager happens to be. */
    return chdir("/") < 0 ? child_fail(c, EXEC_STATUS_CHDIR, -errno, "WorkingDirectory", "/") : 0;
}

/* The first line of a script names what the kernel did not find. */
static void explain_script(struct child *c)
{
    char line[256];
    auto_close int fd = open(c->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

    if (n < 3 || line[0] != '#' || line[1] != '!')
        return;
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    interpreter[strcspn(interpreter, " \t")] = 0;
    size_t length = strlen(interpreter);
    if (length > 0 && interpreter[length - 1] == '\r')
        snprintf(c->failure.detail, sizeof c->failure.detail,
                 "the interpreter in its first line ends in a carriage return: \"%.*s\\r\"",
                 (int) length - 1, interpreter);
    else
        snprintf(c->failure.detail, sizeof c->failure.detail,
                 "the interpreter in its first line is \"%s\"", interpreter);
}

int child_execute(struct child *c)
{
    report_execve(c->report_fd);
    execve(c->program, c->argv, c->environment);
    int error = -errno;

    c->failure.exec = SPAWN_EXEC_EXECUTE;
    (void) child_fail(c, EXEC_STATUS_EXEC, error, NULL, c->program);
    if (error == -ENOENT || error == -EACCES)
        explain_script(c);
    return error;
}
