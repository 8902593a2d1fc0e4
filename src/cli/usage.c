#include "cli/usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/verbs.h"

#define EXIT_IN_UNIT 64 /* of sysexits.h */

/* Called by the name of one of systemd's programs; "init" is a verb as well. */
static bool is_compat(const char *name)
{
    return personality_verb(name) && !verb_find(name);
}

/* The name of the program, or of reeve's verb, for messages; a new string. "reeve" alone is the
 * verbs of systemctl: whichever of them is on the command line. */
static char *whole_name(char **argv)
{
    const char *verb = argv[0];

    if (is_compat(verb))
        return strdup(verb);
    for (char **a = argv + 1; streq(argv[0], "reeve") && *a; a++)
        if (verb_find(*a)) {
            verb = *a;
            break;
        }
    return streq(verb, "reeve") ? strdup("reeve VERB") : format("reeve %s", verb);
}

/* The long option that is nearest to "--word=..."; NULL if none is. */
static const char *nearest_option(const char *text, const struct option *options)
{
    auto_free char *word = startswith(text, "--") ? memdup0(text + 2, strcspn(text + 2, "="))
                                                  : NULL;
    const char *best = NULL;
    unsigned best_distance = word && strlen(word) > 2 ? MIN((unsigned) strlen(word) / 3, 2u) + 1
                                                      : 0;

    for (const struct option *o = options; o->name && best_distance > 0; o++) {
        unsigned distance = edit_distance(word, o->name, best_distance - 1, false);

        if (distance < best_distance) {
            best = o->name;
            best_distance = distance;
        }
    }
    return best;
}

int verb_getopt(int argc, char **argv, const char *short_options, const struct option *options,
                int *index)
{
    char *own = argv[0];
    auto_free char *name = whole_name(argv);
    const char *near;
    int c;

    argv[0] = name ? name : own;
    opterr = 1;
    c = getopt_long(argc, argv, short_options, options, index);
    argv[0] = own;
    if (c != '?' || is_compat(own) || !name)
        return c;
    near = optopt == 0 && optind > 0 ? nearest_option(argv[optind - 1], options) : NULL;
    fprintf(stderr, "%s%s%sTry '%s --help'.\n", near ? "Did you mean --" : "", near ? near : "",
            near ? "? " : "", name);
    return c;
}

int usage_status(const char *verb)
{
    return streq(verb, "preflight") || streq(verb, "guard") ? EXIT_IN_UNIT
           : is_compat(verb)                                ? EXIT_FAILURE
                                                            : EXIT_USAGE;
}

int usage_error(const char *verb, const char *fmt, ...)
{
    const char *own = is_compat(verb) ? "" : "reeve ";
    va_list ap;

    fprintf(stderr, "%s%s: ", own, verb);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry '%s%s --help'.\n", own, verb);
    return usage_status(verb);
}
