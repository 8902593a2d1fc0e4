#include "diagnose/facts-journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/id128.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/output.h"
#include "journal/query.h"

/* Enough for a restart series with its output; older invocations are not what failed last. */
#define LINES_MAX 2000
/* Of the manager's words, which its service may have drowned. */
#define MANAGER_LINES_MAX 300
/* "Suppressed 12 messages from x.service" */
#define MESSAGE_SUPPRESSED "a596d6fe7bfa4994828e72309e95d61e"

/* What the facts keep beside the text; the causes read them by name. */
static const char *const wanted[] = {
    "EXIT_CODE", "EXIT_STATUS", "COMMAND",   "UNIT_RESULT", "JOB_RESULT", "JOB_TYPE",
    "ERRNO",     "EXECUTABLE",  "CODE_FUNC", "_COMM",       "_EXE",       "N_RESTARTS",
    "UNIT",      "USER_UNIT",   "STEP",      "OBJECT",      "DIRECTIVE",
};

/* All NAME=value of the pairs, which NULL ends. */
static int add_all_of(struct match *any, const char *const *pairs)
{
    struct match *all = match_group(MATCH_AND);

    for (size_t i = 0; pairs[i]; i += 2)
        if (match_add_field(all, pairs[i], pairs[i + 1]) < 0) {
            match_free(all);
            return -ENOMEM;
        }
    return match_add(any, all);
}

#define ALL_OF(...) add_all_of(any, (const char *const[]){ __VA_ARGS__, NULL })

/* The unit's entries, or only what its manager says of it. */
static int match_unit(struct journal *j, const char *unit, bool user, bool manager_only)
{
    struct match *any = match_group(MATCH_OR);
    char uid[16];
    int r;

    snprintf(uid, sizeof uid, "%u", (unsigned) getuid());
    r = user ? ALL_OF("USER_UNIT", unit, "_UID", uid) : ALL_OF("_PID", "1", "UNIT", unit);
    if (r >= 0 && !manager_only)
        r = user ? ALL_OF("_SYSTEMD_USER_UNIT", unit, "_UID", uid) : ALL_OF("_SYSTEMD_UNIT", unit);
    /* A manager that is not the first process marks its messages by a field that none can forge. */
    if (r >= 0)
        r = ALL_OF("_REEVE_MANAGER", "1", "UNIT", unit);
    /* Of a manager whose journal is kept by the machine's journald (journal/relay.h). */
    const char *by = user ? uid : "0",
               *of = user ? "OBJECT_SYSTEMD_USER_UNIT" : "OBJECT_SYSTEMD_UNIT";
    if (r >= 0)
        r = manager_only ? ALL_OF("_UID", by, of, unit, user ? "USER_UNIT" : "UNIT", unit)
                         : ALL_OF("_UID", by, of, unit);
    if (r >= 0)
        r = ALL_OF("MESSAGE_ID", MESSAGE_SUPPRESSED);
    if (r >= 0)
        r = journal_set_match(j, any);
    if (r < 0)
        match_free(any);
    return r;
}

/* Adds every journal of this machine. Returns whether one was closed to us. */
static bool open_places(struct journal *j)
{
    static const char *const places[] = { "/var/log/journal", "/run/log/journal",
                                          "/var/log/reeve/journal", "/run/reeve/journal" };
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    auto_free char *own = runtime ? path_join(runtime, "reeve/journal", NULL)
                                  : format("/tmp/reeve-%u/reeve/journal", (unsigned) getuid());
    struct id128 machine;
    bool have_machine = id128_machine(NULL, &machine) >= 0, closed = false;

    for (size_t i = 0; i < ELEMENTSOF(places); i++)
        if (journal_add_directory(j, places[i], 0, true, have_machine ? &machine : NULL, NULL,
                                  NULL) == -EACCES)
            closed = true;
    if (own && getuid() != 0)
        (void) journal_add_directory(j, own, 0, true, NULL, NULL, NULL);
    return closed;
}

/* Takes one field into the line. */
static int take_field(struct facts_line *l, const char *unit, const char *data, size_t n,
                      char **own_invocation)
{
    const char *equals = memchr(data, '=', n);
    size_t name = equals ? (size_t) (equals - data) : n;
    const struct {
        const char *name;
        char **to;
    } texts[] = { { "MESSAGE", &l->text },
                  { "SYSLOG_IDENTIFIER", &l->identifier },
                  { "MESSAGE_ID", &l->message_id },
                  { "_SYSTEMD_INVOCATION_ID", &l->invocation },
                  { "INVOCATION_ID", own_invocation },
                  { "USER_INVOCATION_ID", own_invocation } };

    if (!equals)
        return 0;
    const char *value = equals + 1;
    size_t size = n - name - 1;
#define IS(s) (name == strlen(s) && memcmp(data, s, name) == 0)
    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (IS(texts[i].name)) {
            free(*texts[i].to);
            *texts[i].to = memdup0(value, size);
            return *texts[i].to ? 0 : -ENOMEM;
        }
    if (IS("PRIORITY") && size == 1)
        l->priority = *value - '0';
    if (IS("_PID"))
        l->pid = (pid_t) strtol(value, NULL, 10);
    if ((IS("UNIT") || IS("USER_UNIT")) && size == strlen(unit) && memcmp(value, unit, size) == 0)
        l->manager = true;
    for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
        if (IS(wanted[i])) {
            json_t *text = json_stringn(value, size);

            if (!l->fields)
                l->fields = json_object();
            if (text && l->fields)
                (void) json_object_set_new_nocheck(l->fields, wanted[i], text);
        }
#undef IS
    return 0;
}

/* Whether another speaks of the unit: a collector that relays to journald (journal/relay.h). */
static bool is_relayed(struct journal_file *file, const struct entry_object *e, const char *unit)
{
    static const char *const fields[] = { "OBJECT_SYSTEMD_UNIT", "OBJECT_SYSTEMD_USER_UNIT" };
    const char *value;
    size_t n;

    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        if (entry_field(file, e, fields[i], &value, &n) > 0 && n == strlen(unit) &&
            memcmp(value, unit, n) == 0)
            return true;
    return false;
}

/* Then OBJECT_X= is what _X= is of an entry of the unit's own, and SYSLOG_PID= its _PID=. */
static bool read_relayed(const char **data, size_t *n)
{
    if (**data == '_')
        return false;
    if ((*n > 8 && memcmp(*data, "OBJECT_", 7) == 0) ||
        (*n > 11 && memcmp(*data, "SYSLOG_PID=", 11) == 0)) {
        *data += 6;
        *n -= 6;
    }
    return true;
}

static int add_line(struct facts *f, struct journal *j)
{
    struct journal_file *file = journal_current_file(j);
    const struct entry_object *e = journal_current(j);
    struct facts_line l = { .priority = 6, .realtime = e->realtime };
    size_t n = journal_entry_n_items(file, e);
    bool relayed = is_relayed(file, e, f->unit);
    auto_free char *own = NULL;
    char cursor[JOURNAL_CURSOR_MAX];
    int r = 0;

    if (!grow(&f->lines, &f->lines_allocated, f->n_lines + 1))
        return -ENOMEM;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        const char *data;
        size_t size;

        if (journal_data(file, journal_entry_item(file, e, i), &data, &size) >= 0 && size > 0 &&
            (!relayed || read_relayed(&data, &size)))
            r = take_field(&l, f->unit, data, size, &own);
    }
    journal_cursor_format(file, e, cursor);
    l.cursor = strdup(cursor);
    if (l.manager && own) {
        free(l.invocation);
        l.invocation = take_ptr(own);
    }
    bool suppressed = streq_ptr(l.message_id, MESSAGE_SUPPRESSED);
    if (suppressed) {
        l.manager = true;
        free(take_ptr(l.invocation)); /* the journal's own */
    }
    f->lines[f->n_lines] = l;
    /* The journal's words on other units are none of ours. */
    if (suppressed && !strstr(strempty(l.text), f->unit))
        facts_line_done(&l);
    else
        f->n_lines++;
    return r;
}

/* From the tail on back to at most `max` entries; how many there are. */
static size_t step_back(struct journal *j, size_t max)
{
    size_t n = 0;

    journal_seek_tail(j);
    while (n < max && journal_step(j, false) > 0)
        n++;
    return n;
}

/* Adds the entry that it stands on and all after it, up to that time. */
static int add_lines(struct facts *f, struct journal *j, usec_t before)
{
    int r;

    do {
        if (journal_current(j)->realtime >= before)
            return 0;
        r = add_line(f, j);
    } while (r >= 0 && journal_step(j, true) > 0);
    return r;
}

static int read_lines(struct facts *f, struct journal *j, bool user)
{
    int r = match_unit(j, f->unit, user, false);

    if (r < 0)
        return r;
    size_t n = step_back(j, LINES_MAX);
    if (n == 0)
        return 0;
    if (n == LINES_MAX) {
        usec_t before = journal_current(j)->realtime;

        r = match_unit(j, f->unit, user, true);
        if (r >= 0 && step_back(j, MANAGER_LINES_MAX) > 0)
            r = add_lines(f, j, before);
        if (r >= 0)
            r = match_unit(j, f->unit, user, false);
        if (r < 0 || step_back(j, LINES_MAX) == 0)
            return r;
    }
    return add_lines(f, j, USEC_INFINITY);
}

int facts_read_journal(struct facts *f, bool user, const char **ret_why)
{
    struct journal *j = journal_new();
    int r = 0;

    if (!j)
        return -ENOMEM;
    journal_file_survive_truncation();
    bool closed = open_places(j);
    if (journal_n_files(j) > 0)
        r = read_lines(f, j, user);
    if (f->n_lines == 0 && (closed || geteuid() != 0))
        *ret_why = "nothing readable: only root and the groups adm and systemd-journal see it";
    else if (journal_n_files(j) == 0)
        *ret_why = "there are no journal files";
    journal_free(j);
    return r;
}
