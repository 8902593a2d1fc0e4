/* install-compat -- links under the names of systemd's programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/usage.h"
#include "cli/verbs.h"

/* Where --divert works if no folder is named: the one that all PATHs have. */
#define DIVERT_DIR "/usr/bin"
#define DIVERT_SUFFIX ".systemd"

static const char *const programs[] = {
    "systemctl",   "journalctl",     "systemd-run",     "systemd-notify",
    "systemd-cat", "systemd-escape", "systemd-analyze",
};

static const char help[] =
    "Makes links to this program under the names systemctl, journalctl ... in DIR. A program that\n"
    "is there already is not replaced.\n\n"
    "  --divert   Move what is there out of the way, as NAME" DIVERT_SUFFIX
    " (by dpkg-divert where there is\n"
    "             dpkg), and make the links then. DIR is " DIVERT_DIR " if none is named\n"
    "  --remove   Take the links away, and move back what was diverted\n";

/* What is at the path: 0 nothing, 1 a link to us, 2 something else. */
static int what_is_there(const char *path, const char *self)
{
    struct stat st, ours;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (stat(path, &st) >= 0 && stat(self, &ours) >= 0 && st.st_dev == ours.st_dev &&
        st.st_ino == ours.st_ino)
        return 1;
    return 2;
}

/* dpkg-divert, so that an update of the package keeps its file out of the way. Returns its exit
 * status, or -ENOENT where there is none. */
static int run_dpkg_divert(const char *action, const char *path, const char *aside)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        execlp("dpkg-divert", "dpkg-divert", "--quiet", "--local", "--rename", action, "--divert",
               aside, path, NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return -ENOENT;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* Moves a program out of the way, or back. */
static int divert(const char *path, bool back)
{
    auto_free char *aside = format("%s" DIVERT_SUFFIX, path);
    int r;

    if (!aside)
        return -ENOMEM;
    if (back && access(aside, F_OK) < 0)
        return 0;
    r = run_dpkg_divert(back ? "--remove" : "--add", path, aside);
    if (r == -ENOENT)
        r = rename(back ? aside : path, back ? path : aside) < 0 ? -errno : 0;
    /* dpkg-divert leaves a file alone that it knows nothing of. */
    if (r >= 0 && access(back ? aside : path, F_OK) == 0)
        r = rename(back ? aside : path, back ? path : aside) < 0 ? -errno : 0;
    if (r < 0)
        fprintf(stderr, "reeve install-compat: cannot move %s: %s\n", back ? aside : path,
                strerror(-r));
    else
        printf("%s is %s now\n", back ? aside : path, back ? path : aside);
    return r;
}

static int make_link(const char *path, const char *self, bool may_divert)
{
    int there = what_is_there(path, self);

    if (there == 1)
        return 0;
    if (there == 2 && !may_divert) {
        fprintf(stderr,
                "reeve install-compat: %s is another program and stays; --divert moves it to "
                "%s" DIVERT_SUFFIX "\n",
                path, path);
        return -EEXIST;
    }
    if (there == 2)
        there = divert(path, false);
    if (there >= 0 && symlink(self, path) < 0)
        there = -errno;
    if (there < 0) {
        fprintf(stderr, "reeve install-compat: cannot make %s: %s\n", path, strerror(-there));
        return there;
    }
    printf("%s -> %s\n", path, self);
    return 0;
}

static int remove_link(const char *path, const char *self)
{
    if (what_is_there(path, self) != 1)
        return 0;
    if (unlink(path) < 0) {
        fprintf(stderr, "reeve install-compat: cannot remove %s: %s\n", path, strerror(errno));
        return -errno;
    }
    printf("%s is gone\n", path);
    return divert(path, true);
}

int verb_install_compat(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                                             { "divert", no_argument, NULL, 'd' },
                                             { "remove", no_argument, NULL, 'r' },
                                             { 0 } };
    auto_free char *self = NULL;
    bool diverts = false, removes = false, failed = false;
    const char *dir;
    int option, r;

    optind = 0;
    while ((option = verb_getopt(argc, argv, "h", options, NULL)) >= 0)
        switch (option) {
        case 'h':
            return verb_print_help(argv[0], help);
        case 'd':
            diverts = true;
            break;
        case 'r':
            removes = true;
            break;
        default:
            return EXIT_USAGE;
        }
    dir = argv[optind] ? argv[optind] : diverts ? DIVERT_DIR : NULL;
    if (!dir || argc - optind > 1) {
        return usage_error("install-compat", "name the folder for the links");
    }
    r = readlink_alloc("/proc/self/exe", &self);
    if (r < 0) {
        fprintf(stderr, "reeve install-compat: cannot read /proc/self/exe: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
        auto_free char *path = path_join(dir, programs[i], NULL);
        const char *verb = personality_verb(programs[i]);

        /* A name whose verb this build does not have would only fail later. */
        if (!path || (!streq(verb, "systemctl") && !verb_find(verb)))
            continue;
        failed |= (removes ? remove_link(path, self) : make_link(path, self, diverts)) < 0;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
