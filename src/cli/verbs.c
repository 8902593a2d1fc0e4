#include "cli/verbs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/systemctl.h"

#define SYSTEMD_VERSION "257"

const struct verb verbs[] = {
#define VERB(name, function, ...) { name, function, NULL, __VA_ARGS__ },
#define CONTROL(name, function, min, max, ...) { name, NULL, function, __VA_ARGS__, min, max },
#include "cli/verbs.def"
#undef VERB
#undef CONTROL
    { 0 },
};

static const char *const group_titles[] = {
    [GROUP_RUN] = "Running units", [GROUP_UNITS] = "Units",     [GROUP_FILES] = "Unit files",
    [GROUP_JOBS] = "Jobs",         [GROUP_ENV] = "Environment", [GROUP_MANAGER] = "Manager",
    [GROUP_SYSTEM] = "System",     [GROUP_LOG] = "Logs",        [GROUP_EXPLAIN] = "Explaining",
    [GROUP_SMALL] = "Tools",
};
static_assert(ELEMENTSOF(group_titles) == VERB_GROUP_MAX, "a title for every group");

static const struct {
    const char *program, *verb;
} personalities[] = {
    { "systemctl", "systemctl" },     { "journalctl", "log" },  { "systemd-run", "run" },
    { "systemd-notify", "notify" },   { "systemd-cat", "tee" }, { "systemd-escape", "escape" },
    { "systemd-analyze", "analyze" }, { "systemd", "init" },    { "init", "init" },
};

const char *verb_group_title(enum verb_group group)
{
    return group_titles[group];
}

const struct verb *verb_find(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (streq(v->name, name))
            return v;
    return NULL;
}

const struct verb *verb_find_control(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (v->control && streq(v->name, name))
            return v;
    return NULL;
}

const char *verb_nearest(const char *name, bool control_only)
{
    const char *best = NULL;
    unsigned most = MAX((unsigned) strlen(name) / 3, 1u), best_distance = most + 1;

    for (const struct verb *v = verbs; v->name; v++) {
        if (!v->help || (control_only && !v->control))
            continue;
        unsigned distance = edit_distance(name, v->name, most, false);
        /* A prefix that was typed is near, however long the rest is. */
        if (strlen(name) >= 3 && startswith(v->name, name))
            distance = MIN(distance, 1u);
        if (distance < best_distance) {
            best = v->name;
            best_distance = distance;
        }
    }
    return best;
}

const char *personality_verb(const char *program)
{
    for (size_t i = 0; i < ELEMENTSOF(personalities); i++)
        if (streq(program, personalities[i].program))
            return personalities[i].verb;
    return NULL;
}

int verb_print_help(const char *name, const char *options)
{
    const char *behind = personality_verb(name);
    const struct verb *v = verb_find(behind ? behind : name);

    if (!v)
        return EXIT_USAGE;
    printf("%s%s %s\n\n%s.\n", behind ? "" : "reeve ", name, v->synopsis, v->help);
    if (options)
        printf("\n%s", options);
    return 0;
}

int print_version(const char *program)
{
    if (personality_verb(program))
        printf("systemd " SYSTEMD_VERSION " (reeve " REEVE_VERSION ")\n");
    else
        printf("reeve " REEVE_VERSION "\n");
    return 0;
}

int verb_help(int argc, char **argv)
{
    if (argc > 1) {
        const struct verb *v = verb_find(argv[1]);
        char *args[] = { argv[1], (char *) "--help", NULL };

        if (!v) {
            fprintf(stderr, "reeve help: no verb \"%s\"\n", argv[1]);
            return EXIT_USAGE;
        }
        if (v->control) {
            char *control[] = { (char *) "reeve", argv[1], (char *) "--help", NULL };

            return systemctl_main("reeve", 3, control);
        }
        return v->run != verb_help ? v->run(2, args) : verb_print_help(argv[1], NULL);
    }

    printf("reeve [OPTION...] VERB [ARGUMENT...]\n\n"
           "Runs ordinary systemd unit files, keeps their journal, and says why services fail.\n");
    for (enum verb_group g = 0; g < VERB_GROUP_MAX; g++) {
        bool any = false;

        for (const struct verb *v = verbs; v->name; v++) {
            if (v->group != g || !v->help)
                continue;
            if (!any)
                printf("\n%s:\n", group_titles[g]);
            any = true;
            printf("  %-24s %s\n", v->name, v->help);
        }
    }
    printf("\n`reeve VERB --help` shows the options of a verb.\n");
    return 0;
}
