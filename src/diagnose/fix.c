#include "diagnose/fix.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quote.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "diagnose/copy.h"
#include "diagnose/run.h"

/* How long a failure is waited for, at least and at most; a start has to work twice as long as it
 * took to fail. */
#define WATCH_LEAST (1500 * USEC_PER_MSEC)
#define WATCH_MOST (10 * USEC_PER_SEC)
#define START_LIMIT (30 * USEC_PER_SEC)
#define ASK_LIMIT (10 * USEC_PER_SEC)
#define STEP (50 * USEC_PER_MSEC)
#define FIXES_MOST 4

/* One start in a copy. */
struct trial {
    const struct facts *facts;
    const struct finding *cause;
    json_t *fix;        /* NULL: as it is */
    char **others;      /* units of the machine that have a part in it, started before */
    const char *socket; /* on which one of them listens; NULL */
    usec_t watch;
};

/* The programs that a fix may run. What they change is files (and, by systemctl, the copy's own
 * manager), so that an overlay is the inverse of each. */
static const char *const programs[] = { "chmod",
                                        "chown",
                                        "chgrp",
                                        "ln",
                                        "rm",
                                        "mkdir",
                                        "mv",
                                        "cp",
                                        "touch",
                                        "install",
                                        "sed",
                                        "tee",
                                        "useradd",
                                        "groupadd",
                                        "usermod",
                                        "gpasswd",
                                        "mount",
                                        "systemctl",
                                        "systemd-tmpfiles",
                                        NULL };

static bool is_kind(json_t *fix, const char *kind)
{
    return streq_ptr(json_string_value(json_object_get(fix, "kind")), kind);
}

static const char *text_of(json_t *fix, const char *key)
{
    return json_string_value(json_object_get(fix, key));
}

int fix_split(const char *line, char ***ret_words)
{
    int r = quote_split(line, ret_words, NULL,
                        QUOTE_UNQUOTE | QUOTE_CUNESCAPE | QUOTE_KEEP_UNKNOWN);

    return r < 0 ? r : 0;
}

int fix_next_command(char **words, char ***ret_argv, char ***ret_next)
{
    auto_strv char **argv = NULL;

    for (; *words && !streq(*words, "&&"); words++)
        if (strv_add(&argv, *words) < 0)
            return -ENOMEM;
    if (!argv)
        return -EINVAL;
    *ret_argv = take_ptr(argv);
    *ret_next = words + (*words != NULL);
    return 0;
}

char *fix_dropin_path(const struct facts *facts, json_t *fix)
{
    const char *other = text_of(fix, "unit");

    return format("/etc/systemd/system/%s.d/zz-reeve-fix.conf", other ? other : facts->unit);
}

/* ---- in the copy
 * ---------------------------------------------------------------------------------------- */

/* reeve VERB [UNIT]: the program itself, there. */
static int tell_manager(const char *verb, const char *unit, usec_t limit)
{
    const char *argv[] = { "/proc/self/exe", verb, "--quiet", "--", unit, NULL };
    auto_free char *output = NULL;

    if (!unit)
        argv[3] = NULL;
    return run_program(argv, 4096, limit, &output, NULL);
}

/* "a && b": commands of the list, each run if the one before it worked. */
static int run_commands(const char *text)
{
    char **next, **words = NULL;
    int r = fix_split(text, &words);

    for (char **argv = words; r >= 0 && argv && *argv; argv = next) {
        auto_strv char **one = NULL;
        auto_free char *output = NULL;

        r = fix_next_command(argv, &one, &next);
        if (r >= 0 && !strv_contains((char **) programs, one[0]))
            r = -EPERM;
        if (r >= 0 && streq(one[0], "systemctl"))
            r = str_replace(&one[0], "/proc/self/exe");
        if (r >= 0)
            r = run_program((const char *const *) one, 4096, ASK_LIMIT, &output, NULL);
        r = r > 0 ? -EIO : r;
    }
    strv_free(words);
    return r;
}

static int apply(const struct trial *t)
{
    const char *dropin = text_of(t->fix, "dropin"), *command = text_of(t->fix, "command");
    int r = 0;

    if (dropin) {
        auto_free char *path = fix_dropin_path(t->facts, t->fix);

        r = path ? mkdir_parents(path, 0755) : -ENOMEM;
        if (r >= 0)
            r = file_replace(path, dropin, strlen(dropin), 0644);
    } else if (command) {
        r = run_commands(command);
    }
    if (r >= 0)
        r = tell_manager("daemon-reload", NULL, ASK_LIMIT);
    return r > 0 ? -EIO : r;
}

/* The inode of the socket that is bound to the path; 0: there is none. */
static uint64_t unix_socket_inode(const char *path)
{
    auto_free char *text = NULL;

    if (file_read("/proc/net/unix", (size_t) 4 << 20, &text, NULL) < 0)
        return 0;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (line, lines) {
        auto_strv char **fields = strv_split(*line, " ");

        if (strv_length(fields) == 8 && streq(fields[7], path))
            return strtoull(fields[6], NULL, 10);
    }
    return 0;
}

static bool is_listening(const struct trial *t, unsigned port)
{
    auto_free struct socket_entry *entries = NULL;
    size_t n = 0;

    if (t->socket && unix_socket_inode(t->socket) == 0)
        return false;
    if (port == 0 || sockets_listening(SOCKET_TCP, 0, &entries, &n) < 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (socket_address_port(&entries[i].local) == port)
            return true;
    return false;
}

static const char *show_value(json_t *show, const char *name)
{
    return strempty(json_string_value(json_object_get(show, name)));
}

/* Whether a restart is what the fix is about: then one is no failure. */
static bool wants_restart(const struct trial *t)
{
    const char *dropin = t->fix ? text_of(t->fix, "dropin") : NULL;

    return dropin && strstr(dropin, "Restart=");
}

/* Looks at the unit until it has failed or the time is over. */
static bool watch(const struct trial *t, usec_t end)
{
    for (;;) {
        json_t *show = facts_show(FACTS_REEVE, false, t->facts->unit);
        const char *active = show_value(show, "ActiveState"), *sub = show_value(show, "SubState");
        bool failed = streq(active, "failed") ||
                      (!wants_restart(t) && (startswith(sub, "auto-restart") ||
                                             atoi(show_value(show, "NRestarts")) > 0));

        json_decref(show);
        if (failed || now_usec(CLOCK_MONOTONIC) >= end)
            return failed;
        (void) usleep(STEP);
    }
}

static bool enables(const char *unit)
{
    const char *argv[] = { "/proc/self/exe", "is-enabled", "--", unit, NULL };
    auto_free char *state = NULL;

    return tell_manager("enable", unit, ASK_LIMIT) == 0 &&
           run_program(argv, 64, ASK_LIMIT, &state, NULL) == 0 && startswith(state, "enabled");
}

/* With a fix, a unit that runs and did not fail as long as it was watched is well: what is wrong
 * with its files beyond that was so before. */
static bool is_wrong(const struct trial *t, const struct facts *facts, const struct verdict *v)
{
    return v->failed && !(t->fix && facts_property_is(facts, "ActiveState", "active"));
}

/* As if they had been stopped in order; then waits until the one that matters listens. */
static void start_others(const struct trial *t)
{
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), ASK_LIMIT);
    json_t *port = json_object_get(t->cause->facts, "port");

    STRV_FOREACH (other, t->others) {
        json_t *show = facts_show(FACTS_REEVE, false, *other);
        auto_strv char **folders = strv_split(show_value(show, "RuntimeDirectory"), " ");

        STRV_FOREACH (folder, folders) {
            auto_free char *path = path_join("/run", *folder, NULL);

            if (path && path_is_normalized(*folder))
                (void) remove_all(path);
        }
        json_decref(show);
        (void) tell_manager("start", *other, START_LIMIT);
    }
    while (t->others && !is_listening(t, (unsigned) json_integer_value(port)) &&
           now_usec(CLOCK_MONOTONIC) < end)
        (void) usleep(STEP);
}

/* Starts the unit (or does what failed of it), and tells how that went:
 * {"failed", "cause", "result", "took_usec"}; "error" where it could not be done. */
static json_t *run_trial(void *userdata)
{
    const struct trial *t = userdata;
    const char *unit = t->facts->unit;
    _cleanup_(facts_done) struct facts facts = {};
    _cleanup_(verdict_done) struct verdict v = {};
    int done = 0;

    start_others(t);
    int r = t->fix ? apply(t) : 0;
    if (r < 0)
        return json_pack("{s:s}", "error",
                         r == -EPERM ? "its command is none of those that can be tried"
                                     : "it could not be carried out");
    usec_t begin = now_usec(CLOCK_MONOTONIC);
    if (streq(t->cause->cause->id, "install-missing"))
        return json_pack("{s:b, s:I}", "failed", !enables(unit), "took_usec", (json_int_t) 0);
    done = tell_manager("start", unit, START_LIMIT);
    bool failed = watch(t, usec_add(now_usec(CLOCK_MONOTONIC), done == 0 ? t->watch : 0));
    usec_t took = usec_sub(now_usec(CLOCK_MONOTONIC), begin);
    if (t->cause->cause->phase == PHASE_STOP)
        done = tell_manager("stop", unit, 4 * START_LIMIT);
    r = facts_collect(unit, false, &facts);
    if (r >= 0)
        r = verdict_reach(&facts, &v);
    if (r < 0)
        return json_pack("{s:s}", "error", strerror(-r));
    const struct finding *cause = verdict_cause(&v);
    return json_pack("{s:b, s:s, s:s, s:I}", "failed",
                     failed || done != 0 || is_wrong(t, &facts, &v), "cause",
                     cause ? cause->cause->id : "", "result",
                     strempty(facts_property(&facts, "Result")), "took_usec", (json_int_t) took);
}

/* ---- outside
 * ------------------------------------------------------------------------------------------ */

struct talk {
    fix_say say;
    void *userdata;
};

static void say(const struct talk *talk, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *line = vformat(fmt, ap);
    va_end(ap);
    if (line && talk->say)
        talk->say(line, talk->userdata);
}

/* Runs a trial in a copy of its own. */
static int in_copy(struct trial *t, const struct talk *talk, json_t **ret, char **ret_why)
{
    struct copy *c = NULL;
    auto_strv char **notes = NULL;
    int r = copy_new(&c, &notes, ret_why);

    if (r < 0)
        return r;
    STRV_FOREACH (note, notes)
        if (!t->fix)
            say(talk, "   %s", *note);
    r = copy_ask(c, run_trial, t, 4 * START_LIMIT, ret);
    copy_free(c);
    return r;
}

static void add_other(struct trial *t, const char *name, bool user)
{
    if (!name || !endswith(name, ".service") || streq(name, t->facts->unit) || strchr(name, '/') ||
        startswith(name, "systemd-") || strv_contains(t->others, name))
        return;
    json_t *show = facts_show(t->facts->source, user, name);
    if (streq(show_value(show, "ActiveState"), "active"))
        (void) strv_add(&t->others, name);
    json_decref(show);
}

/* The unit that listens on the socket of that path: unlike other files it means nothing without its
 * process. */
static void add_listener(struct trial *t, const char *path, bool user)
{
    uint64_t inode = path_is_absolute(path) ? unix_socket_inode(path) : 0;
    struct socket_holder holder = {};

    if (inode == 0 || socket_holder_find(inode, &holder) < 0)
        return;
    add_other(t, holder.unit, user);
    t->socket = path;
    socket_holder_done(&holder);
}

/* Units that run and that the finding names (who holds the port, what it depends on), or that the
 * unit is ordered behind. */
static void find_others(struct trial *t, bool user)
{
    auto_strv char **after = strv_split(strempty(facts_property(t->facts, "After")), " ");
    const char *key;
    json_t *value;

    json_object_foreach(t->cause->facts, key, value)
    {
        add_other(t, json_string_value(value), user);
        add_listener(t, json_string_value(value), user);
    }
    STRV_FOREACH (name, after)
        add_other(t, *name, user);
}

static bool is_same_failure(const struct trial *t, json_t *outcome)
{
    const char *result = facts_property(t->facts, "Result");

    if (!json_is_true(json_object_get(outcome, "failed")))
        return false;
    if (streq(t->cause->cause->id, strempty(text_of(outcome, "cause"))) ||
        !json_object_get(outcome, "cause"))
        return true;
    return !isempty(result) && !streq(result, "success") &&
           streq_ptr(result, text_of(outcome, "result"));
}

static const char *why_not(const struct facts *facts)
{
    const char *state = facts_property(facts, "ActiveState");

    if (facts->recorded)
        return "these are recorded facts";
    if (geteuid() != 0)
        return "only root can make a copy of the machine";
    if (state &&
        (streq(state, "active") || streq(state, "reloading") || streq(state, "deactivating")))
        return "the unit is active";
    return NULL;
}

json_t *fix_verified(const struct finding *cause)
{
    json_t *fix;
    size_t i;

    json_array_foreach(cause->fixes, i,
                       fix) if (json_is_true(json_object_get(fix, "verified"))) return fix;
    return NULL;
}

/* Whether it can be tried: what lacks a value is only a pattern for one. */
static bool is_candidate(json_t *fix)
{
    const char *dropin = is_kind(fix, "dropin") ? text_of(fix, "dropin") : NULL;

    return is_kind(fix, "command") || (dropin && !strstr(dropin, "VALUE"));
}

static size_t count_candidates(const struct finding *cause)
{
    json_t *fix;
    size_t i, n = 0;

    json_array_foreach(cause->fixes, i, fix) n += is_candidate(fix);
    return n;
}

/* One fix: 1 if it works. */
static int try_one(struct trial *t, const struct talk *talk, size_t number, char **ret_why)
{
    json_t *outcome = NULL;
    const char *command = text_of(t->fix, "command");
    int r = in_copy(t, talk, &outcome, ret_why);
    bool works = r >= 0 && json_is_false(json_object_get(outcome, "failed"));
    const char *error = strempty(text_of(outcome, "error"));
    const char *cause = strempty(text_of(outcome, "cause"));

    say(talk, "%zu. with %s: %s%s", number, command ? command : text_of(t->fix, "text"),
        works            ? "it works"
        : r < 0          ? strerror(-r)
        : *error         ? error
        : isempty(cause) ? "it fails still"
                         : "it fails still: ",
        works || *error ? "" : cause);
    json_decref(outcome);
    if (works)
        (void) json_object_set_new(t->fix, "verified", json_true());
    return r < 0 ? r : works;
}

static int try_all(struct trial *t, struct finding *cause, const struct talk *talk, char **ret_why)
{
    json_t *fix, *outcome = NULL;
    size_t i, number = 1;
    char span[TIMESPAN_TEXT_MAX];
    int r = in_copy(t, talk, &outcome, ret_why);

    if (r < 0) {
        if (!*ret_why)
            *ret_why = format("the copy did not answer: %s", strerror(-r));
        return -EOPNOTSUPP;
    }
    usec_t took = (usec_t) json_integer_value(json_object_get(outcome, "took_usec"));
    bool same = is_same_failure(t, outcome);
    if (same)
        say(talk, "1. as it is: it fails in the same way, after %s",
            timespan_format(span, took, took > USEC_PER_SEC ? 10 * USEC_PER_MSEC : USEC_PER_MSEC));
    else
        *ret_why = format("the failure does not show in a copy of the machine%s%s",
                          text_of(outcome, "error") ? ": " : "",
                          strempty(text_of(outcome, "error")));
    json_decref(outcome);
    if (!same)
        return -EOPNOTSUPP;
    t->watch = MIN(MAX(2 * took, WATCH_LEAST), WATCH_MOST);
    json_array_foreach(cause->fixes, i, fix)
    {
        if (!is_candidate(fix) || number > FIXES_MOST)
            continue;
        t->fix = fix;
        r = try_one(t, talk, ++number, ret_why);
        if (r != 0)
            return r;
    }
    return 0;
}

int fix_try(const struct facts *facts, struct finding *cause, bool user, fix_say fn, void *userdata,
            char **ret_why)
{
    const struct talk talk = { fn, userdata };
    struct trial t = { .facts = facts, .cause = cause, .watch = WATCH_MOST };
    const char *refusal = user ? "units of a user's manager cannot be tried yet" : why_not(facts);

    if (!refusal && count_candidates(cause) == 0)
        refusal = "none of its fixes is a drop-in or a command";
    if (refusal) {
        *ret_why = strdup(refusal);
        return -EOPNOTSUPP;
    }
    say(&talk,
        "Trying the fixes of %s in a copy of this machine: all files below an overlay in memory,\n"
        "processes and network of its own, run by reeve. Nothing outside of it is changed.",
        facts->unit);
    find_others(&t, user);
    STRV_FOREACH (other, t.others)
        say(&talk, "   %s is started there first, since it has a part in this.", *other);
    int r = try_all(&t, cause, &talk, ret_why);
    strv_free(t.others);
    return r;
}
