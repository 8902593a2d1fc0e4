/* reeve draft -- the unit for a program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/users.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "diagnose/draft.h"
#include "unit/command.h"
#include "unit/name.h"

static const char options_help[] =
    "  --run              run the program for a moment, and see what it listens on and writes to\n"
    "  --run-for=SPAN     for so long; 3s\n"
    "  --user=USER        the user that it is to run as\n"
    "  --name=NAME        the unit's name; the program's\n"
    "  --directory=PATH   the folder that it is to run in\n"
    "  --output=FILE      write it there, not to standard output\n"
    "  -h, --help\n\n"
    "PROGRAM is a path, or a name that is looked up as systemd does. Its arguments become part of\n"
    "ExecStart=. Exit status: 0, 1 there is no such program or it cannot be run, 2 usage.\n";

static int fail(const char *what, const char *which, int r)
{
    fprintf(stderr, "reeve draft: %s%s: %s\n", what, which, strerror(-r));
    return EXIT_FAILURE;
}

/* "/srv/bin/My App.py" -> "My-App". */
static char *unit_name_for(const char *path)
{
    const char *base = path_basename(path), *dot = strrchr(base, '.');
    char *name = strndup(base, dot && dot > base ? (size_t) (dot - base) : strlen(base));

    for (char *p = name; p && *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *p))
            *p = '-';
    return name;
}

static int run_it(struct draft *d, usec_t duration, struct observation *seen)
{
    struct users_lookup lookup = { .files_only = true };
    auto_free char *name = NULL;
    struct user u = { .uid = geteuid(), .gid = getegid() };
    int r = draft_user(d, &name);

    if (r >= 0 && name && geteuid() == 0)
        r = user_find(&lookup, name, &u);
    if (r >= 0)
        r = observe(d->argv, u.uid, u.gid, d->directory, duration, seen);
    user_done(&u);
    return r;
}

static int write_draft(const struct draft *d, const char *output)
{
    auto_free char *text = draft_write(d);

    if (!text)
        return fail("drafting ", d->name, -ENOMEM);
    if (!output) {
        fputs(text, stdout);
        return 0;
    }
    int r = file_replace(output, text, strlen(text), 0644);
    return r < 0 ? fail("writing ", output, r) : 0;
}

int verb_draft(int argc, char **argv)
{
    static const struct option options[] = {
        { "run", no_argument, NULL, 'r' },
        { "run-for", required_argument, NULL, 'f' },
        { "user", required_argument, NULL, 'u' },
        { "name", required_argument, NULL, 'n' },
        { "directory", required_argument, NULL, 'd' },
        { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    struct draft d = {};
    struct observation seen = {};
    usec_t duration = 3 * USEC_PER_SEC;
    const char *output = NULL;
    bool run = false;

    optind = 0;
    for (int c; (c = verb_getopt(argc, argv, "+o:h", options, NULL)) >= 0;)
        switch (c) {
        case 'r':
            run = true;
            break;
        case 'f':
            run = true;
            if (timespan_parse(optarg, &duration) < 0) {
                return usage_error("draft", "--run-for=%s is no span of time", optarg);
            }
            break;
        case 'u':
            d.user = optarg;
            break;
        case 'n':
            d.name = optarg;
            break;
        case 'd':
            d.directory = optarg;
            break;
        case 'o':
            output = optarg;
            break;
        case 'h':
            return verb_print_help("draft", options_help);
        default:
            return EXIT_USAGE;
        }
    if (optind == argc) {
        return usage_error("draft", "name the program");
    }
    auto_free char *path = NULL, *name = NULL, *self = NULL, *unit = NULL;
    int r = 0;
    if (*argv[optind] == '/')
        path = strdup(argv[optind]);
    else if (strchr(argv[optind], '/'))
        path = realpath(argv[optind], NULL);
    else
        r = command_find(argv[optind], NULL, NULL, &path);
    if (!path || access(path, X_OK) < 0)
        return fail("", argv[optind], r < 0 ? r : errno ? -errno : -ENOENT);
    argv[optind] = path;
    d.argv = argv + optind;
    name = d.name ? strdup(d.name) : unit_name_for(path);
    unit = name ? format("%s.service", name) : NULL;
    if (!unit || !unit_name_is_valid(unit, UNIT_NAME_PLAIN)) {
        return usage_error("draft", "--name=%s is no name of a unit", strempty(name));
    }
    d.name = name;
    if (readlink_alloc("/proc/self/exe", &self) >= 0)
        d.reeve = self;
    if (run) {
        r = run_it(&d, duration, &seen);
        if (r < 0)
            return fail("running ", path, r);
        d.seen = &seen;
    }
    r = write_draft(&d, output);
    observation_done(&seen);
    return r;
}
