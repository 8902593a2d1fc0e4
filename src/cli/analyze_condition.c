/* cli/analyze_condition.c -- expressions and names, as systemd-analyze(1) evaluates them:
 * conditions, versions, capabilities. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze.h"
#include "cli/table.h"
#include "cli/unit_files.h"
#include "unit/condition.h"
#include "unit/directive.h"
#include "unit/name.h"
#include "unit/value.h"

/* ---- condition ---- */

/* "ConditionPathExists = !/x" as a line of a unit file. */
static bool is_condition(const char *text)
{
    size_t n = strcspn(text, "= \t");
    auto_free char *name = memdup0(text, n);

    text += n + strspn(text + n, " \t");
    return name && *text == '=' && (startswith(name, "Condition") || startswith(name, "Assert")) &&
           directive_find(UNIT_SERVICE, "Unit", name, NULL);
}

static int load_conditions(struct unit_loader *l, char *const *args, struct unit_config **ret)
{
    auto_strbuf struct strbuf text = {};

    strbuf_add(&text, "[Service]\nExecStart=/bin/true\n[Unit]\n");
    STRV_FOREACH (arg, args) {
        if (!is_condition(*arg)) {
            fprintf(stderr, "Cannot parse \"%s\".\n", *arg);
            return -EINVAL;
        }
        strbuf_addf(&text, "%s\n", *arg);
    }
    if (text.failed)
        return -ENOMEM;
    int r = unit_load_text(l, "test.service", "(cmdline)", strbuf_text(&text), ret);
    for (unsigned i = 0; r >= 0 && i < (*ret)->n_messages; i++)
        fprintf(stderr, "(cmdline): %s= %s\n", strempty((*ret)->messages[i].directive),
                (*ret)->messages[i].text);
    return r;
}

static void tell(const struct analyze_options *o, const char *unit, const struct condition *c,
                 int r)
{
    auto_free char *text = condition_format(c);

    if (r < 0)
        fprintf(stderr, "%s: Couldn't determine result for %s, assuming failed: %s\n", unit,
                strempty(text), strerror(-r));
    else if (!o->ctl.quiet)
        fprintf(stderr, "%s: %s %s.\n", unit, strempty(text), r ? "succeeded" : "failed");
}

/* The last one first, as systemd keeps them; it ends at the first that has to hold and does not. */
static bool evaluate(const struct analyze_options *o, const char *unit, struct condition *c,
                     bool asserts, bool *ret_any)
{
    struct condition_context context = { .root = o->ctl.root,
                                         .environ = environ,
                                         .user = o->ctl.scope == SCOPE_USER };
    int triggered = -1;
    struct condition *order[256];
    size_t n = 0;

    for (; c && n < ELEMENTSOF(order); c = c->next)
        if (c->is_assert == asserts)
            order[n++] = c;
    *ret_any = n > 0;
    while (n-- > 0) {
        int r = condition_evaluate(order[n], &context);

        tell(o, unit, order[n], r);
        if (!order[n]->trigger && r <= 0)
            return false;
        if (order[n]->trigger && triggered <= 0)
            triggered = r > 0;
    }
    return triggered != 0;
}

int analyze_condition(const struct analyze_options *o, char *const *args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    struct unit_config *c = NULL;
    auto_free char *name = NULL;
    bool result = true;
    int r = unit_files_open(&o->ctl, &loader);

    if (r < 0)
        return r;
    if (!o->unit)
        r = load_conditions(loader, args, &c);
    else if (unit_name_mangle(o->unit, false, ".service", &name) >= 0)
        r = unit_load(loader, name, &c);
    if (r >= 0 && c && c->load_state == LOAD_NOT_FOUND) {
        fprintf(stderr, "Unit %s not found.\n", name);
        r = -ENOENT;
    }
    for (int asserts = 1; r >= 0 && c && asserts >= 0; asserts--) {
        bool any, holds = evaluate(o, c->name, c->unit->conditions, asserts, &any);

        if (any && !o->ctl.quiet)
            fprintf(stderr, "%s %s.\n", asserts ? "Asserts" : "Conditions",
                    holds ? "succeeded" : "failed");
        result = result && holds;
    }
    unit_config_free(c);
    return r < 0 ? r : !result;
}

/* ---- compare-versions ---- */

int analyze_compare_versions(const struct analyze_options *o, char *const *args)
{
    /* Which outcomes an operator takes: bit 0 less, 1 equal, 2 greater. */
    static const struct {
        const char *operator;
        unsigned holds;
    } operators[] = { { "lt", 1 }, { "<", 1 },  { "le", 3 }, { "<=", 3 }, { "eq", 2 },
                      { "==", 2 }, { "=", 2 },  { "ne", 5 }, { "!=", 5 }, { "<>", 5 },
                      { "ge", 6 }, { ">=", 6 }, { "gt", 4 }, { ">", 4 } };
    bool two = !args[2];
    int order = version_order(args[0], args[two ? 1 : 2]);

    (void) o;
    if (two) {
        printf("%s %s %s\n", isempty(args[0]) ? "''" : args[0],
               order < 0   ? "<"
               : order > 0 ? ">"
                           : "==",
               isempty(args[1]) ? "''" : args[1]);
        return order < 0 ? 12 : order > 0 ? 11 : 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(operators); i++)
        if (streq(args[1], operators[i].operator))
            return !(operators[i].holds >> (order < 0 ? 0 : order > 0 ? 2 : 1) & 1);
    fprintf(stderr, "Unknown operator \"%s\".\n", args[1]);
    return -EINVAL;
}

/* ---- capability ---- */

static void add_capability(struct table *t, int cap)
{
    const char *name = capability_name(cap);
    auto_free char *number = format("%d", cap), *unnamed = name ? NULL : format("cap_%d", cap);

    table_add(t, name ? name : unnamed);
    table_add_json(t, number, json_integer(cap));
}

static int parse_capability(const char *text)
{
    int cap = capability_from_name(text);

    if (cap < 0)
        fprintf(stderr, "Capability \"%s\" is not known.\n", text);
    return cap;
}

int analyze_capability(const struct analyze_options *o, char *const *args)
{
    struct table_column columns[] = { { "NAME", "name" }, { "NUMBER", "number", .right = true } };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    uint64_t mask = 0;

    if (o->mask) {
        char *end = NULL;

        if (!*args || args[1]) {
            fprintf(stderr, "Exactly 1 positional argument expected.\n");
            return -EINVAL;
        }
        mask = strtoull(*args, &end, 16);
        if (end == *args || *end) {
            fprintf(stderr, "Capability mask \"%s\" is not valid.\n", *args);
            return -EINVAL;
        }
    } else if (!*args)
        mask = UINT64_MAX;
    else
        STRV_FOREACH (arg, args) {
            int cap = parse_capability(*arg);

            if (cap < 0)
                return cap;
            mask |= UINT64_C(1) << cap;
        }
    for (int i = 0; i <= capability_last(); i++)
        if (mask >> i & 1)
            add_capability(&t, i);
    return table_print(&o->ctl, &t);
}
