/* health/check.h -- one thing that has to be true before a service can start, checked.
 *
 * A kind of check is one row of check-kinds.def and one function. Checks run side by side, each in
 * a child process under its own deadline, so that one that hangs costs its timeout and never more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/access.h"
#include "base/str.h"
#include "base/time.h"

/* What a failure is about. The numbers are exit statuses of `reeve preflight`. */
enum check_class {
    CHECK_OK = 0,
    CHECK_IDENTITY = 1,   /* permission, user, capability */
    CHECK_PORT = 2,       /* a port that is not free */
    CHECK_DEPENDENCY = 3, /* another service that does not answer */
    CHECK_FILE = 4,       /* a file or configuration */
    CHECK_RESOURCE = 5,   /* disk space and the like */
};

/* For whom the checks are made. */
struct check_context {
    pid_t service; /* of probes: its main process; else 0 */
    /* In the child, before the check, unless it looks from outside; NULL: nothing to do. */
    int (*enter)(void *userdata);
    void *enter_userdata;
    struct identity identity;
    const char *user; /* its name */
    bool evaluated;   /* it is not our own identity: permissions are computed, not tried */
};

/* What a check found. Text is empty, never missing, once check_run() returned. */
struct check_outcome {
    enum check_class class; /* CHECK_OK: passed */
    bool may_come;          /* it can become true by waiting */
    bool timed_out;
    char *found;  /* "held by pid 812 (nginx, nginx.service)" */
    char *remedy; /* what would make it pass; empty where that is plain */
    usec_t took;
};
void check_outcome_done(struct check_outcome *o);

/* In a check function: sets the outcome. `remedy` may be NULL. */
void check_pass(struct check_outcome *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_fail(struct check_outcome *o, enum check_class class, bool may_come, const char *remedy,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* When a kind of check makes sense. */
enum check_use {
    CHECK_BEFORE = 1, /* before a service starts: preflight */
    CHECK_WHILE = 2,  /* while it runs: probes */
    CHECK_EVER = CHECK_BEFORE | CHECK_WHILE,
    CHECK_OUTSIDE = 4 | CHECK_WHILE, /* looks at the service, not from where it is */
};

struct check_kind {
    const char *option;   /* "port": the option --port= */
    const char *argument; /* "[ADDR:]PORT[/udp]" */
    const char *help;
    enum check_class class; /* of its ordinary failure, and of a timeout */
    enum check_use uses;
    /* Runs in a child process of its own, may block until `deadline` (CLOCK_MONOTONIC) and beyond:
     * then it is killed. `argument` is the option's value without ",timeout=". */
    void (*run)(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o);
    /* Whether the argument is one this kind understands; the text of what is wrong, or NULL. */
    const char *(*refuse)(const char *argument);
};

/* All kinds; ends with a row whose option is NULL. The same option can mean one thing before the
 * start and another while the service runs. */
extern const struct check_kind check_kinds[];
const struct check_kind *check_kind_find(const char *option, enum check_use use);

struct option;
/* getopt's table: the kinds of that use, each with the value `first` + its place in check_kinds,
 * then `rest`, which ends with an empty row. A new array or NULL. */
struct option *check_options(enum check_use use, int first, const struct option *rest);
/* Their lines of a help text. */
void check_help(enum check_use use, struct strbuf *out);

struct check {
    const struct check_kind *kind;
    char *argument; /* without ",timeout=" */
    usec_t timeout;
    unsigned attempts;
    struct check_outcome outcome;
};
void check_done(struct check *c);

/* The timeout of a check that names none. */
#define CHECK_TIMEOUT_DEFAULT (5 * USEC_PER_SEC)

/* Fills a check from an option and its value ("127.0.0.1:5432,timeout=2s"). Returns 0, -ENOMEM, or
 * -EINVAL with *ret_error, a static or allocated-once text of what is wrong. */
int check_parse(const struct check_kind *kind, const char *value, struct check *ret,
                const char **ret_error);

/* Cuts the first ",NAME=VALUE" out of the value; VALUE goes to its next comma. Returns 1 and a new
 * string, 0 where there is none, -ENOMEM. */
int check_cut_option(char *value, const char *name, char **ret);

/* One run of a check: a child process. Starting it fills nothing but `a`; once its descriptor has
 * something to read, check_attempt_read() takes it in, and returns true at the end. Then, or at the
 * deadline (`timed_out`), check_attempt_end() fills the outcome; it ends the child if need be. */
struct check_attempt {
    pid_t pid; /* 0: none is running */
    int fd;
    usec_t begin, deadline;
    struct strbuf answer;
};
int check_attempt_start(struct check_attempt *a, struct check *c,
                        const struct check_context *context);
bool check_attempt_read(struct check_attempt *a);
void check_attempt_end(struct check_attempt *a, struct check *c, bool timed_out);

/* Of a check "log" that looks into a file: only what is written from now on counts. 0 or -ENOMEM.
 */
int log_argument_begin(struct check *c);
/* Whether it is such a check, which only who starts the service can make. */
bool check_needs_begin(const struct check *c);

/* Runs all checks side by side. Those that fail and may become true are tried again, with growing
 * pauses (100 ms to 5 s), until `wait` has passed (0: one try). Fills every outcome. `told`, unless
 * NULL, hears of each check when its outcome is final. Returns 0 or a negative errno (no processes,
 * no memory): then the outcomes say so too. */
int checks_run(struct check *checks, size_t n, const struct check_context *context, usec_t wait,
               void (*told)(const struct check *c, void *userdata), void *userdata);

/* The status of a program made of these checks: the class of the first that failed, in their order.
 */
enum check_class checks_status(const struct check *checks, size_t n);
