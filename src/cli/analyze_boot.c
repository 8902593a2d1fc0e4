/* cli/analyze_boot.c -- time, blame and critical-chain of systemd-analyze(1). */
#include "cli/analyze_boot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "cli/table.h"
#include "cli/term.h"
#include "diagnose/run.h"
#include "unit/name.h"
#include "unit/virt.h"

#define SHOW_MAX ((size_t) 64 << 20)
#define SHOW_TIMEOUT (60 * USEC_PER_SEC)

/* ---- what the manager says ---- */

/* `show` of a manager, of all units if there are properties: an array of objects of texts, one for
 * each part between empty lines. */
static json_t *parse_blocks(char *text)
{
    json_t *all = json_array(), *block = NULL;

    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        char *equals = strchr(line, '=');
        if (!equals) {
            block = *line ? block : NULL;
            continue;
        }
        *equals = 0;
        if (!block) {
            block = json_object();
            (void) json_array_append_new(all, block);
        }
        (void) json_object_set_new_nocheck(block, line, json_string(equals + 1));
    }
    return all;
}

static int show(const struct analyze_options *o, bool reeve, const char *properties, json_t **ret)
{
    const char *argv[12];
    size_t n = 0;
    auto_free char *text = NULL;

    argv[n++] = reeve ? "/proc/self/exe" : "systemctl";
    argv[n++] = "show";
    argv[n++] = "--no-pager";
    argv[n++] = o->ctl.scope == SCOPE_USER ? "--user" : "--system";
    if (properties) {
        argv[n++] = "--all";
        if (*properties) {
            argv[n++] = "-p";
            argv[n++] = properties;
        }
        argv[n++] = "--";
        argv[n++] = "*";
    }
    argv[n] = NULL;
    int r = run_program(argv, SHOW_MAX, SHOW_TIMEOUT, &text, NULL);
    if (r != 0) {
        fprintf(stderr, "Failed to ask the manager: %s\n",
                r < 0 ? strerror(-r) : "it does not answer");
        return r < 0 ? r : -EIO;
    }
    *ret = parse_blocks(text);
    return *ret ? 0 : -ENOMEM;
}

const char *boot_text(json_t *unit, const char *name)
{
    return strempty(json_string_value(json_object_get(unit, name)));
}

usec_t boot_number(json_t *object, const char *name)
{
    auto_free char *full = format("%sTimestampMonotonic", name);

    return full ? strtoull(boot_text(object, full), NULL, 10) : 0;
}

void boot_done(struct boot *b)
{
    json_decref(b->units);
    *b = (struct boot){};
}

static usec_t from(usec_t t, usec_t start)
{
    return t > start ? t - start : 0;
}

/* A container has no firmware, and shares the kernel's clock with the host; so does a manager that
 * was not started by the kernel. */
static void count_from_start(struct boot *b)
{
    usec_t *const all[] = { &b->finish,           &b->security_start,    &b->security_finish,
                            &b->generators_start, &b->generators_finish, &b->load_start,
                            &b->load_finish };

    for (size_t i = 0; i < ELEMENTSOF(all); i++)
        *all[i] = from(*all[i], b->userspace);
    b->firmware = b->loader = b->kernel_done = b->initrd = 0;
    b->counted_from_start = true;
}

static bool is_reeve(const struct analyze_options *o)
{
    struct systemctl c = o->ctl;
    bool yes = systemctl_try_connect(&c) >= 0;

    control_client_free(c.client);
    free(c.client_path);
    return yes;
}

int boot_read(const struct analyze_options *o, const char *properties, bool finished,
              struct boot *ret)
{
    auto_boot struct boot b = {};
    json_t *list = NULL, *m;
    bool reeve = is_reeve(o);
    int r = 0;

    if (!reeve && access("/run/systemd/system", F_OK) < 0 && !getenv("SYSTEMCTL_FORCE_BUS")) {
        fprintf(stderr, "No service manager runs here that could be asked.\n");
        return -ENXIO;
    }
    r = show(o, reeve, NULL, &list);
    if (r < 0)
        return r;
    m = json_array_get(list, 0);
    b.firmware = boot_number(m, "Firmware");
    b.loader = boot_number(m, "Loader");
    b.userspace = boot_number(m, "Userspace");
    b.initrd = boot_number(m, "InitRD");
    b.kernel_done = b.initrd ? b.initrd : b.userspace;
    b.finish = boot_number(m, "Finish");
    b.security_start = boot_number(m, "SecurityStart");
    b.security_finish = boot_number(m, "SecurityFinish");
    b.generators_start = boot_number(m, "GeneratorsStart");
    b.generators_finish = boot_number(m, "GeneratorsFinish");
    b.load_start = boot_number(m, "UnitsLoadStart");
    b.load_finish = boot_number(m, "UnitsLoadFinish");
    json_decref(list);
    if (finished && b.finish == 0) {
        fprintf(stderr,
                "Bootup is not yet finished "
                "(org.freedesktop.systemd1.Manager.FinishTimestampMonotonic=0).\n"
                "Please try again later.\n"
                "Hint: Use 'systemctl%s list-jobs' to see active jobs\n",
                o->ctl.scope == SCOPE_USER ? " --user" : "");
        return -EINPROGRESS;
    }
    if (o->ctl.scope == SCOPE_USER || reeve || virt_container())
        count_from_start(&b);
    if (properties)
        r = show(o, reeve, properties, &b.units);
    if (r < 0)
        return r;
    *ret = b;
    b = (struct boot){};
    return 0;
}

static int compare_starts(const void *a, const void *b)
{
    const struct unit_times *x = a, *y = b;

    return (x->activating > y->activating) - (x->activating < y->activating);
}

int boot_times(const struct boot *b, struct unit_times **ret, size_t *ret_n)
{
    struct unit_times *list = new0(struct unit_times, json_array_size(b->units) + 1);
    usec_t start = b->counted_from_start ? b->userspace : 0;
    size_t i, n = 0;
    json_t *unit;

    if (!list)
        return -ENOMEM;
    json_array_foreach(b->units, i, unit)
    {
        struct unit_times *t = &list[n];

        t->unit = unit;
        t->id = boot_text(unit, "Id");
        t->activating = from(boot_number(unit, "InactiveExit"), start);
        t->activated = from(boot_number(unit, "ActiveEnter"), start);
        t->deactivating = from(boot_number(unit, "ActiveExit"), start);
        t->deactivated = from(boot_number(unit, "InactiveEnter"), start);
        t->executed = from(boot_number(unit, "ExecMainStart"), start);
        t->handed_over = from(boot_number(unit, "ExecMainHandoff"), start);
        if (t->activating == 0)
            continue;
        usec_t end = t->activated >= t->activating ? t->activated : t->deactivated;
        t->time = end >= t->activating ? end - t->activating : 0;
        n++;
    }
    qsort(list, n, sizeof *list, compare_starts);
    *ret = list;
    *ret_n = n;
    return 0;
}

/* ---- time ---- */

/* As systemd-analyze has them: nothing below a millisecond. */
static const char *span(char text[static TIMESPAN_TEXT_MAX], usec_t t)
{
    return timespan_format(text, t, USEC_PER_MSEC);
}

static json_t *find_unit(const struct boot *b, const char *id)
{
    json_t *unit;
    size_t i;

    json_array_foreach(b->units, i, unit) if (streq(boot_text(unit, "Id"), id)) return unit;
    return NULL;
}

/* The default target has aliases; the one that was booted is what has a name of its own. */
static json_t *default_target(const struct boot *b)
{
    json_t *unit;
    size_t i;

    json_array_foreach(b->units, i, unit)
    {
        auto_strv char **names = strv_split(boot_text(unit, "Names"), " ");

        if (strv_contains(names, "default.target"))
            return unit;
    }
    return find_unit(b, "default.target");
}

char *boot_summary(const struct analyze_options *o, const struct boot *b)
{
    struct strbuf s = {};
    char text[TIMESPAN_TEXT_MAX];
    usec_t start = b->counted_from_start ? b->userspace : 0;
    usec_t userspace = b->counted_from_start ? 0 : b->userspace;
    json_t *target = default_target(b);

    (void) o;
    strbuf_add(&s, "Startup finished in ");
    if (b->firmware > 0)
        strbuf_addf(&s, "%s (firmware) + ", span(text, b->firmware - b->loader));
    if (b->loader > 0)
        strbuf_addf(&s, "%s (loader) + ", span(text, b->loader));
    if (b->kernel_done > 0)
        strbuf_addf(&s, "%s (kernel) + ", span(text, b->kernel_done));
    if (b->initrd > 0)
        strbuf_addf(&s, "%s (initrd) + ", span(text, b->userspace - b->initrd));
    strbuf_addf(&s, "%s (userspace) ", span(text, from(b->finish, userspace)));
    if (b->kernel_done > 0)
        strbuf_addf(&s, "= %s ", span(text, b->firmware + b->finish));
    if (target) {
        usec_t reached = boot_number(target, "ActiveEnter");
        const char *id = boot_text(target, "Id");

        if (reached > b->userspace || (reached > 0 && start > 0))
            strbuf_addf(&s, "\n%s reached after %s in userspace.", id,
                        span(text, from(reached, b->userspace)));
        else
            strbuf_addf(&s, "\n%s was never reached.", id);
    }
    return strbuf_take(&s);
}

int analyze_time(const struct analyze_options *o, char *const *args)
{
    auto_boot struct boot b = {};
    int r = boot_read(o, "Id,Names,ActiveEnterTimestampMonotonic", true, &b);

    (void) args;
    if (r < 0)
        return r;
    auto_free char *text = boot_summary(o, &b);
    if (!text)
        return -ENOMEM;
    puts(text);
    return 0;
}

/* ---- blame ---- */

static int compare_spans(const void *a, const void *b)
{
    const struct unit_times *x = a, *y = b;

    return x->time != y->time ? (x->time < y->time) - (x->time > y->time) : strcmp(x->id, y->id);
}

int analyze_blame(const struct analyze_options *o, char *const *args)
{
    struct table_column columns[] = { { "TIME", "time_usec", .right = true }, { "UNIT", "unit" } };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    struct systemctl plain = o->ctl;
    auto_boot struct boot b = {};
    auto_free struct unit_times *units = NULL;
    size_t n = 0;
    int r = boot_read(o, BOOT_TIMES, true, &b);

    (void) args;
    if (r >= 0)
        r = boot_times(&b, &units, &n);
    if (r < 0)
        return r;
    qsort(units, n, sizeof *units, compare_spans);
    for (size_t i = 0; i < n && units[i].time > 0; i++) {
        char text[TIMESPAN_TEXT_MAX];

        table_add_json(&t, span(text, units[i].time), json_integer((json_int_t) units[i].time));
        table_add(&t, units[i].id);
    }
    plain.no_legend = true;
    term_pager_open();
    return table_print(&plain, &t);
}

/* ---- critical-chain ---- */

struct chain {
    const struct analyze_options *options;
    const struct boot *boot;
    struct map times; /* by id */
    char **shown;     /* whose own chain was printed */
    usec_t userspace;
};

static const struct unit_times *in_range(const struct chain *c, const char *id)
{
    const struct unit_times *t = map_get(&c->times, id);

    return t && t->activated > 0 && t->activated <= c->boot->finish ? t : NULL;
}

static void print_times(const struct chain *c, const char *id, const struct unit_times *t,
                        bool is_root)
{
    char at[TIMESPAN_TEXT_MAX], took[TIMESPAN_TEXT_MAX];

    if (!t && is_root)
        return;
    if (t && t->time > 0 && is_root)
        printf("%s%s +%s%s\n", term_color(COLOR_RED), id, span(took, t->time), term_reset());
    else if (t && t->time > 0)
        printf("%s%s @%s +%s%s\n", term_color(COLOR_RED), id,
               span(at, from(t->activating, c->userspace)), span(took, t->time), term_reset());
    else if (t && t->activated > c->userspace)
        printf("%s @%s\n", id, span(at, t->activated - c->userspace));
    else
        puts(id);
}

static void print_branch(unsigned level, uint64_t branches, bool last)
{
    for (unsigned i = level; i > 0; i--)
        fputs(branches >> (i - 1) & 1 ? (term_is_utf8() ? "│ " : "| ") : "  ", stdout);
    fputs(term_is_utf8() ? (last ? "└─" : "├─") : (last ? "`-" : "|-"), stdout);
}

static const struct chain *sorting;

static int compare_activated(const void *a, const void *b)
{
    const struct unit_times *x = map_get(&sorting->times, *(char *const *) a);
    const struct unit_times *y = map_get(&sorting->times, *(char *const *) b);
    usec_t s = x ? x->activated : 0, t = y ? y->activated : 0;

    return (s < t) - (s > t);
}

static int print_chain(struct chain *c, const char *id, unsigned level, uint64_t branches)
{
    json_t *unit = find_unit(c->boot, id);
    auto_strv char **after = strv_split(boot_text(unit, "After"), " ");
    usec_t latest = 0;
    size_t to_print = 0;
    int r = strv_add(&c->shown, id);

    if (r < 0 || level >= 60)
        return r;
    sorting = c;
    if (after)
        qsort(after, strv_length(after), sizeof *after, compare_activated);
    STRV_FOREACH (a, after) {
        const struct unit_times *t = in_range(c, *a);

        latest = t ? MAX(latest, t->activated) : latest;
    }
    STRV_FOREACH (a, after) {
        const struct unit_times *t = in_range(c, *a);

        to_print += t && latest - t->activated <= c->options->fuzz;
    }
    STRV_FOREACH (a, after) {
        const struct unit_times *t = in_range(c, *a);

        if (!t || latest - t->activated > c->options->fuzz)
            continue;
        to_print--;
        print_branch(level, branches, to_print == 0);
        print_times(c, *a, t, false);
        if (strv_contains(c->shown, *a)) {
            print_branch(level + 1, branches << 1 | (to_print > 0), true);
            puts("...");
            continue;
        }
        r = print_chain(c, *a, level + 1, branches << 1 | (to_print > 0));
        if (r < 0)
            return r;
        if (to_print == 0)
            break;
    }
    return 0;
}

int analyze_critical_chain(const struct analyze_options *o, char *const *args)
{
    auto_boot struct boot b = {};
    auto_free struct unit_times *units = NULL;
    struct chain c = { .options = o, .boot = &b };
    char *const nothing[] = { (char *) "default.target", NULL };
    size_t n = 0;
    int r = boot_read(o, BOOT_TIMES ",After,Names", true, &b);

    if (r >= 0)
        r = boot_times(&b, &units, &n);
    c.userspace = b.counted_from_start ? 0 : b.userspace;
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = map_put(&c.times, units[i].id, &units[i]);
    if (r < 0)
        return r;
    term_pager_open();
    puts("The time when unit became active or started is printed after the \"@\" character.\n"
         "The time the unit took to start is printed after the \"+\" character.\n");
    STRV_FOREACH (arg, *args ? args : nothing) {
        json_t *unit = streq(*arg, "default.target") ? default_target(&b) : find_unit(&b, *arg);
        const char *id = unit ? boot_text(unit, "Id") : *arg;

        if (!unit_name_is_valid(id, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE)) {
            fflush(stdout);
            fprintf(stderr,
                    "Failed to get ID: Unit name %s is neither a valid invocation ID nor unit "
                    "name.\n",
                    id);
            continue;
        }
        print_times(&c, id, map_get(&c.times, id), true);
        r = print_chain(&c, id, 0, 0);
        strv_free(take_ptr(c.shown));
        if (r < 0)
            break;
    }
    map_done(&c.times);
    return r;
}
