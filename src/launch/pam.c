/* launch/pam.c -- PAMName= (systemd.exec(5)): the session, which the helper opens (pam.h). */
#include "launch/pam.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"

static int fail(struct child *c, int error, const char *why)
{
    return child_fail_detail(c, EXEC_STATUS_PAM, error, "PAMName", c->sandbox->pam_name, "%s", why);
}

/* ---- the helper ---- */

char *pam_find_helper(bool *ret_found)
{
    static const char *const places[] = { "", "../libexec/", "../libexec/reeve/" };
    auto_free char *program = NULL, *tried = NULL;

    *ret_found = false;
    if (readlink_alloc("/proc/self/exe", &program) < 0)
        return NULL;
    size_t folder = (size_t) (path_basename(program) - program);
    for (size_t i = 0; i < ELEMENTSOF(places) && !*ret_found; i++) {
        free(tried);
        tried = format("%.*s%s%s", (int) folder, program, places[i], PAM_HELPER);
        *ret_found = tried && access(tried, X_OK) == 0;
    }
    return take_ptr(tried);
}

static void execute_helper(struct child *c, const char *helper, int fd)
{
    char uid[16], gid[16], tty[64];

    snprintf(uid, sizeof uid, "%d", c->has_user ? (int) c->uid : -1);
    snprintf(gid, sizeof gid, "%d", c->has_group ? (int) c->gid : -1);
    if (ttyname_r(STDIN_FILENO, tty, sizeof tty) != 0)
        tty[0] = 0;
    /* Modules see the groups of the user, and no other part of the user yet: as under systemd. */
    if (c->set_groups)
        (void) groups_set(c->n_login_groups, c->groups);
    bool there = fd == PAM_HELPER_FD ? fd_cloexec(fd, false) >= 0 : dup2(fd, PAM_HELPER_FD) >= 0;
    if (there && child_limit_files(c) >= 0)
        execl(helper, PAM_HELPER, c->sandbox->pam_name, c->user, uid, gid, tty, (char *) NULL);
    _exit(EXIT_FAILURE);
}

static int send_environment(int fd, char *const *environment)
{
    struct pam_texts m = { 0 };

    STRV_FOREACH (e, environment)
        m.size += (uint32_t) strlen(*e) + 1;
    int r = fd_write_all(fd, &m, sizeof m);
    for (char *const *e = environment; e && *e && r >= 0; e++)
        r = fd_write_all(fd, *e, strlen(*e) + 1);
    return r;
}

static int receive_all(int fd, void *data, size_t n)
{
    ssize_t k;

    do
        k = recv(fd, data, n, MSG_WAITALL);
    while (k < 0 && errno == EINTR);
    return k < 0 ? -errno : (size_t) k < n ? -EPIPE : 0;
}

/* Takes the answer in: the environment as PAM left it, or why there is no session. */
static int receive_answer(struct child *c, int fd)
{
    struct pam_texts m;
    int r = receive_all(fd, &m, sizeof m);

    if (r < 0 || m.size > PAM_TEXTS_MAX)
        return fail(c, r < 0 ? r : -EBADMSG, PAM_HELPER " ended without an answer");
    auto_free char *texts = calloc(1, (size_t) m.size + 1);
    if (!texts)
        return fail(c, -ENOMEM, PAM_HELPER);
    r = receive_all(fd, texts, m.size);
    if (r < 0)
        return fail(c, r, PAM_HELPER " ended amid its answer");
    /* PAM has no error numbers; systemd says the same. */
    if (m.failed)
        return fail(c, -EPERM, texts);
    strv_free(c->environment);
    c->environment = NULL;
    for (const char *p = texts; p < texts + m.size && r >= 0; p += strlen(p) + 1)
        r = strv_add(&c->environment, p);
    return r < 0 ? child_fail(c, EXEC_STATUS_MEMORY, r, NULL, NULL) : 0;
}

/* ---- what modules have changed in the helper ---- */

/* pam_limits. */
static int take_limits(struct child *c, pid_t helper)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit theirs, ours;
        __rlimit_resource_t resource = (__rlimit_resource_t) i;

        if (prlimit(helper, resource, NULL, &theirs) < 0 || getrlimit(resource, &ours) < 0)
            return -errno;
        if (i == RLIMIT_NOFILE) {
            int r = child_want_files(c, &theirs);
            if (r < 0)
                return r;
        } else if (memcmp(&theirs, &ours, sizeof ours) != 0 && setrlimit(resource, &theirs) < 0) {
            return -errno;
        }
    }
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, (id_t) helper);
    if (errno == 0 && nice != getpriority(PRIO_PROCESS, 0) &&
        setpriority(PRIO_PROCESS, 0, nice) < 0)
        return -errno;
    return 0;
}

/* pam_group: those that it has added. */
static int take_groups(struct child *c, const char *list)
{
    char *end;

    for (;; list = end) {
        unsigned long gid = strtoul(list, &end, 10);
        size_t i = 0;

        if (end == list)
            return 0;
        while (i < c->n_groups && c->groups[i] != gid)
            i++;
        /* Without groups of its own, those that the child has are the helper's as well. */
        if (i < c->n_groups || !c->set_groups)
            continue;
        gid_t *all = reallocarray(c->groups, c->n_groups + 1, sizeof *all);
        if (!all)
            return -ENOMEM;
        c->groups = all;
        c->groups[c->n_groups++] = (gid_t) gid;
    }
}

/* pam_umask, pam_group, pam_cap. */
static int take_status(struct child *c, pid_t helper)
{
    auto_free char *path = format("/proc/%d/status", (int) helper), *text = NULL;
    int r = path ? file_read(path, 64UL * 1024, &text, NULL) : -ENOMEM;

    for (char *line = text, *next; line && r >= 0; line = next) {
        const char *value;

        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if ((value = startswith(line, "Umask:")))
            umask((mode_t) strtoul(value, NULL, 8));
        else if ((value = startswith(line, "CapAmb:")))
            c->ambient |= strtoull(value, NULL, 16);
        else if ((value = startswith(line, "Groups:")))
            r = take_groups(c, value);
    }
    return r;
}

/* pam_loginuid, pam_selinux, pam_namespace. */
static int take_rest(pid_t helper)
{
    static const char *const files[] = { "loginuid", "attr/exec" };
    struct stat theirs, ours;

    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        auto_free char *from = format("/proc/%d/%s", (int) helper, files[i]),
                       *to = format("/proc/self/%s", files[i]), *text = NULL, *now = NULL;

        if (!from || !to)
            return -ENOMEM;
        if (file_read_line(from, &text) < 0 || isempty(text) ||
            (file_read_line(to, &now) >= 0 && streq(text, now)))
            continue;
        int r = file_write(to, text);
        if (r < 0)
            return r;
    }
    auto_free char *path = format("/proc/%d/ns/mnt", (int) helper);
    auto_close int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &theirs) < 0 || stat("/proc/self/ns/mnt", &ours) < 0 ||
        (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev))
        return 0;
    return setns(fd, CLONE_NEWNS) < 0 ? -errno : 0;
}

int child_open_pam_session(struct child *c)
{
    int pair[2];

    if (!c->sandbox->pam_name || !c->apply_identity || !c->user)
        return 0;
    child_step(c, EXEC_STATUS_PAM); /* modules may ask servers */
    bool found;
    auto_free char *helper = pam_find_helper(&found);
    if (!helper)
        return fail(c, -ENOMEM, PAM_HELPER);
    if (!found)
        return child_fail_detail(
            c, EXEC_STATUS_PAM, -ENOENT, "PAMName", c->sandbox->pam_name,
            "PAM needs the helper " PAM_HELPER ", which is not beside the "
            "program and not at %s: install it (it is built where libpam0g-dev "
            "is)",
            helper);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(c, -errno, "a socket for " PAM_HELPER);
    auto_close int ours = pair[0], theirs = pair[1];
    pid_t pid = fork();
    if (pid < 0)
        return fail(c, -errno, "a process for " PAM_HELPER);
    if (pid == 0)
        execute_helper(c, helper, theirs);
    theirs = close_fd(theirs);

    int r = send_environment(ours, c->environment);
    if (r < 0)
        return fail(c, r, PAM_HELPER " ended at once");
    r = receive_answer(c, ours);
    if (r < 0)
        return r;
    r = take_limits(c, pid);
    if (r >= 0)
        r = take_status(c, pid);
    if (r >= 0)
        r = take_rest(pid);
    return r < 0 ? fail(c, r, "what its modules have set cannot be taken over") : 0;
}
