#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "cli/log.h"

/* Of the messages that systemd and reeve write (sd-messages.h). */
#define MESSAGE_COREDUMP "fc2e22bc6ee647b6b90729ab34a250b1"
#define MESSAGE_UNIT_FAILED "d9b373ed55a64feb8242e02dbe79a49c"
#define MESSAGE_RESTART "5eb03494b6584870a536b337290809b3"

static bool is_pattern(const char *s)
{
    return strpbrk(s, "*?[");
}

char *log_unit_name(const char *name)
{
    static const char *const suffixes[] = { ".service", ".socket",    ".target", ".device",
                                            ".mount",   ".automount", ".swap",   ".timer",
                                            ".path",    ".slice",     ".scope" };

    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
        if (endswith(name, suffixes[i]))
            return strdup(name);
    }
    return is_pattern(name) ? strdup(name) : format("%s.service", name);
}

/* One AND of NAME=value pairs, ended by NULL, to the alternatives. */
static int add_all_of(struct match *any, const char *const *pairs)
{
    struct match *all = match_group(MATCH_AND);

    for (size_t i = 0; pairs[i]; i += 2) {
        if (match_add_field(all, pairs[i], pairs[i + 1]) < 0) {
            match_free(all);
            return -ENOMEM;
        }
    }
    return match_add(any, all);
}

#define ALL_OF(any, ...) add_all_of(any, (const char *const[]){ __VA_ARGS__, NULL })

/* journalctl(1), --unit=: what the unit wrote, what the manager says of it, its core dumps, and
 * what others say of its processes. */
static int add_unit(struct match *any, const char *unit)
{
    int r = ALL_OF(any, "_SYSTEMD_UNIT", unit);

    if (r >= 0)
        r = ALL_OF(any, "MESSAGE_ID", MESSAGE_COREDUMP, "_UID", "0", "COREDUMP_UNIT", unit);
    if (r >= 0)
        r = ALL_OF(any, "_PID", "1", "UNIT", unit);
    /* A manager that is not the first process marks its messages by a field that none can forge. */
    if (r >= 0)
        r = ALL_OF(any, "_REEVE_MANAGER", "1", "UNIT", unit);
    if (r >= 0)
        r = ALL_OF(any, "_UID", "0", "OBJECT_SYSTEMD_UNIT", unit);
    if (r >= 0 && endswith(unit, ".slice"))
        r = ALL_OF(any, "_SYSTEMD_SLICE", unit);
    return r;
}

static int add_user_unit(struct match *any, const char *unit, const char *uid)
{
    int r = ALL_OF(any, "_SYSTEMD_USER_UNIT", unit, "_UID", uid);

    if (r >= 0)
        r = ALL_OF(any, "USER_UNIT", unit, "_UID", uid);
    if (r >= 0)
        r = ALL_OF(any, "COREDUMP_USER_UNIT", unit, "_UID", uid);
    if (r >= 0)
        r = ALL_OF(any, "COREDUMP_USER_UNIT", unit, "_UID", "0");
    if (r >= 0)
        r = ALL_OF(any, "OBJECT_SYSTEMD_USER_UNIT", unit, "_UID", uid);
    if (r >= 0 && endswith(unit, ".slice"))
        r = ALL_OF(any, "_SYSTEMD_USER_SLICE", unit, "_UID", uid);
    return r;
}

/* ---- units by pattern ---- */

struct pattern {
    const char *text;
    char ***names;
};

static int add_if_matching(const char *value, size_t n, void *userdata)
{
    struct pattern *p = userdata;
    auto_free char *name = memdup0(value, n);

    if (!name)
        return -ENOMEM;
    if (fnmatch(p->text, name, FNM_NOESCAPE) != 0 || strv_contains(*p->names, name))
        return 0;
    return strv_add(p->names, name);
}

/* The names of units, patterns replaced by what the journal has. */
static int unit_names(struct journal *j, char *const *units, const char *const *fields, char ***ret)
{
    STRV_FOREACH (u, units) {
        auto_free char *name = log_unit_name(*u);

        if (!name)
            return -ENOMEM;
        if (!is_pattern(name)) {
            if (strv_add(ret, name) < 0)
                return -ENOMEM;
            continue;
        }
        struct pattern p = { name, ret };
        for (size_t i = 0; fields[i]; i++) {
            int r = journal_unique(j, fields[i], add_if_matching, &p);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

static const char *const system_fields[] = { "_SYSTEMD_UNIT",       "COREDUMP_UNIT",  "UNIT",
                                             "OBJECT_SYSTEMD_UNIT", "_SYSTEMD_SLICE", NULL };
static const char *const user_fields[] = { "_SYSTEMD_USER_UNIT",  "COREDUMP_USER_UNIT",
                                           "USER_UNIT",           "OBJECT_SYSTEMD_USER_UNIT",
                                           "_SYSTEMD_USER_SLICE", NULL };

static struct match *unit_match(const struct log_options *o, struct journal *j)
{
    auto_strv char **system = NULL;
    auto_strv char **user = NULL;
    struct match *any = match_group(MATCH_OR);
    char uid[16];
    int r = 0;

    snprintf(uid, sizeof uid, "%u", getuid());
    if (!any || unit_names(j, o->user_only ? NULL : o->units, system_fields, &system) < 0 ||
        unit_names(j, o->user_units, user_fields, &user) < 0 ||
        (o->user_only && unit_names(j, o->units, user_fields, &user) < 0))
        r = -ENOMEM;
    if (r >= 0 && !system && !user) {
        fprintf(stderr, "%s: the journal has nothing of a unit that matches %s\n", o->program,
                o->units ? o->units[0] : o->user_units[0]);
        r = -ENODATA;
    }
    STRV_FOREACH (u, system)
        r = r < 0 ? r : add_unit(any, *u);
    STRV_FOREACH (u, user)
        r = r < 0 ? r : add_user_unit(any, *u, uid);
    if (r < 0) {
        match_free(any);
        return NULL;
    }
    return any;
}

/* ---- boots ---- */

int log_find_boot(const struct log_options *o, struct journal *j, struct id128 *ret)
{
    struct id128 id = { 0 };
    long offset = 0;
    const char *rest = o->boot;
    char text[ID128_TEXT_MAX];
    bool has_id = false;

    if (strlen(rest) >= 32) {
        memcpy(text, rest, 32);
        text[32] = 0;
        if (id128_parse(text, &id) >= 0) {
            has_id = true;
            rest += 32;
        }
    }
    if (*rest) {
        char *end;

        errno = 0;
        offset = strtol(rest, &end, 10);
        if (*end || errno) {
            fprintf(stderr, "%s: --boot=%s is no boot id and no offset\n", o->program, o->boot);
            return -EINVAL;
        }
    }
    if (!*o->boot && !o->directory && !o->files && !o->root)
        return id128_boot(ret);
    if (has_id && offset == 0) {
        *ret = id;
        return 0;
    }

    auto_free struct journal_span *boots = NULL;
    size_t n;
    int r = journal_boots(j, &boots, &n);
    if (r < 0)
        return r;
    long at = offset > 0 ? offset - 1 : (long) n - 1 + offset;
    if (has_id) {
        for (at = 0; at < (long) n && !id128_equal(boots[at].id, id); at++)
            ;
        at = at < (long) n ? at + offset : -1;
    }
    if (at < 0 || at >= (long) n) {
        fprintf(stderr, "%s: the journal has no boot %s\n", o->program, *o->boot ? o->boot : "yet");
        return -ENODATA;
    }
    *ret = boots[at].id;
    return 0;
}

/* ---- invocations ---- */

static bool entry_of_units(struct journal_file *f, const struct entry_object *e,
                           const char *const *fields, char *const *units)
{
    for (size_t i = 0; fields[i]; i++) {
        const char *value;
        size_t n;

        if (entry_field(f, e, fields[i], &value, &n) <= 0)
            continue;
        STRV_FOREACH (u, units) {
            if (strlen(*u) == n && memcmp(*u, value, n) == 0)
                return true;
        }
    }
    return false;
}

/* Each invocation is of one unit: its first entry in a file tells which. */
static bool is_of_units(struct journal_file *f, const struct entry_object *first, void *units)
{
    static const char *const unit_fields[] = { "_SYSTEMD_UNIT",
                                               "UNIT",
                                               "_SYSTEMD_USER_UNIT",
                                               "USER_UNIT",
                                               "OBJECT_SYSTEMD_UNIT",
                                               "OBJECT_SYSTEMD_USER_UNIT",
                                               NULL };

    return entry_of_units(f, first, unit_fields, units);
}

int log_invocations(const struct log_options *o, struct journal *j, struct journal_span **ret,
                    size_t *ret_n)
{
    static const char *const fields[] = { "_SYSTEMD_INVOCATION_ID", "INVOCATION_ID",
                                          "OBJECT_SYSTEMD_INVOCATION_ID", NULL };
    auto_strv char **units = NULL;
    int r = unit_names(j, o->units, system_fields, &units);

    if (r >= 0)
        r = unit_names(j, o->user_units, user_fields, &units);
    return r < 0 ? r : journal_spans(j, fields, is_of_units, units, ret, ret_n);
}

static int find_invocation(const struct log_options *o, struct journal *j, struct id128 *ret)
{
    const char *rest = o->invocation;
    char text[ID128_TEXT_MAX];
    struct id128 id;
    bool has_id = false;
    long offset = 0;

    if (strlen(rest) >= 32) {
        memcpy(text, rest, 32);
        text[32] = 0;
        if (id128_parse(text, &id) >= 0) {
            has_id = true;
            rest += 32;
        }
    }
    if (*rest) {
        char *end;

        offset = strtol(rest, &end, 10);
        if (*end) {
            fprintf(stderr, "%s: --invocation=%s is no invocation id and no offset\n", o->program,
                    o->invocation);
            return -EINVAL;
        }
    }
    if (has_id && offset == 0) {
        *ret = id;
        return 0;
    }
    if (!o->units && !o->user_units) {
        fprintf(stderr, "%s: --invocation= with an offset needs --unit=\n", o->program);
        return -EINVAL;
    }
    auto_free struct journal_span *all = NULL;
    size_t n;
    int r = log_invocations(o, j, &all, &n);
    if (r < 0)
        return r;
    long at = offset > 0 ? offset - 1 : (long) n - 1 + offset;
    if (has_id) {
        for (at = 0; at < (long) n && !id128_equal(all[at].id, id); at++)
            ;
        at = at < (long) n ? at + offset : -1;
    }
    if (at < 0 || at >= (long) n) {
        fprintf(stderr, "%s: the journal has no invocation %s of the unit\n", o->program,
                o->invocation);
        return -ENODATA;
    }
    *ret = all[at].id;
    return 0;
}

/* The failure that the last restart series began with, or the last of all. */
static int find_failure(const struct log_options *o, struct journal *j, struct id128 *ret)
{
    bool first = streq(o->failure, "first"), found = false;
    struct match *all = match_group(MATCH_AND), *ids = match_group(MATCH_OR);
    auto_strv char **names = NULL;
    struct match *units = match_group(MATCH_OR);
    int r = unit_names(j, o->units, system_fields, &names);

    if (!o->units) {
        fprintf(stderr, "%s: --failure= needs --unit=\n", o->program);
        r = -EINVAL;
    }
    STRV_FOREACH (name, names)
        r = r < 0 ? r : match_add_field(units, "UNIT", *name);
    if (r >= 0)
        r = match_add_field(ids, "MESSAGE_ID", MESSAGE_UNIT_FAILED);
    if (r >= 0)
        r = match_add_field(ids, "MESSAGE_ID", MESSAGE_RESTART);
    if (match_add(all, ids) < 0 || match_add(all, units) < 0)
        r = r < 0 ? r : -ENOMEM;
    if (r >= 0)
        r = journal_set_match(j, all);
    if (r < 0) {
        match_free(all);
        return r;
    }
    journal_seek_tail(j);
    /* Backwards: failure, restart N, failure, restart N-1, ..., restart 1, first failure. */
    while (journal_step(j, false) > 0) {
        struct journal_file *f = journal_current_file(j);
        const struct entry_object *e = journal_current(j);
        const char *value;
        size_t n;
        char text[ID128_TEXT_MAX] = { 0 };

        if (!e || entry_field(f, e, "MESSAGE_ID", &value, &n) <= 0)
            continue;
        if (n == 32 && memcmp(value, MESSAGE_RESTART, 32) == 0)
            continue;
        if (entry_field(f, e, "INVOCATION_ID", &value, &n) <= 0 || n != 32)
            continue;
        memcpy(text, value, 32);
        if (id128_parse(text, ret) < 0)
            continue;
        found = true;
        if (!first)
            break;
        /* Did a restart lead to this run? The entry before says. */
        if (journal_step(j, false) <= 0)
            break;
        e = journal_current(j);
        if (!e || entry_field(journal_current_file(j), e, "MESSAGE_ID", &value, &n) <= 0 ||
            n != 32 || memcmp(value, MESSAGE_RESTART, 32) != 0)
            break;
    }
    (void) journal_set_match(j, NULL);
    if (!found)
        fprintf(stderr, "%s: the journal has no failure of the unit\n", o->program);
    return found ? 0 : -ENODATA;
}

static int add_invocation(struct match *all, struct id128 id)
{
    static const char *const fields[] = { "_SYSTEMD_INVOCATION_ID", "OBJECT_SYSTEMD_INVOCATION_ID",
                                          "INVOCATION_ID", "USER_INVOCATION_ID" };
    struct match *any = match_group(MATCH_OR);
    char text[ID128_TEXT_MAX];
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++)
        r = match_add_field(any, fields[i], id128_format(id, text));
    if (r < 0) {
        match_free(any);
        return r;
    }
    return match_add(all, any);
}

/* ---- FIELD=value and the rest of the command line ---- */

/* What a path stands for: the program, the script, the device. */
static int add_path(const struct log_options *o, struct match *all, const char *path)
{
    struct stat st;
    auto_free char *real = realpath(path, NULL);
    auto_free char *head = NULL;

    if (!real || stat(real, &st) < 0) {
        fprintf(stderr, "%s: %s: %s\n", o->program, path, strerror(errno));
        return -ENOENT;
    }
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
        auto_free char *device = format("+%c%u:%u", S_ISBLK(st.st_mode) ? 'b' : 'c',
                                        (unsigned) (st.st_rdev >> 8),
                                        (unsigned) (st.st_rdev & 255));
        return device ? match_add_field(all, "_KERNEL_DEVICE", device + 1) : -ENOMEM;
    }
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
        fprintf(stderr, "%s: %s is neither a program nor a device\n", o->program, path);
        return -EINVAL;
    }
    if (file_read_line(real, &head) >= 0 && startswith(head, "#!")) {
        char comm[16] = "";
        char *interpreter = strstrip(head + 2);

        strncpy(comm, path_basename(real), sizeof comm - 1);
        interpreter[strcspn(interpreter, WHITESPACE)] = 0;
        int r = match_add_field(all, "_COMM", comm);
        return r < 0 ? r : match_add_field(all, "_EXE", interpreter);
    }
    return match_add_field(all, "_EXE", real);
}

/* The OR of all matches of a field within the AND, made where it is not there. */
static struct match *same_field(struct match *all, const char *text, size_t name)
{
    for (size_t i = 0; i < all->n_children; i++) {
        struct match *c = all->children[i];

        if (c->kind == MATCH_OR && c->n_children > 0 && c->children[0]->n > name &&
            memcmp(c->children[0]->text, text, name) == 0 && c->children[0]->text[name] == '=')
            return c;
    }
    struct match *fresh = match_group(MATCH_OR);
    return match_add(all, fresh) < 0 ? NULL : fresh;
}

static int add_argument(const struct log_options *o, struct match *all, const char *text)
{
    const char *equal = strchr(text, '=');

    if (*text == '/')
        return add_path(o, all, text);
    if (!equal || equal == text) {
        fprintf(stderr, "%s: %s is no FIELD=value, no path and no option\n", o->program, text);
        return -EINVAL;
    }
    if (equal[-1] == '!') {
        auto_free char *name = memdup0(text, (size_t) (equal - text) - 1);
        struct match *not = match_group(MATCH_NOT);

        if (!name || !not || match_add_field(not, name, equal + 1) < 0) {
            match_free(not );
            return -ENOMEM;
        }
        return match_add(all, not );
    }
    struct match *any = same_field(all, text, (size_t) (equal - text));
    return any ? match_add(any, match_field(text, strlen(text))) : -ENOMEM;
}

static int add_arguments(const struct log_options *o, struct match *top)
{
    struct match *any, *all;
    int r = 0;

    if (!o->matches)
        return 0;
    any = match_group(MATCH_OR);
    all = match_group(MATCH_AND);
    if (!any || !all)
        r = -ENOMEM;
    STRV_FOREACH (text, o->matches) {
        if (r < 0)
            break;
        if (!streq(*text, "+")) {
            r = add_argument(o, all, *text);
            continue;
        }
        if (all->n_children == 0) {
            fprintf(stderr, "%s: \"+\" is only allowed between matches\n", o->program);
            r = -EINVAL;
            break;
        }
        r = match_add(any, take_ptr(all));
        all = match_group(MATCH_AND);
    }
    if (r >= 0 && all && all->n_children > 0)
        r = match_add(any, take_ptr(all));
    match_free(all);
    if (r < 0) {
        match_free(any);
        return r;
    }
    return match_add(top, any);
}

static int add_values(struct match *top, const char *field, char *const *values, bool negate)
{
    struct match *any = match_group(MATCH_OR);
    int r = any ? 0 : -ENOMEM;

    STRV_FOREACH (v, values)
        r = r < 0 ? r : match_add_field(any, field, *v);
    if (r < 0) {
        match_free(any);
        return r;
    }
    if (!negate)
        return match_add(top, any);
    struct match *not = match_group(MATCH_NOT);
    r = match_add(not, any);
    return r < 0 ? r : match_add(top, not );
}

static int add_bits(struct match *top, const char *field, uint32_t bits)
{
    auto_strv char **values = NULL;

    for (unsigned i = 0; i < 32; i++) {
        if ((bits >> i & 1) && strv_addf(&values, "%u", i) < 0)
            return -ENOMEM;
    }
    return add_values(top, field, values, false);
}

static int add_ids(const struct log_options *o, struct journal *j, struct match *top)
{
    struct id128 id;
    char text[ID128_TEXT_MAX];
    int r = 0;

    if (o->boot) {
        r = log_find_boot(o, j, &id);
        if (r >= 0)
            r = match_add_field(top, "_BOOT_ID", id128_format(id, text));
    }
    if (r >= 0 && o->invocation) {
        r = find_invocation(o, j, &id);
        if (r >= 0)
            r = add_invocation(top, id);
    }
    if (r >= 0 && o->failure) {
        r = find_failure(o, j, &id);
        if (r >= 0)
            r = add_invocation(top, id);
    }
    return r;
}

int log_build_match(const struct log_options *o, struct journal *j, struct match **ret)
{
    struct match *top = match_group(MATCH_AND);
    int r = top ? add_ids(o, j, top) : -ENOMEM;

    if (r >= 0 && o->kernel)
        r = match_add_field(top, "_TRANSPORT", "kernel");
    if (r >= 0 && (o->units || o->user_units) && !o->invocation && !o->failure)
        r = match_add(top, unit_match(o, j));
    if (r >= 0 && o->identifiers)
        r = add_values(top, "SYSLOG_IDENTIFIER", o->identifiers, false);
    if (r >= 0 && o->not_identifiers)
        r = add_values(top, "SYSLOG_IDENTIFIER", o->not_identifiers, true);
    if (r >= 0 && o->priorities)
        r = add_bits(top, "PRIORITY", o->priorities);
    if (r >= 0 && o->facilities)
        r = add_bits(top, "SYSLOG_FACILITY", o->facilities);
    if (r >= 0)
        r = add_arguments(o, top);
    if (r < 0) {
        match_free(top);
        return r;
    }
    if (top->n_children == 0) {
        match_free(top);
        top = NULL;
    }
    *ret = top;
    return 0;
}
