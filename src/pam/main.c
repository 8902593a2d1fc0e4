/* pam/main.c -- reeve-pam, who opens the PAM session of a service and closes it (launch/pam.h). */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/pam.h"

#define SILENT ((int) PAM_SILENT)

struct session {
    pam_handle_t *handle;
    int parent_fd; /* a pidfd: the child, later the service */
    const char *service, *user, *tty;
    uid_t uid; /* -1: stays who it is */
    gid_t gid;
};

/* ---- the socket ---- */

static int read_all(void *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = read(PAM_HELPER_FD, (char *) data + done, n - done);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? -errno : -EPIPE;
        done += (size_t) k;
    }
    return 0;
}

static int read_environment(char ***ret)
{
    struct pam_texts m;
    int r = read_all(&m, sizeof m);

    if (r < 0)
        return r;
    if (m.size > PAM_TEXTS_MAX)
        return -EBADMSG;
    auto_free char *texts = calloc(1, (size_t) m.size + 1);
    r = texts ? read_all(texts, m.size) : -ENOMEM;
    for (const char *p = texts; r >= 0 && p < texts + m.size; p += strlen(p) + 1)
        r = strv_add(ret, p);
    return r;
}

static int answer(int failed, char *const *texts)
{
    struct pam_texts m = { .failed = failed };
    int r;

    STRV_FOREACH (t, texts)
        m.size += (uint32_t) strlen(*t) + 1;
    r = fd_write_all(PAM_HELPER_FD, &m, sizeof m);
    for (char *const *t = texts; *t && r >= 0; t++)
        r = fd_write_all(PAM_HELPER_FD, *t, strlen(*t) + 1);
    return r;
}

static int refuse(struct session *s, int code, const char *what)
{
    auto_free char *text = format("%s: %s", what, pam_strerror(s->handle, code));
    char *const texts[] = { text, NULL };

    if (text)
        (void) answer(code, texts);
    return code;
}

/* ---- the session ---- */

/* There is nobody to ask, and nothing to show messages on: as under systemd. */
static int no_conversation(int n, const struct pam_message **messages,
                           struct pam_response **responses, void *data)
{
    (void) n, (void) messages, (void) responses, (void) data;
    return PAM_CONV_ERR;
}

static int open_session(struct session *s, char **environment)
{
    static const struct pam_conv conversation = { .conv = no_conversation };
    int code = pam_start(s->service, s->user, &conversation, &s->handle);

    if (code != PAM_SUCCESS)
        return refuse(s, code, "pam_start");
    if (*s->tty && (code = pam_set_item(s->handle, PAM_TTY, s->tty)) != PAM_SUCCESS)
        return refuse(s, code, "pam_set_item");
    STRV_FOREACH (e, environment)
        if ((code = pam_putenv(s->handle, *e)) != PAM_SUCCESS)
            return refuse(s, code, "pam_putenv");
    code = pam_acct_mgmt(s->handle, SILENT);
    if (code != PAM_SUCCESS)
        return refuse(s, code, "the account");
    (void) pam_setcred(s->handle, PAM_ESTABLISH_CRED | SILENT); /* as systemd, which goes on */
    code = pam_open_session(s->handle, SILENT);
    if (code != PAM_SUCCESS) {
        (void) pam_setcred(s->handle, PAM_DELETE_CRED | SILENT);
        return refuse(s, code, "opening the session");
    }
    return PAM_SUCCESS;
}

static void close_session(struct session *s)
{
    (void) pam_setcred(s->handle, PAM_DELETE_CRED | SILENT);
    (void) pam_close_session(s->handle, SILENT);
    (void) pam_end(s->handle, PAM_SUCCESS | (int) PAM_DATA_SILENT);
}

/* ---- keeping it ---- */

/* The descriptors of the service go with the service: a connection ends when it closes it. */
static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void) dup2(null, fd);
}

/* As systemd: a session is closed by the user that it is of. */
static void become_user(const struct session *s)
{
    if (s->uid == (uid_t) -1)
        return;
    (void) setgroups(0, NULL);
    (void) setresgid(s->gid, s->gid, s->gid);
    (void) setresuid(s->uid, s->uid, s->uid);
}

/* A stop signals all processes of the unit: the last words are those of the session. */
static void ignore_signals(void)
{
    for (int signo = 1; signo <= SIGRTMAX; signo++)
        if (signo != SIGCHLD)
            (void) signal(signo, SIG_IGN);
}

static void wait_for_parent(const struct session *s)
{
    struct pollfd p = { .fd = s->parent_fd, .events = POLLIN };

    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
}

int main(int argc, char *argv[])
{
    struct session s = { .parent_fd = -1, .uid = (uid_t) -1, .gid = (gid_t) -1 };
    auto_strv char **environment = NULL;
    char byte;

    if (argc != 6) {
        fprintf(stderr,
                "usage: reeve-pam SERVICE USER UID GID TTY, with a socket as descriptor %d: "
                "it is started by reeve for units with PAMName=\n",
                PAM_HELPER_FD);
        return 64;
    }
    s.service = argv[1];
    s.user = argv[2];
    s.tty = argv[5];
    (void) parse_uid(argv[3], &s.uid);
    (void) parse_uid(argv[4], &s.gid);
    (void) prctl(PR_SET_NAME, "(sd-pam)"); /* what tools know such a process by */
    (void) fd_cloexec(PAM_HELPER_FD, true);
    s.parent_fd = (int) syscall(SYS_pidfd_open, getppid(), 0);
    if (s.parent_fd < 0 || read_environment(&environment) < 0)
        return EXIT_FAILURE;
    if (open_session(&s, environment) != PAM_SUCCESS)
        return EXIT_FAILURE;
    ignore_signals(); /* from here on there is a session to close, however short the service is */
    /* A keyring that a module has made becomes that of the service. */
    (void) syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT);
    char **made = pam_getenvlist(s.handle);
    if (made)
        (void) answer(PAM_SUCCESS, made);
    /* Until all has been taken over, or the child has ended. */
    while (read(PAM_HELPER_FD, &byte, 1) < 0 && errno == EINTR)
        ;
    close(PAM_HELPER_FD);
    let_go();
    become_user(&s);
    wait_for_parent(&s);
    close_session(&s);
    return EXIT_SUCCESS;
}
