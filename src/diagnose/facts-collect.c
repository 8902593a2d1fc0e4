/* The facts of a live machine: reeve's manager or systemd answer `show` in the same language, and
 * the journal of either has the same fields. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "control/client.h"
#include "diagnose/facts-journal.h"
#include "diagnose/facts.h"
#include "diagnose/launch-message.h"
#include "diagnose/run.h"
#include "launch/exec_status.h"
#include "unit/load.h"
#include "unit/name.h"

#define ASK_TIMEOUT (10 * USEC_PER_SEC)
#define SHOW_MAX ((size_t) 4 << 20)

static int add_blind(struct facts *f, const char *what, const char *why)
{
    return strv_addf(&f->blind, "%s: %s", what, why);
}

static enum facts_source find_source(bool user)
{
    auto_control_client struct control_client *c = NULL;

    if (control_connect(user ? CONTROL_USER : CONTROL_SYSTEM, &c, NULL) >= 0)
        return FACTS_REEVE;
    return access("/run/systemd/system", F_OK) == 0 ? FACTS_SYSTEMD : FACTS_FILE;
}

/* ---- properties
 * --------------------------------------------------------------------------------------- */

/* "Name=value" lines; a value may go on over lines only for Exec*, which begin with "{". */
static void parse_show(char *text, json_t *to)
{
    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        char *equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = 0;
        json_t *value = json_string(equals + 1);
        if (value)
            (void) json_object_set_new_nocheck(to, line, value);
    }
}

json_t *facts_show(enum facts_source source, bool user, const char *unit)
{
    const char *program = source == FACTS_REEVE ? "/proc/self/exe" : "systemctl";
    const char *argv[] = { program, "show", "--all", "--no-pager", user ? "--user" : "--system",
                           "--",    unit,   NULL };
    static bool silent; /* it let the whole time pass: it hangs, and is not waited for once more */
    auto_free char *text = NULL;
    json_t *properties = json_object();

    if (!properties || source > FACTS_SYSTEMD || silent)
        return properties;
    int r = run_program(argv, SHOW_MAX, ASK_TIMEOUT, &text, NULL);
    if (r >= 0)
        parse_show(text, properties);
    silent = r == -ETIMEDOUT;
    return properties;
}

/* ---- the journal
 * -------------------------------------------------------------------------------------- */

static int collect_journal(struct facts *f, bool user)
{
    const char *why = NULL;
    int r = facts_read_journal(f, user, &why);

    return r < 0 ? r : why ? add_blind(f, "journal", why) : 0;
}

/* ---- invocations, from the journal
 * -------------------------------------------------------------------- */

#define MESSAGE_PROCESS_EXIT "98e322203f7a4ed290d09fe03c09fe15"
#define MESSAGE_UNIT_RESULT "d9b373ed55a64feb8242e02dbe79a49c"

static const char *line_field(const struct facts_line *l, const char *name)
{
    return json_string_value(json_object_get(l->fields, name));
}

static int add_exit(struct facts_invocation *inv, const struct facts_line *l)
{
    const char *code = line_field(l, "EXIT_CODE"), *status = line_field(l, "EXIT_STATUS");
    const char *command = line_field(l, "COMMAND");
    struct facts_exit *more;

    if (!code || !status)
        return 0;
    more = realloc(inv->exits, (inv->n_exits + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    inv->exits = more;
    if (streq(code, "exited") && !inv->launch.status && exec_status_name(atoi(status))) {
        /* The journal lost the words of the child that failed: its status says the step. */
        inv->launch.status = atoi(status);
        inv->launch.step = strdup(exec_status_name(atoi(status)));
    }
    int number = streq(code, "exited") ? atoi(status) : signal_from_name(status);
    inv->exits[inv->n_exits++] = (struct facts_exit){
        .command = strdup(command                                ? command
                          : strstr(strempty(l->text), "Control") ? "ExecStartPre"
                                                                 : "ExecStart"),
        .code = streq(code, "exited")   ? CLD_EXITED
                : streq(code, "dumped") ? CLD_DUMPED
                                        : CLD_KILLED,
        .status = number,
        .ended = l->realtime,
    };
    return 0;
}

static struct facts_invocation *invocation_of(struct facts *f, const char *id)
{
    for (size_t i = 0; i < f->n_invocations; i++)
        if (streq_ptr(f->invocations[i].id, id))
            return &f->invocations[i];
    return NULL;
}

/* Where the journal has nothing of it, or is closed to us, the manager's own fields say how it
 * ended. */
static int invocation_from_properties(struct facts *f)
{
    long code = facts_property_number(f, "ExecMainCode", 0);
    const char *result = facts_property(f, "Result");

    if (f->n_invocations > 0 || isempty(result) || streq(result, "success"))
        return 0;
    f->invocations = new0(struct facts_invocation, 1);
    if (!f->invocations)
        return -ENOMEM;
    struct facts_invocation *i = &f->invocations[f->n_invocations++];
    i->id = strdup(strempty(facts_property(f, "InvocationID")));
    i->result = strdup(result);
    i->n_lines = f->n_lines;
    i->exits = code > 0 ? new0(struct facts_exit, 1) : NULL;
    if (!i->exits)
        return 0;
    i->exits[i->n_exits++] = (struct facts_exit){
        .command = strdup("ExecStart"),
        .code = (int) code,
        .status = (int) facts_property_number(f, "ExecMainStatus", 0),
        .pid = (pid_t) facts_property_number(f, "ExecMainPID", 0),
    };
    if (code == CLD_EXITED && exec_status_name(i->exits[0].status)) {
        i->launch.status = i->exits[0].status;
        i->launch.step = strdup(exec_status_name(i->exits[0].status));
    }
    return launch_complete(f->config, &i->launch);
}

/* One invocation an id, in the order of the journal; then turned round: newest first. */
static int find_invocations(struct facts *f)
{
    size_t allocated = 0;

    for (size_t i = 0; i < f->n_lines; i++) {
        struct facts_line *l = &f->lines[i];
        struct facts_invocation *inv = l->invocation ? invocation_of(f, l->invocation) : NULL;
        int r = 0;

        if (!l->invocation)
            continue;
        if (!inv) {
            if (!grow(&f->invocations, &allocated, f->n_invocations + 1))
                return -ENOMEM;
            inv = &f->invocations[f->n_invocations++];
            *inv = (struct facts_invocation){ .id = strdup(l->invocation),
                                              .started = l->realtime,
                                              .first_line = i };
        }
        inv->n_lines = i + 1 - inv->first_line;
        inv->ended = l->realtime;
        if (l->manager && streq_ptr(l->message_id, MESSAGE_PROCESS_EXIT))
            r = add_exit(inv, l);
        if (l->manager && streq_ptr(l->message_id, MESSAGE_UNIT_RESULT) &&
            line_field(l, "UNIT_RESULT"))
            r = str_replace(&inv->result, line_field(l, "UNIT_RESULT"));
        if (r >= 0)
            r = launch_from_message(l, f->config, &inv->launch);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < f->n_invocations; i++) {
        int r = launch_complete(f->config, &f->invocations[i].launch);

        if (r < 0)
            return r;
    }
    for (size_t a = 0, b = f->n_invocations; a + 1 < b; a++, b--) {
        struct facts_invocation t = f->invocations[a];

        f->invocations[a] = f->invocations[b - 1];
        f->invocations[b - 1] = t;
    }
    return 0;
}

static bool invocation_failed(const struct facts_invocation *i)
{
    return (i->result && !streq(i->result, "success")) || i->launch.status ||
           facts_failed_exit(i) != NULL;
}

/* Whether the manager itself started the next invocation after this one: by Restart=, which it
 * announces between the two. A start by hand begins a new series. */
static bool restarted_after(const struct facts *f, size_t i)
{
    const struct facts_invocation *older = &f->invocations[i], *newer = &f->invocations[i - 1];

    for (size_t k = older->first_line; k <= newer->first_line && k < f->n_lines; k++)
        if (f->lines[k].manager &&
            (line_field(&f->lines[k], "N_RESTARTS") ||
             startswith(strempty(f->lines[k].text), "Scheduled restart job") ||
             strstr(strempty(f->lines[k].text), ": Scheduled restart job")))
            return true;
    return (long) i <= facts_property_number(f, "NRestarts", 0);
}

/* The first failure of the restart series that the unit is in. */
static void choose_explained(struct facts *f)
{
    f->explained = 0;
    for (size_t i = 0; i < f->n_invocations; i++) {
        if (!invocation_failed(&f->invocations[i]) || (i > 0 && !restarted_after(f, i)))
            return;
        f->explained = i;
    }
}

/* ---- all of it
 * ---------------------------------------------------------------------------------------- */

static int load_files(struct facts *f, bool user)
{
    struct unit_paths paths;
    int r = unit_paths_new(
        &(struct unit_paths_options){ .scope = user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM },
        &paths);

    if (r < 0)
        return r;
    r = unit_loader_new(&(struct unit_loader_options){ .user = user }, &paths, &f->loader);
    return r < 0 ? r : unit_load(f->loader, f->unit, &f->config);
}

int facts_collect(const char *unit, bool user, struct facts *ret)
{
    _cleanup_(facts_done) struct facts f = { .source = find_source(user) };
    int r = unit_name_mangle(unit, false, ".service", &f.unit);

    if (r < 0)
        return r;
    r = load_files(&f, user);
    if (r == -EINVAL)
        r = 0;
    if (r >= 0)
        f.properties = facts_show(f.source, user, f.unit);
    if (r >= 0 && !f.properties)
        r = -ENOMEM;
    f.unanswered = r >= 0 && f.source != FACTS_FILE && json_object_size(f.properties) == 0;
    if (f.unanswered)
        r = add_blind(&f, "manager",
                      f.source == FACTS_REEVE ? "it gave no answer"
                      : geteuid() == 0        ? "`systemctl show` had no answer"
                                              : "`systemctl show` had no answer: without D-Bus "
                                                "only root is given one");
    if (r >= 0 && f.source != FACTS_FILE)
        r = collect_journal(&f, user);
    else if (r >= 0)
        r = add_blind(&f, "manager",
                      "no service manager runs here: only the unit's files were looked at");
    if (r >= 0)
        r = find_invocations(&f);
    if (r >= 0)
        r = invocation_from_properties(&f);
    if (r < 0)
        return r;
    choose_explained(&f);
    bool known = (f.config && f.config->load_state != LOAD_NOT_FOUND) ||
                 (facts_property(&f, "LoadState") &&
                  !facts_property_is(&f, "LoadState", "not-found"));
    *ret = f;
    f = (struct facts){};
    return known ? 0 : -ENOENT;
}

int facts_failed_units(bool user, char ***ret)
{
    const char *const argv[] = { find_source(user) == FACTS_REEVE ? "/proc/self/exe" : "systemctl",
                                 "list-units",
                                 user ? "--user" : "--system",
                                 "--state=failed",
                                 "--plain",
                                 "--no-legend",
                                 "--no-pager",
                                 NULL };
    auto_free char *text = NULL;
    int r = run_program(argv, (size_t) 1 << 20, ASK_TIMEOUT, &text, NULL);

    if (r != 0)
        return r < 0 ? r : -EHOSTUNREACH;
    auto_strv char **lines = strv_split(text, "\n"), **names = new0(char *, 1);
    if (!lines || !names)
        return -ENOMEM;
    STRV_FOREACH (line, lines) {
        (*line)[strcspn(*line, " ")] = 0;
        if (**line && strv_add(&names, *line) < 0)
            return -ENOMEM;
    }
    *ret = take_ptr(names);
    return 0;
}
