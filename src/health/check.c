#include "health/check.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/timespan.h"
#include "health/kinds.h"

#define RETRY_FIRST (100 * USEC_PER_MSEC)
#define RETRY_MOST (5 * USEC_PER_SEC)

const struct check_kind check_kinds[] = {
#define KIND(option, function, class, uses, argument, help) \
    { option, argument, help, class, CHECK_##uses, check_##function, refuse_##function },
#include "health/check-kinds.def"
#undef KIND
    {},
};

const struct check_kind *check_kind_find(const char *option, enum check_use use)
{
    for (const struct check_kind *k = check_kinds; k->option; k++)
        if (k->uses & use && streq(k->option, option))
            return k;
    return NULL;
}

struct option *check_options(enum check_use use, int first, const struct option *rest)
{
    size_t n = 0, n_rest = 1;

    while (rest[n_rest - 1].name)
        n_rest++;
    struct option *all = new0(struct option, ELEMENTSOF(check_kinds) + n_rest);
    for (size_t i = 0; all && check_kinds[i].option; i++)
        if (check_kinds[i].uses & use)
            all[n++] = (struct option){ check_kinds[i].option, required_argument, NULL,
                                        first + (int) i };
    if (all)
        memcpy(all + n, rest, n_rest * sizeof *rest);
    return all;
}

void check_help(enum check_use use, struct strbuf *out)
{
    for (const struct check_kind *k = check_kinds; k->option; k++)
        if (k->uses & use)
            strbuf_addf(out, "  --%s=%s\n        %s\n", k->option, k->argument, k->help);
}

void check_outcome_done(struct check_outcome *o)
{
    free(o->found);
    free(o->remedy);
    *o = (struct check_outcome){};
}

void check_done(struct check *c)
{
    free(c->argument);
    check_outcome_done(&c->outcome);
    *c = (struct check){};
}

void check_pass(struct check_outcome *o, const char *fmt, ...)
{
    va_list ap;

    check_outcome_done(o);
    va_start(ap, fmt);
    o->found = vformat(fmt, ap);
    va_end(ap);
}

void check_fail(struct check_outcome *o, enum check_class class, bool may_come, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;

    check_outcome_done(o);
    o->class = class;
    o->may_come = may_come;
    o->remedy = remedy ? strdup(remedy) : NULL;
    va_start(ap, fmt);
    o->found = vformat(fmt, ap);
    va_end(ap);
}

int check_cut_option(char *value, const char *name, char **ret)
{
    size_t n = strlen(name);

    for (char *at = value; (at = strchr(at, ',')); at++) {
        char *text = at + 1 + n + 1;

        if (!startswith(at + 1, name) || at[1 + n] != '=')
            continue;
        size_t length = strcspn(text, ",");
        char *cut = memdup0(text, length);
        if (!cut)
            return -ENOMEM;
        memmove(at, text + length, strlen(text + length) + 1);
        *ret = cut;
        return 1;
    }
    return 0;
}

int check_parse(const struct check_kind *kind, const char *value, struct check *ret,
                const char **ret_error)
{
    auto_free char *argument = strdup(value), *text = NULL;
    usec_t timeout = CHECK_TIMEOUT_DEFAULT;
    int r = argument ? check_cut_option(argument, "timeout", &text) : -ENOMEM;

    if (r < 0)
        return r;
    if (text && (timespan_parse(text, &timeout) < 0 || timeout == 0)) {
        *ret_error = "timeout= takes a time span greater than 0, such as 500ms or 2s";
        return -EINVAL;
    }
    const char *refused = *argument ? kind->refuse(argument) : "is empty";
    if (refused) {
        *ret_error = refused;
        return -EINVAL;
    }
    *ret = (struct check){ .kind = kind, .argument = take_ptr(argument), .timeout = timeout };
    return 0;
}

/* ---- one attempt: a child process that writes its outcome to a pipe
 * ---------------------------------- */

/* What goes through the pipe before the two texts, which are NUL-terminated. */
struct answer_header {
    unsigned char class, may_come;
};

_noreturn_ static void attempt_child(const struct check *c, const struct check_context *context,
                                     usec_t deadline, int fd)
{
    struct check_outcome o = {};

    bool inside = context->enter && (c->kind->uses & CHECK_OUTSIDE) != CHECK_OUTSIDE;
    int r = inside ? context->enter(context->enter_userdata) : 0;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (r < 0)
        check_fail(&o, CHECK_RESOURCE, true, NULL, "the service's surroundings are closed: %s",
                   strerror(-r));
    else
        c->kind->run(c->argument, context, deadline, &o);

    struct answer_header header = { (unsigned char) o.class, o.may_come };
    const char *found = strempty(o.found), *remedy = strempty(o.remedy);
    bool written = fd_write_all(fd, &header, sizeof header) >= 0 &&
                   fd_write_all(fd, found, strlen(found) + 1) >= 0 &&
                   fd_write_all(fd, remedy, strlen(remedy) + 1) >= 0;
    _exit(written ? 0 : 1);
}

int check_attempt_start(struct check_attempt *a, struct check *c,
                        const struct check_context *context)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    a->begin = now_usec(CLOCK_MONOTONIC);
    a->deadline = usec_add(a->begin, c->timeout);
    strbuf_clear(&a->answer);
    c->attempts++;
    pid_t pid = fork();
    if (pid < 0) {
        int r = -errno;

        close(fds[0]);
        close(fds[1]);
        return r;
    }
    if (pid == 0) {
        close(fds[0]);
        attempt_child(c, context, a->deadline, fds[1]);
    }
    close(fds[1]);
    a->pid = pid;
    a->fd = fds[0];
    return 0;
}

/* Ends the child, if it still runs, and turns what it wrote into the outcome. */
void check_attempt_end(struct check_attempt *a, struct check *c, bool timed_out)
{
    struct check_outcome *o = &c->outcome;
    int status = 0;

    /* What the check itself has started is in a group of its own. */
    if (timed_out) {
        (void) kill(-a->pid, SIGKILL);
        (void) kill(a->pid, SIGKILL);
    }
    while (waitpid(a->pid, &status, 0) < 0 && errno == EINTR)
        ;
    a->pid = 0;
    a->fd = close_fd(a->fd);

    const struct answer_header *header = (const void *) a->answer.text;
    const char *found = a->answer.text + sizeof *header;
    size_t texts = a->answer.length > sizeof *header ? a->answer.length - sizeof *header : 0;
    const char *remedy = texts > 0 ? memchr(found, 0, texts) : NULL;

    if (timed_out) {
        char span[TIMESPAN_TEXT_MAX];

        check_fail(o, c->kind->class, true, NULL, "no answer within %s",
                   timespan_format(span, c->timeout, USEC_PER_MSEC));
        o->timed_out = true;
    } else if (!remedy || a->answer.text[a->answer.length - 1] != 0) {
        check_fail(o, c->kind->class, false, NULL, "the check itself ended with %s %d",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    } else if (header->class == CHECK_OK) {
        check_pass(o, "%s", found);
    } else {
        check_fail(o, header->class, header->may_come, remedy + 1, "%s", found);
    }
    o->took = usec_sub(now_usec(CLOCK_MONOTONIC), a->begin);
}

/* Reads what is there. Returns true at the end of the answer. */
bool check_attempt_read(struct check_attempt *a)
{
    char buffer[4096];
    ssize_t n = read(a->fd, buffer, sizeof buffer);

    if (n < 0)
        return errno != EINTR && errno != EAGAIN;
    if (n > 0 && a->answer.length < 64 * 1024)
        strbuf_add_n(&a->answer, buffer, (size_t) n);
    return n == 0;
}

/* ---- all of them
 * -------------------------------------------------------------------------------------- */

struct tries {
    struct check_attempt attempt;
    usec_t retry_at, pause;
    bool final;
};

struct run {
    struct check *checks;
    struct tries *tries;
    struct pollfd *polls;
    size_t n;
    usec_t give_up; /* no new attempt after this */
    void (*told)(const struct check *c, void *userdata);
    void *userdata;
};

static void run_done(struct run *r)
{
    for (size_t i = 0; r->tries && i < r->n; i++)
        strbuf_done(&r->tries[i].attempt.answer);
    free(r->tries);
    free(r->polls);
}

static void conclude(struct run *r, size_t i, bool timed_out)
{
    struct tries *t = &r->tries[i];
    usec_t now;

    check_attempt_end(&t->attempt, &r->checks[i], timed_out);
    now = now_usec(CLOCK_MONOTONIC);
    if (r->checks[i].outcome.class != CHECK_OK && r->checks[i].outcome.may_come &&
        usec_add(now, t->pause) < r->give_up) {
        t->retry_at = now + t->pause;
        t->pause = MIN(t->pause * 2, RETRY_MOST);
        return;
    }
    t->final = true;
    if (r->told)
        r->told(&r->checks[i], r->userdata);
}

/* Starts what is due; returns when the next thing is due, or 0 if all is final. */
static usec_t start_due(struct run *r, const struct check_context *context)
{
    usec_t now = now_usec(CLOCK_MONOTONIC), next = USEC_INFINITY;
    bool any = false;

    for (size_t i = 0; i < r->n; i++) {
        struct tries *t = &r->tries[i];

        if (t->final)
            continue;
        any = true;
        if (t->attempt.pid == 0 && now >= t->retry_at) {
            int e = check_attempt_start(&t->attempt, &r->checks[i], context);

            if (e < 0) {
                check_fail(&r->checks[i].outcome, CHECK_RESOURCE, false, NULL,
                           "no process could be made for this check: %s", strerror(-e));
                t->final = true;
                if (r->told)
                    r->told(&r->checks[i], r->userdata);
                continue;
            }
        }
        next = MIN(next, t->attempt.pid ? t->attempt.deadline : t->retry_at);
    }
    return any ? next : 0;
}

int checks_run(struct check *checks, size_t n, const struct check_context *context, usec_t wait,
               void (*told)(const struct check *c, void *userdata), void *userdata)
{
    _cleanup_(run_done) struct run r = {
        .checks = checks,
        .tries = new0(struct tries, n + 1),
        .polls = new0(struct pollfd, n + 1),
        .n = n,
        .give_up = wait > 0 ? usec_add(now_usec(CLOCK_MONOTONIC), wait) : 0,
        .told = told,
        .userdata = userdata,
    };

    if (!r.tries || !r.polls)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        r.tries[i].attempt.fd = -1;
        r.tries[i].pause = RETRY_FIRST;
    }
    for (usec_t next; (next = start_due(&r, context)) > 0;) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        for (size_t i = 0; i < n; i++)
            r.polls[i] = (struct pollfd){ .fd = r.tries[i].attempt.fd, .events = POLLIN };
        if (poll(r.polls, n, (int) MIN(usec_sub(next, now) / USEC_PER_MSEC + 1, (usec_t) 60000)) <
                0 &&
            errno != EINTR)
            return -errno;
        now = now_usec(CLOCK_MONOTONIC);
        for (size_t i = 0; i < n; i++) {
            struct check_attempt *a = &r.tries[i].attempt;

            if (a->pid == 0)
                continue;
            if (r.polls[i].revents && check_attempt_read(a))
                conclude(&r, i, false);
            else if (now >= a->deadline)
                conclude(&r, i, true);
        }
    }
    return 0;
}

enum check_class checks_status(const struct check *checks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (checks[i].outcome.class != CHECK_OK)
            return checks[i].outcome.class;
    return CHECK_OK;
}
