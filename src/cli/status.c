#include "cli/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/process_tree.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_list.h"

void status_print_label(const char *label)
{
    printf("%*s: ", STATUS_LABEL_WIDTH, label);
}

size_t status_line_width(const struct systemctl *c)
{
    return !c->full && (term_is_terminal() || term_has_color()) ? term_width() : SIZE_MAX / 2;
}

/* ---- resources ---- */

static bool is_set(uint64_t n)
{
    return n != UINT64_MAX;
}

static uint64_t limit_number(const json_t *p, const char *name)
{
    const json_t *v = json_object_get(p, name);
    uint64_t n;

    if (!v || (json_is_string(v) && streq(json_string_value(v), "infinity")))
        return UINT64_MAX;
    return json_u64_get(v, &n) < 0 ? UINT64_MAX : n;
}

void status_print_resources(const json_t *p)
{
    uint64_t tasks = limit_number(p, "TasksCurrent"), memory = limit_number(p, "MemoryCurrent");
    uint64_t cpu = limit_number(p, "CPUUsageNSec"), limit = limit_number(p, "TasksMax");
    uint64_t peak = limit_number(p, "MemoryPeak"), max = limit_number(p, "MemoryMax");
    uint64_t high = limit_number(p, "MemoryHigh");
    uint64_t in = limit_number(p, "IPIngressBytes"), out = limit_number(p, "IPEgressBytes");
    char text[SIZE_TEXT_MAX], span[TIMESPAN_TEXT_MAX];

    if (is_set(in) && is_set(out)) {
        status_print_label("IP");
        printf("%s in, ", size_format(text, in));
        printf("%s out\n", size_format(text, out));
    }
    if (is_set(tasks)) {
        status_print_label("Tasks");
        printf("%" PRIu64, tasks);
        if (is_set(limit))
            printf(" (limit: %" PRIu64 ")", limit);
        putchar('\n');
    }
    if (is_set(memory)) {
        const char *separator = " (";

        status_print_label("Memory");
        fputs(size_format(text, memory), stdout);
        if (is_set(high)) {
            printf("%shigh: %s", separator, size_format(text, high));
            separator = ", ";
        }
        if (is_set(max)) {
            printf("%smax: %s", separator, size_format(text, max));
            separator = ", ";
        }
        if (is_set(peak)) {
            printf("%speak: %s", separator, size_format(text, peak));
            separator = ", ";
        }
        printf("%s\n", streq(separator, ", ") ? ")" : "");
    }
    if (is_set(cpu)) {
        status_print_label("CPU");
        printf("%s\n", timespan_format(span, cpu / NSEC_PER_USEC, USEC_PER_MSEC));
    }
}

/* ---- the whole system ---- */

/* Adds a unit's processes to those of all, below its cgroup (or its name, with holders), but for
 * those whose number is a key of `seen` already. */
static void collect_processes(struct systemctl *c, const char *unit, json_t *all, json_t *seen)
{
    auto_control_error struct control_error e = { 0 };
    json_t *in = json_pack("{s:s}", "unit", unit), *reply, *process;
    const char *cgroup;
    size_t i;

    if (systemctl_call_quiet(c, "ListProcesses", in, &reply, &e) < 0)
        return;
    cgroup = property_text(reply, "cgroup");
    json_array_foreach(json_object_get(reply, "processes"), i, process)
    {
        const char *below = property_text(process, "cgroup");
        auto_free char *path = format("%s%s%s", *cgroup ? cgroup : unit, *below ? "/" : "", below);
        char pid[24];

        snprintf(pid, sizeof pid, "%" PRIu64, property_number(process, "pid"));
        if (json_object_get(seen, pid))
            continue;
        json_object_set_new(seen, pid, json_true());
        json_object_set_new(process, "cgroup", json_string(strempty(path)));
        json_array_append(all, process);
    }
    json_decref(reply);
}

static void print_system_head(struct systemctl *c, const json_t *p)
{
    const char *state = property_text(p, "SystemState");
    enum color color = streq(state, "running")    ? COLOR_GREEN
                       : streq(state, "degraded") ? COLOR_RED
                                                  : COLOR_YELLOW;
    struct utsname name;
    usec_t since = property_number(p, "UserspaceTimestamp");
    char text[TIMESTAMP_TEXT_MAX], relative[TIMESTAMP_TEXT_MAX];

    uname(&name);
    printf("%s%s%s %s\n", term_color(color), term_is_utf8() ? "●" : "*", term_reset(),
           name.nodename);
    printf("%9s: %s%s%s\n", "State", term_color(color), state, term_reset());
    printf("%9s: %" PRIu64 " loaded (incl. loaded aliases)\n", "Units",
           property_number(p, "NNames"));
    printf("%9s: %" PRIu64 " queued\n", "Jobs", property_number(p, "NJobs"));
    printf("%9s: %" PRIu64 " units\n", "Failed", property_number(p, "NFailedUnits"));
    if (since > 0)
        printf("%9s: %s; %s\n", "Since", timestamp_format(text, since, c->timestamp),
               timestamp_format_relative(relative, since, now_usec(CLOCK_REALTIME)));
    printf("%9s: %s\n", "reeve", property_text(p, "Version"));
    if (*property_text(p, "ReeveTracking"))
        printf("%9s: %s\n", "Tracking", property_text(p, "ReeveTracking"));
}

int status_show_system(struct systemctl *c)
{
    json_t *reply, *properties, *all = json_array(), *seen = json_object(), *warning;
    auto_unit_list struct unit_list list = { 0 };
    size_t i;

    if (systemctl_call(c, "ShowManager", NULL, &reply, "get properties") < 0 ||
        unit_list_fetch(c, NULL, NULL, &list) < 0) {
        json_decref(all);
        json_decref(seen);
        return systemctl_exit_unreachable(c);
    }
    properties = json_object_get(reply, "properties");
    /* Slices last: they have all that is below them, which their units know more of. */
    for (int slices = 0; slices < 2; slices++)
        for (i = 0; i < list.n; i++) {
            const char *id = listed_text(list.units[i], "id");

            if ((endswith(id, ".slice") != NULL) == slices)
                collect_processes(c, id, all, seen);
        }
    json_decref(seen);
    if (c->output != OUTPUT_TEXT) {
        json_print_reply(c, json_pack("{s:O, s:O}", "properties", properties, "processes", all));
    } else {
        print_system_head(c, properties);
        json_array_foreach(json_object_get(properties, "ReeveWarnings"), i, warning)
        {
            printf("%9s  %s%s%s\n", i == 0 ? "Warnings:" : "", term_color(COLOR_YELLOW),
                   json_string_value(warning), term_reset());
        }
        printf("%9s: %s\n", "CGroup", "/");
        process_tree_print(all, 11, status_line_width(c));
    }
    json_decref(all);
    json_decref(reply);
    return EXIT_SUCCESS;
}
