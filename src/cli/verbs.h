/* cli/verbs.h -- the table of verbs: `reeve VERB ARGUMENT...`.
 *
 * A verb is one row of cli/verbs.def and one function. Dispatch, `reeve help`, "did you mean" and
 * the completion of the shells come from the table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct systemctl;

enum verb_group {
    GROUP_RUN,     /* run units: init, up, run */
    GROUP_UNITS,   /* look at and steer loaded units */
    GROUP_FILES,   /* unit files on disk */
    GROUP_JOBS,    /* queued work */
    GROUP_ENV,     /* the manager's environment */
    GROUP_MANAGER, /* the manager itself */
    GROUP_SYSTEM,  /* shutting down and changing modes */
    GROUP_LOG,     /* logs */
    GROUP_EXPLAIN, /* why, check, try ... */
    GROUP_SMALL,   /* small tools for units and scripts */
    VERB_GROUP_MAX,
};

/* What a shell offers as the arguments of the verb. */
enum verb_completion {
    COMPLETE_NONE,
    COMPLETE_UNITS,      /* loaded units */
    COMPLETE_UNIT_FILES, /* installed unit files */
    COMPLETE_PATHS,      /* files and folders */
    COMPLETE_UNITS_PATHS,
    COMPLETE_JOBS,
    COMPLETE_TARGETS,
    COMPLETE_VARIABLES, /* names of environment variables */
    COMPLETE_VERBS,
    COMPLETE_SHELLS,
    COMPLETE_COMMANDS, /* programs in $PATH */
    VERB_COMPLETION_MAX,
};

struct verb {
    const char *name;
    /* Exactly one of the two. run() gets argv[0] = the name it was called by ("log", or
     * "journalctl" under that name), and parses its own options, --help included (see
     * verb_print_help()). control() is a verb of systemctl: its options are parsed for it, and
     * args are the NULL-terminated arguments behind the verb. Both return the exit status. */
    int (*run)(int argc, char **argv);
    int (*control)(struct systemctl *c, char **args);
    enum verb_group group;
    enum verb_completion completion;
    const char *synopsis;   /* the arguments: "[UNIT...]" */
    const char *help;       /* one line, no full stop */
    int min_args, max_args; /* of control(); max -1: any number */
};

#define VERB(name, function, group, completion, synopsis, help) int function(int argc, char **argv);
#define CONTROL(name, function, min, max, group, completion, synopsis, help) \
    int function(struct systemctl *c, char **args);
#include "cli/verbs.def"
#undef VERB
#undef CONTROL

/* The exit status of reeve's own verbs for a wrong command line. `preflight` and `guard`, which run
 * inside units, use 64. */
#define EXIT_USAGE 2

/* All rows, in the order of verbs.def; ends with a row whose name is NULL. */
extern const struct verb verbs[];

/* The row of that name, or NULL. */
const struct verb *verb_find(const char *name);

/* The same among the verbs of systemctl ("help" is one of its own). */
const struct verb *verb_find_control(const char *name);

/* The name of the nearest verb to a misspelt one, or NULL if none is near. `control_only` leaves
 * out what is not systemctl's. */
const char *verb_nearest(const char *name, bool control_only);

/* The heading of a group, as `reeve help` prints it. */
const char *verb_group_title(enum verb_group group);

/* Prints "reeve NAME SYNOPSIS", the one-line help, and `options` (whole lines; NULL: none) to
 * stdout. For a name that is no verb's ("journalctl") the verb of that personality is shown under
 * it. Returns 0, to be returned from the verb. */
int verb_print_help(const char *name, const char *options);

/* The verb behind the name that the binary was called by ("journalctl" -> "log"), "systemctl"
 * itself for the name systemctl, or NULL for any other name. */
const char *personality_verb(const char *program);

/* What `--version` prints: "reeve VERSION", or under the name of one of systemd's programs
 * "systemd 257 (reeve VERSION)", which scripts parse. Returns 0. */
int print_version(const char *program);
