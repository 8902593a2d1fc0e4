/* cli/analyze_plot.c -- the start as a picture: one bar a unit, in the order in which they were
 * started, with the steps of a service in colours of their own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "cli/analyze_boot.h"
#include "cli/table.h"

#define ROW_HEIGHT 20.0
#define BAR_HEIGHT 19.0
#define MARGIN 20.0
#define TOP 80.0
#define PIXELS_PER_SECOND 100.0
#define LABEL_ROOM 320.0

/* The parts of a bar, as they follow on each other; the legend shows all. */
enum part { PART_PREPARING, PART_SETUP, PART_STARTING, PART_ACTIVE, PART_STOPPING, PART_MANAGER };

static const struct {
    const char *class, *fill, *meaning;
} parts[] = {
    [PART_PREPARING] = { "preparing", "#e8a33d", "conditions, ExecStartPre=" },
    [PART_SETUP] = { "setup", "#8a63d2", "process set up, program executed" },
    [PART_STARTING] = { "activating", "#d9442f", "starting, until ready" },
    [PART_ACTIVE] = { "active", "#7fb2a0", "active" },
    [PART_STOPPING] = { "deactivating", "#8d8d8d", "stopping" },
    [PART_MANAGER] = { "manager", "#5b9bd5", "manager: generators, reading of units" },
};

struct plot {
    const struct analyze_options *options;
    const struct boot *boot;
    const struct unit_times *units;
    size_t n;
    usec_t end;
};

static double x_of(const struct plot *p, usec_t t)
{
    return (double) t / (double) USEC_PER_SEC * PIXELS_PER_SECOND * p->options->scale;
}

static void print_bar(const struct plot *p, enum part part, usec_t from, usec_t to, double y)
{
    if (from == 0 || to < from || from > p->end)
        return;
    printf("  <rect class=\"%s\" x=\"%.3f\" y=\"%.3f\" width=\"%.3f\" height=\"%.3f\"/>\n",
           parts[part].class, x_of(p, from), y, x_of(p, MIN(to, p->end) - from), BAR_HEIGHT);
}

static void print_escaped(const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '&':
            fputs("&amp;", stdout);
            break;
        default:
            putchar(*text);
        }
}

static void print_moment(const char *what, usec_t t)
{
    if (t > 0)
        printf("%s: %" PRIu64 ".%06" PRIu64 "\n", what, t / USEC_PER_SEC, t % USEC_PER_SEC);
}

/* What a pointer over the bar shows. */
static void print_title(const struct unit_times *t)
{
    static const char *const kinds[] = { "After",     "Before", "Requires",
                                         "Requisite", "Wants",  "Conflicts" };

    printf("<title>");
    print_escaped(t->id);
    puts(":");
    print_moment("Activating", t->activating);
    print_moment("Executed", t->executed >= t->activating ? t->executed : 0);
    print_moment("Activated", t->activated);
    print_moment("Deactivating", t->deactivating);
    print_moment("Deactivated", t->deactivated);
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        auto_strv char **names = strv_split(boot_text(t->unit, kinds[i]), " ");

        if (strv_length(names) > 0)
            printf("\n%s:\n", kinds[i]);
        STRV_FOREACH (n, names) {
            fputs("  ", stdout);
            print_escaped(*n);
            putchar('\n');
        }
    }
    puts("</title>");
}

/* Where the bar ends that begins with the unit's start: when it was up, or given up. */
static usec_t start_end(const struct plot *p, const struct unit_times *t)
{
    if (t->activated >= t->activating)
        return t->activated;
    return t->deactivated >= t->activating ? t->deactivated : p->end;
}

static void print_unit(const struct plot *p, const struct unit_times *t, double y)
{
    usec_t up = start_end(p, t);
    bool executed = t->executed >= t->activating && t->executed <= up;
    bool handed_over = executed && t->handed_over >= t->executed && t->handed_over <= up;
    usec_t running = handed_over ? t->handed_over : executed ? t->executed : t->activating;
    char text[TIMESPAN_TEXT_MAX];

    puts("<g>");
    print_title(t);
    if (executed)
        print_bar(p, PART_PREPARING, t->activating, t->executed, y);
    if (handed_over)
        print_bar(p, PART_SETUP, t->executed, t->handed_over, y);
    print_bar(p, PART_STARTING, running, up, y);
    if (t->activated >= t->activating) {
        usec_t down = t->deactivating > t->activated ? t->deactivating : p->end;

        print_bar(p, PART_ACTIVE, t->activated, down, y);
        if (t->deactivating > t->activated)
            print_bar(p, PART_STOPPING, t->deactivating,
                      t->deactivated >= t->deactivating ? t->deactivated : p->end, y);
    }
    printf("  <text x=\"%.3f\" y=\"%.3f\">", x_of(p, MIN(t->activating, p->end)) + 5, y + 14);
    print_escaped(t->id);
    if (t->time > 0)
        printf(" (%s)", timespan_format(text, t->time, USEC_PER_MSEC));
    if (p->options->detailed && t->activated > 0)
        printf(" @%.3fs", (double) t->activated / (double) USEC_PER_SEC);
    puts("</text>\n</g>");
}

static void print_grid(const struct plot *p, double height)
{
    for (unsigned tenth = 0; (usec_t) tenth * (USEC_PER_SEC / 10) <= p->end; tenth++) {
        double x = x_of(p, (usec_t) tenth * (USEC_PER_SEC / 10));
        bool second = tenth % 10 == 0;

        /* A long start is ruled by seconds only. */
        if (!second && p->end > 30 * USEC_PER_SEC)
            continue;
        printf("  <line class=\"%s\" x1=\"%.3f\" y1=\"0\" x2=\"%.3f\" y2=\"%.3f\"/>\n",
               second ? "second" : "tenth", x, x, height);
        if (second)
            printf("  <text class=\"tick\" x=\"%.3f\" y=\"-5\">%us</text>\n", x, tenth / 10);
    }
}

static void print_svg(const struct plot *p)
{
    double height = ROW_HEIGHT * (double) (p->n + 1);
    double legend = ROW_HEIGHT * (double) ELEMENTSOF(parts);
    double width = x_of(p, p->end) + LABEL_ROOM;
    auto_free char *summary = boot_summary(p->options, p->boot);

    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" "
           "height=\"%.0f\">\n<style>\n"
           "  text { font: 13px sans-serif; white-space: pre; }\n"
           "  text.tick { font-size: 10px; }\n"
           "  line.second { stroke: #606060; }\n"
           "  line.tenth { stroke: #e4e4e4; }\n",
           MAX(width + 2 * MARGIN, 640.0), TOP + height + legend + 3 * MARGIN);
    for (size_t i = 0; i < ELEMENTSOF(parts); i++)
        printf("  rect.%s { fill: %s; fill-opacity: 0.75; }\n", parts[i].class, parts[i].fill);
    printf("</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
           "<text x=\"%.0f\" y=\"30\">",
           MARGIN);
    print_escaped(strempty(summary));
    printf("</text>\n<g transform=\"translate(%.0f,%.0f)\">\n", MARGIN, TOP);
    print_grid(p, height);
    print_bar(p, PART_ACTIVE, 1, p->end, 0);
    print_bar(p, PART_MANAGER, p->boot->generators_start, p->boot->generators_finish, 0);
    print_bar(p, PART_MANAGER, p->boot->load_start, p->boot->load_finish, 0);
    puts("  <text x=\"5\" y=\"14\">manager</text>");
    for (size_t i = 0; i < p->n; i++)
        print_unit(p, &p->units[i], ROW_HEIGHT * (double) (i + 1));
    printf("</g>\n<g transform=\"translate(%.0f,%.0f)\">\n", MARGIN, TOP + height + MARGIN);
    for (size_t i = 0; i < ELEMENTSOF(parts); i++)
        printf("  <rect class=\"%s\" x=\"0\" y=\"%.0f\" width=\"30\" height=\"%.0f\"/>\n"
               "  <text x=\"40\" y=\"%.0f\">%s</text>\n",
               parts[i].class, ROW_HEIGHT * (double) i, BAR_HEIGHT, ROW_HEIGHT * (double) i + 14,
               parts[i].meaning);
    puts("</g>\n</svg>");
}

static usec_t within(usec_t t, usec_t least, usec_t most)
{
    return t < least || t > most ? most : t;
}

/* The raw times, with the names that systemd-analyze gives them. */
static int print_table(const struct plot *p)
{
    struct table_column columns[] = {
        { "NAME", "name" }, { "ACTIVATED", "activated" },     { "ACTIVATING", "activating" },
        { "TIME", "time" }, { "DEACTIVATED", "deactivated" }, { "DEACTIVATING", "deactivating" },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };

    for (size_t i = 0; i < p->n; i++) {
        const struct unit_times *u = &p->units[i];
        usec_t deactivated = within(u->deactivated, u->activating, p->end);
        usec_t deactivating = within(u->deactivating, u->activating, deactivated);
        usec_t activated = within(u->activated, u->activating, deactivating);
        const usec_t values[] = { activated, u->activating, u->time, deactivated, deactivating };

        table_add(&t, u->id);
        for (size_t k = 0; k < ELEMENTSOF(values); k++) {
            char text[TIMESPAN_TEXT_MAX];

            table_add_json(&t, timespan_format(text, values[k], USEC_PER_MSEC),
                           json_integer((json_int_t) values[k]));
        }
    }
    int r = table_print(&p->options->ctl, &t);
    if (!p->options->ctl.no_legend)
        printf("\n%zu Units listed.\n", p->n);
    return r;
}

int analyze_plot(const struct analyze_options *o, char *const *args)
{
    auto_boot struct boot b = {};
    auto_free struct unit_times *units = NULL;
    struct plot p = { .options = o, .boot = &b };
    int r = boot_read(o, BOOT_TIMES ",Names,After,Before,Requires,Requisite,Wants,Conflicts", true,
                      &b);

    (void) args;
    if (r >= 0)
        r = boot_times(&b, &units, &p.n);
    if (r < 0)
        return r;
    p.units = units;
    p.end = b.finish;
    if (o->table || o->ctl.output != OUTPUT_TEXT)
        return print_table(&p);
    /* What was started after the start had finished is not part of it. */
    size_t n = 0;
    for (size_t i = 0; i < p.n; i++)
        if (units[i].activating <= b.finish)
            units[n++] = units[i];
    p.n = n;
    print_svg(&p);
    return 0;
}
