/* cli/systemctl.h -- the verbs of systemctl: their options, and how they reach the manager.
 *
 * Options are parsed once, anywhere on the command line, and may be abbreviated, as systemctl does.
 * Each verb is a function of cli/verbs.def. Source: systemctl(1). */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/timestamp.h"
#include "control/client.h"
#include "control/json.h"

struct verb;

enum runtime_scope { SCOPE_SYSTEM, SCOPE_USER, SCOPE_GLOBAL };

enum dependency_direction {
    DIRECTION_FORWARD,
    DIRECTION_REVERSE,
    DIRECTION_AFTER,
    DIRECTION_BEFORE,
};

enum output_mode { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JSON_PRETTY };

struct systemctl {
    const char *program; /* what messages and hints call it: "systemctl" or "reeve" */
    bool compat;         /* called by the name systemctl */
    const struct verb *verb;

    /* options, named as systemctl(1) has them */
    char **types, **states, **properties, **what;
    const char *job_mode, *kill_whom, *signal, *root, *drop_in, *preset_mode, *check_inhibitors;
    const char *message, *when, *output_name;
    enum runtime_scope scope;
    uid_t uid; /* whose own manager is meant by SCOPE_USER, if of_user is set; else the caller's */
    enum dependency_direction direction;
    enum timestamp_style timestamp;
    enum output_mode output;
    int lines, kill_value, force;
    bool all, full, value, quiet, no_warn, wait, no_block, now, no_reload, runtime, plain;
    bool show_types, show_transaction, fail, dry_run, recursive, with_dependencies, marked;
    bool read_only, mkdir, stdin_content, no_legend, no_pager, kill_value_set, lines_set;
    bool before, after; /* list-jobs */
    bool of_user;

    struct control_client *client; /* made by systemctl_connect() */
    char *client_path;
    bool offline; /* no manager: in a chroot, or told to be */
};

/* Parses the command line and runs its verb; without one, list-units. `program` is the name that
 * messages use. Returns the exit status. */
int systemctl_main(const char *program, int argc, char **argv);

/* The options (cli/systemctl_options.c). Returns the exit status to end with, or -1 to go on; the
 * verb and its arguments then begin at argv[optind]. */
int systemctl_parse_options(struct systemctl *c, int argc, char **argv);
/* The exit status for a wrong command line. */
int systemctl_usage_exit(const struct systemctl *c);

/* The manager; connects at first use. Where that fails, says so and returns a negative errno; the
 * verb then returns systemctl_exit_unreachable(). */
int systemctl_connect(struct systemctl *c);
/* Connects without a word; used by verbs that work on files as well. */
int systemctl_try_connect(struct systemctl *c);
/* Whether the verb has to leave it at that: in a chroot the command is ignored with exit status 0,
 * as systemctl does, else 1. */
int systemctl_exit_unreachable(const struct systemctl *c);

/* --machine=: "USER@" or "USER@.host", this machine; others are refused with a message. 0 or a
 * negative errno. */
int systemctl_set_machine(struct systemctl *c, const char *machine);

/* --json= of the other tools: "off", "short" or "pretty"; others are refused with a message. 0 or
 * -EINVAL. */
int systemctl_set_json(struct systemctl *c, const char *mode);

/* A second connection, for watching while the first one waits. */
int systemctl_connect_again(struct systemctl *c, struct control_client **ret);

/* One call on the connection (control_call()). An error is printed as "Failed to <doing>: ...". */
int systemctl_call(struct systemctl *c, const char *method, json_t *parameters, json_t **ret,
                   const char *doing);
/* The same with no word about errors, which are in *e. */
int systemctl_call_quiet(struct systemctl *c, const char *method, json_t *parameters, json_t **ret,
                         struct control_error *e);

/* The text of a transport or manager error, for messages. */
const char *systemctl_error_text(int r, const struct control_error *e);

/* The names of units that the arguments mean: suffixes added, patterns expanded to loaded units
 * (with a hint, where `patterns_warn` names the verb). *ret is a strv of the caller's. Returns 0 or
 * a negative errno, which was told. */
int systemctl_unit_names(struct systemctl *c, char **args, const char *suffix,
                         const char *pattern_warning, char ***ret);

/* The unit that one argument means, a hint being given where characters had to be escaped. With
 * `glob`, patterns stay, and what cannot be a name is passed on with the suffix, as systemctl does:
 * the manager has the better words for it. 0 or a negative errno, which was told. */
int systemctl_unit_name(const struct systemctl *c, const char *arg, bool glob, const char *suffix,
                        char **ret);

/* Properties of a unit as the manager has them: an object, NULL on failure (with *e filled, may be
 * NULL). `names` ends with NULL; NULL is all. */
json_t *systemctl_properties(struct systemctl *c, const char *unit, const char *const *names,
                             struct control_error *e);

/* A property of such an object as text ("" where it is missing or no text), number, boolean. */
const char *property_text(const json_t *properties, const char *name);
uint64_t property_number(const json_t *properties, const char *name);
bool property_bool(const json_t *properties, const char *name);
/* When a timer elapses next, by the earlier of its two clocks, as wall-clock time; USEC_INFINITY
 * for never. */
usec_t property_next_elapse(const json_t *properties);

/* Does what the verb of that name ("start", "try-restart") does to units; for --now and the like.
 * `mode` NULL is "replace". Returns the exit status. */
int systemctl_run_jobs(struct systemctl *c, const char *verb, char **names, const char *mode);

/* Tells how a job ended unless it did what was asked, with hints; returns whether it did. */
bool systemctl_report_result(struct systemctl *c, const char *unit, const char *result);

/* daemon-reload; what goes wrong is told. Returns 0 or a negative errno. */
int systemctl_reload(struct systemctl *c);

/* Prints a hint or error line for people to stderr, unless --quiet. */
void systemctl_say(const struct systemctl *c, const char *fmt, ...) _printf_(2, 3);
