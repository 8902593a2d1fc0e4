/* fill.c -- a man page with its tables filled in.
 *
 *   fill PAGE.scd
 *
 * Copies the page to standard output. In place of a line "@NAME@" it puts what the tables of the
 * program itself say (verbs, causes, checks, methods, directives), as scdoc, so that pages cannot
 * drift from them. A name that it does not know is an error. */
#include "fill.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/verbs.h"
#include "diagnose/cause.h"
#include "health/check.h"
#include "unit/directive.h"
#include "unit/enums.h"
#include "unit/manager-config.h"

/* Text in which nothing is markup. Lines after the first are indented, to stay in their paragraph.
 */
static void put(const char *text)
{
    for (; *text; text++) {
        if (strchr("*_\\`", *text))
            putchar('\\');
        putchar(*text);
        if (*text == '\n')
            putchar('\t');
    }
}

void put_entry(const char *prefix, const char *term, const char *arguments, const char *text)
{
    putchar('*');
    put(prefix);
    put(term);
    putchar('*');
    put(arguments);
    fputs("\n\t", stdout);
    putchar(toupper((unsigned char) *text));
    put(text + 1);
    if (text[strlen(text) - 1] != '.')
        putchar('.');
    fputs("\n\n", stdout);
}

static void put_verbs(void)
{
    for (enum verb_group g = 0; g < VERB_GROUP_MAX; g++) {
        bool any = false;

        for (const struct verb *v = verbs; v->name; v++) {
            if (v->group != g || !v->help)
                continue;
            if (!any)
                printf("## %s\n\n", verb_group_title(g));
            any = true;
            auto_free char *arguments = format("%s%s", *v->synopsis ? " " : "", v->synopsis);
            put_entry("", v->name, strempty(arguments), v->help);
        }
    }
}

static void put_causes(void)
{
    static const char *const titles[] = {
        [PHASE_LOAD] = "The unit's files",
        [PHASE_JOB] = "Jobs and dependencies",
        [PHASE_SETUP] = "Set-up, before the program runs",
        [PHASE_START] = "The start",
        [PHASE_RUN] = "While it runs",
        [PHASE_STOP] = "The stop",
        [PHASE_ACTIVE] = "It runs, but wrong",
        [PHASE_ANY] = "At any time",
    };
    static_assert(ELEMENTSOF(titles) == PHASE_MAX, "a title for every phase");

    for (int phase = 0; phase < PHASE_MAX; phase++) {
        bool any = false;

        for (const struct cause *c = causes; c->id; c++) {
            if ((int) c->phase != phase)
                continue;
            if (!any)
                printf("## %s\n\n", titles[phase]);
            any = true;
            put_entry("", c->id, "", c->title);
        }
    }
}

static void put_checks(enum check_use use)
{
    static const char *const classes[] = {
        [CHECK_IDENTITY] = "identity",     [CHECK_PORT] = "port",
        [CHECK_DEPENDENCY] = "dependency", [CHECK_FILE] = "file",
        [CHECK_RESOURCE] = "resource",
    };

    for (const struct check_kind *k = check_kinds; k->option; k++) {
        if (!(k->uses & use))
            continue;
        auto_free char *arguments = format("=%s", k->argument);
        auto_free char *text = use == CHECK_WHILE ? strdup(k->help)
                                                  : format("%s. Exit status %d (%s)", k->help,
                                                           (int) k->class, classes[k->class]);

        put_entry("--", k->option, strempty(arguments), strempty(text));
    }
}

static void put_checks_before(void)
{
    put_checks(CHECK_BEFORE);
}

static void put_probes(void)
{
    put_checks(CHECK_WHILE);
}

/* Rows that a file can name, by manual page: calls put_row(d) for each with this page. */
static const char *const man_pages[] = {
    "systemd.unit(5)",
    "systemd.service(5)",
    "systemd.exec(5)",
    "systemd.kill(5)",
    "systemd.resource-control(5)",
    "systemd.socket(5)",
    "systemd.timer(5)",
    "systemd.path(5)",
    "systemd.mount(5)",
    "systemd.automount(5)",
    "systemd.swap(5)",
    "systemd.scope(5)",
    "reeve-guard(1)",
};
static const char manager_page[] = "systemd-system.conf(5)";

/* The next row of a page, or NULL. */
static const struct directive *next_row(const char *page, unsigned *position)
{
    const struct directive *d;

    if (page == manager_page)
        return manager_directive_next(position);
    while (*position < n_directives) {
        d = &directives[(*position)++];
        if (d->name && !d->alias_name && streq(directive_man_page(d), page))
            return d;
    }
    return NULL;
}

static void for_each_page(void (*put_page)(const char *page))
{
    for (size_t i = 0; i < ELEMENTSOF(man_pages); i++)
        put_page(man_pages[i]);
    put_page(manager_page);
}

/* All directives of a page: name, standing, class. A literal block, since long names do not fit the
 * columns of a table. */
static void put_table(const char *page)
{
    const struct directive *d;
    unsigned position = 0;

    printf("## %s\n\n```\n", page);
    while ((d = next_row(page, &position)))
        printf("%-38s %-9s %s\n", d->name, standing_to_string(d->standing),
               d->class == CLASS_NONE ? "-" : sandbox_class_to_string(d->class));
    fputs("```\n\n", stdout);
}

/* Those of one standing, with what they are for. */
static void put_standing(const char *page, int standing)
{
    const struct directive *d;
    unsigned position = 0;
    bool any = false;

    while ((d = next_row(page, &position))) {
        if (d->standing != standing)
            continue;
        if (!any)
            printf("## %s\n\n", page);
        any = true;
        put_entry("", d->name, "=", d->summary);
    }
}

static void put_refused(const char *page)
{
    put_standing(page, STANDING_REFUSED);
}

static void put_not_yet(const char *page)
{
    put_standing(page, STANDING_NOT_YET);
}

static void put_accepted(const char *page)
{
    put_standing(page, STANDING_ACCEPTED);
}

static void put_directives(void)
{
    for_each_page(put_table);
}

static void put_all_refused(void)
{
    for_each_page(put_refused);
}

static void put_all_not_yet(void)
{
    for_each_page(put_not_yet);
}

static void put_all_accepted(void)
{
    for_each_page(put_accepted);
}

static void put_health(void)
{
    const struct directive *d;
    unsigned position = 0;

    while ((d = next_row("reeve-guard(1)", &position)))
        put_entry("", d->name, "=", d->summary);
}

static const struct {
    const char *line;
    void (*put)(void);
} tables[] = {
    { "@verbs@\n", put_verbs },           { "@causes@\n", put_causes },
    { "@checks@\n", put_checks_before },  { "@types@\n", put_types },
    { "@probes@\n", put_probes },         { "@health@\n", put_health },
    { "@errors@\n", put_errors },         { "@methods@\n", put_methods },
    { "@directives@\n", put_directives }, { "@refused@\n", put_all_refused },
    { "@not-yet@\n", put_all_not_yet },   { "@accepted@\n", put_all_accepted },
};

static bool put_named(const char *line)
{
    for (size_t i = 0; i < ELEMENTSOF(tables); i++)
        if (streq(line, tables[i].line)) {
            tables[i].put();
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    FILE *page = argc == 2 ? fopen(argv[1], "re") : NULL;
    char line[1024];
    int status = EXIT_SUCCESS;

    if (!page) {
        fprintf(stderr, "fill: takes a page that can be read\n");
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof line, page)) {
        if (*line != '@')
            fputs(line, stdout);
        else if (!put_named(line)) {
            fprintf(stderr, "%s: there is no table %s", argv[1], line);
            status = EXIT_FAILURE;
        }
    }
    fclose(page);
    return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
