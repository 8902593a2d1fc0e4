/* diagnose/facts.h -- everything that is known of one unit, from whoever knows it.
 *
 * A provider fills the facts: reeve's manager, a machine run by real systemd, a unit file alone, or
 * a recorded JSON document (tests). Managers speak the same language here: properties are those of
 * `systemctl show`, journal lines carry systemd's MESSAGE_IDs and fields. What a provider could not
 * see, and why, is in `blind`, so that the report can say so.
 *
 * Causes (cause.h) look at facts and nothing else; what they want to know of the live machine they
 * ask through the facts_probe_*() functions of probe.h, which a recorded document can answer as
 * well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/time.h"
#include "diagnose/trace.h"
#include "unit/config.h"

enum facts_source { FACTS_REEVE, FACTS_SYSTEMD, FACTS_FILE, FACTS_RECORDED };

/* One line of the journal about the unit: its own output, or the manager's words on it. */
struct facts_line {
    usec_t realtime;
    int priority;
    pid_t pid;
    bool manager;     /* the manager's message about the unit */
    char *identifier; /* SYSLOG_IDENTIFIER */
    char *text;       /* MESSAGE, made valid UTF-8 */
    char *message_id; /* MESSAGE_ID; NULL */
    char *invocation; /* 32 digits; NULL */
    char *cursor;     /* NULL where it came from no file */
    json_t *fields; /* the others that matter: EXIT_CODE, EXIT_STATUS, UNIT_RESULT, JOB_RESULT ...;
                       NULL: none */
};

/* How a set-up step failed: the launch report, or what systemd's message says of it. */
struct facts_launch {
    int status;      /* 200..245; 0: no step failed */
    char *step;      /* "CHDIR" */
    int error;       /* positive errno; 0: not known */
    char *object;    /* path, name or value; NULL: not known */
    char *directive; /* NULL: not known */
    bool at_locate;  /* EXEC: the program was looked for, not yet executed */
    char *command;   /* "ExecStart", "ExecStartPre" ... */
    unsigned index;
};

/* One process of an invocation that ended. */
struct facts_exit {
    char *command; /* "ExecStartPre" ...; "ExecStart" for the main process */
    unsigned index;
    char *argv; /* its command line as text; NULL */
    pid_t pid;
    int code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: not known */
    int status;
    usec_t started, ended; /* realtime; 0: not known */
    bool ignored;          /* a "-" prefix, or a status that counts as success */
};

struct facts_notify {
    usec_t realtime;
    pid_t pid;
    char *text;    /* "READY=1\nSTATUS=..." */
    char *refused; /* why it was not taken; NULL: it was */
};

struct facts_invocation {
    char *id; /* 32 digits; NULL: not known */
    usec_t started, ended;
    char *result; /* as in Result=; NULL: not known */
    struct facts_launch launch;
    struct facts_exit *exits;
    size_t n_exits;
    struct facts_notify *notifies;
    size_t n_notifies;
    size_t first_line, n_lines; /* its part of facts.lines */
};

struct facts {
    char *unit;
    enum facts_source source;
    json_t *properties; /* name -> text, as `systemctl show` has them */

    /* The unit's files as they are on disk now, with the line of every value. NULL: no such unit.
     */
    struct unit_config *config;
    struct unit_loader *loader; /* for the configs of other units; NULL */

    /* Newest first. `explained` is the one the report is about: the first that failed of the
     * series. */
    struct facts_invocation *invocations;
    size_t n_invocations, explained;

    struct facts_line *lines; /* oldest first */
    size_t n_lines, lines_allocated;

    /* Of a traced run, if there was one: owned by the tracer, which outlives the facts; or
     * recorded. */
    const struct trace_event *trace;
    size_t n_trace;
    bool traced;     /* there was a run, even if nothing failed in it */
    bool unanswered; /* a manager runs, but did not say anything of the unit */
    bool works_now;  /* in that run it did not fail, as long as it was watched */
    struct trace_root traced_root;
    struct tracer *tracer; /* owned; NULL */

    json_t *probes_owner; /* question -> answer: asked before, or recorded */
    bool recorded;        /* a question that was not recorded has no answer */

    char **blind; /* "journal: ..." one line each: what could not be seen, and why */
};

void facts_done(struct facts *f);
void facts_line_done(struct facts_line *l);

/* From the machine's own manager: reeve's where it runs, else systemd, else only the files.
 * Returns 0, or -ENOENT where no unit of that name is known to anybody (facts are filled all the
 * same: near names are a fact), or a negative errno. */
int facts_collect(const char *unit, bool user, struct facts *ret);

/* The names of all units that failed, the caller's to free; a negative errno where no manager says.
 */
int facts_failed_units(bool user, char ***ret);

/* From a document, for tests: {"unit", "user", "properties", "files": {path: text}, "journal",
 * "invocations", "trace", "probes"}. Nothing of the live machine is looked at.
 * -EINVAL with a message on the log for what is not of that form. */
int facts_load(json_t *document, struct facts *ret);

/* A property; NULL where it is not known. "" is a value. */
const char *facts_property(const struct facts *f, const char *name);
bool facts_property_is(const struct facts *f, const char *name, const char *value);
long facts_property_number(const struct facts *f, const char *name, long fallback);

/* The invocation that is to be explained; NULL: the unit never ran. */
const struct facts_invocation *facts_explained(const struct facts *f);

/* The exit that decided the failure of an invocation: of the first command that failed; NULL: none.
 */
const struct facts_exit *facts_failed_exit(const struct facts_invocation *i);

/* Lines of the invocation, oldest first; `manager` chooses whose. Start with *position = 0. */
const struct facts_line *facts_next_line(const struct facts *f, const struct facts_invocation *i,
                                         bool manager, size_t *position);
/* The last line of the service's own output that contains the text (any case); NULL: none. */
const struct facts_line *facts_find_line(const struct facts *f, const struct facts_invocation *i,
                                         const char *text);

/* The first traced call of that name (NULL: any) that failed with that error (0: any failure). */
const struct trace_event *facts_find_call(const struct facts *f, const char *call, int error);

/* Where the effective value of a directive stands: "/etc/systemd/system/x.service:12", a new
 * string; NULL where it is not set. */
char *facts_where(const struct facts *f, const char *section, const char *directive);
/* The same of the assignment that it is in force in place of. */
char *facts_overridden(const struct facts *f, const char *section, const char *directive);
/* The effective value as text, a new string; NULL where it is not set. */
char *facts_setting(const struct facts *f, const char *section, const char *directive);

/* What `systemctl show` says of a unit, an object of texts; empty where nobody can be asked. NULL
 * where memory is out. */
json_t *facts_show(enum facts_source source, bool user, const char *unit);
