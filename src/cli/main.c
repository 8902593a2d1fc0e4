/* cli/main.c -- which verb is meant, by the name of the program and its arguments. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/systemctl.h"
#include "cli/verbs.h"
#include "launch/holder.h"

static int unknown_verb(const char *name)
{
    const char *near = verb_nearest(name, false);

    if (near)
        fprintf(stderr, "reeve: no verb \"%s\"; did you mean \"%s\"?\n", name, near);
    else
        fprintf(stderr, "reeve: no verb \"%s\"; `reeve help` lists them\n", name);
    return EXIT_USAGE;
}

/* Called as one of systemd's programs. */
static int run_personality(const char *program, const char *verb, int argc, char **argv)
{
    const struct verb *v = verb_find(verb);

    if (streq(verb, "systemctl"))
        return systemctl_main(program, argc, argv);
    if (argc > 1 && streq(argv[1], "--version"))
        return print_version(program);
    if (!v || !v->run) {
        fprintf(stderr, "%s: this build of reeve has no verb \"%s\"\n", program, verb);
        return 1;
    }
    argv[0] = (char *) program;
    return v->run(argc, argv);
}

int main(int argc, char **argv)
{
    const char *program = argc > 0 ? path_basename(argv[0]) : "reeve";
    const char *behind = personality_verb(program);

    /* First: a holder stays as small as it is here. */
    if (streq(program, HOLDER_NAME))
        return holder_main(argc, argv);
    log_set_prefix(NULL);
    if (behind)
        return run_personality(program, behind, argc, argv);
    if (argc < 2) {
        verb_help(1, argv);
        return EXIT_USAGE;
    }
    if (streq(argv[1], "--version"))
        return print_version("reeve");
    if (streq(argv[1], "--help") || streq(argv[1], "-h"))
        return verb_help(1, argv);

    const struct verb *v = verb_find(argv[1]);

    /* Options may come before a verb of systemctl, as with systemctl itself. */
    if (v ? v->control != NULL : *argv[1] == '-')
        return systemctl_main("reeve", argc, argv);
    if (!v)
        return unknown_verb(argv[1]);
    return v->run(argc - 1, argv + 1);
}
