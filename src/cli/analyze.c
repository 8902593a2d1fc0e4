/* cli/analyze.c -- reeve analyze: systemd-analyze(1). */
#include "cli/analyze.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "cli/verbs.h"

static const struct {
    const char *name;
    int (*run)(const struct analyze_options *o, char *const *args);
    int least_arguments;
} commands[] = {
    { "calendar", analyze_calendar, 1 },
    { "exit-status", analyze_exit_status, 0 },
    { "timespan", analyze_timespan, 1 },
    { "timestamp", analyze_timestamp, 1 },
};

static const char options_help[] =
    "  calendar EVENT...        Normal form and next elapses of calendar events\n"
    "  timestamp TIME...        What points in time mean\n"
    "  timespan SPAN...         What spans of time mean\n"
    "  exit-status [STATUS...]  Names and classes of exit statuses\n"
    "\n"
    "  -h --help                Show this help\n"
    "     --version             Show the version\n"
    "     --iterations=N        Show the next N elapses of a calendar event\n"
    "     --base-time=TIME      Count elapses from that point in time\n"
    "  -q --quiet, --no-pager, --system, --user, --global\n"
    "                           Accepted; these commands have no use for them\n";

/* Returns 0 to go on, 1 when all is done, -EINVAL. */
static int parse_options(int argc, char **argv, struct analyze_options *o)
{
    enum { OPTION_VERSION = 0x100, OPTION_ITERATIONS, OPTION_BASE_TIME, OPTION_IGNORED };
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "quiet", no_argument, NULL, 'q' },
        { "no-pager", no_argument, NULL, OPTION_IGNORED },
        { "system", no_argument, NULL, OPTION_IGNORED },
        { "user", no_argument, NULL, OPTION_IGNORED },
        { "global", no_argument, NULL, OPTION_IGNORED },
        { "iterations", required_argument, NULL, OPTION_ITERATIONS },
        { "base-time", required_argument, NULL, OPTION_BASE_TIME },
        { 0 },
    };

    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "hq", options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            verb_print_help(argv[0], options_help);
            return 1;
        case OPTION_VERSION:
            print_version(argv[0]);
            return 1;
        case OPTION_ITERATIONS:
            if (parse_unsigned(optarg, &o->iterations) < 0) {
                fprintf(stderr, "Failed to parse iterations: %s\n", optarg);
                return -EINVAL;
            }
            break;
        case OPTION_BASE_TIME:
            if (timestamp_parse(optarg, &o->base_time) < 0) {
                fprintf(stderr, "Failed to parse --base-time= parameter: %s\n", optarg);
                return -EINVAL;
            }
            break;
        case 'q':
        case OPTION_IGNORED:
            break;
        default:
            return -EINVAL;
        }
    return 0;
}

int verb_analyze(int argc, char **argv)
{
    struct analyze_options o = { .iterations = 1, .base_time = USEC_INFINITY };
    int r = parse_options(argc, argv, &o);

    if (r != 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    const char *name = argv[optind];
    if (!name || streq(name, "help")) {
        verb_print_help(argv[0], options_help);
        return name ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
        if (!streq(commands[i].name, name))
            continue;
        if (argc - optind - 1 < commands[i].least_arguments) {
            fprintf(stderr, "Too few arguments.\n");
            return EXIT_FAILURE;
        }
        return commands[i].run(&o, argv + optind + 1) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    fprintf(stderr, "Unknown command verb '%s'.\n", name);
    return EXIT_FAILURE;
}
