/* cli/analyze.c -- reeve analyze: systemd-analyze(1). */
#include "cli/analyze.h"
#include "cli/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/verbs.h"

/* The options that only some commands take. */
enum {
    WITH_JSON = 1 << 0,
    WITH_ROOT = 1 << 1,
    WITH_USER = 1 << 2,
    WITH_LEGEND = 1 << 3,
    WITH_OUTPUT = 1 << 4, /* JSON as well, with reeve's own option */
};

static const struct {
    const char *name;
    int (*run)(const struct analyze_options *o, char *const *args);
    int least_arguments, most_arguments; /* -1: any number */
    unsigned takes;
} commands[] = {
    { "time", analyze_time, 0, 0, WITH_USER },
    { "blame", analyze_blame, 0, 0, WITH_USER | WITH_OUTPUT },
    { "critical-chain", analyze_critical_chain, 0, -1, WITH_USER },
    { "plot", analyze_plot, 0, 0, WITH_USER | WITH_JSON | WITH_LEGEND },
    { "dot", analyze_dot, 0, -1, WITH_USER },
    { "dump", analyze_dump, 0, -1, WITH_USER },
    { "cat-config", analyze_cat_config, 1, -1, WITH_ROOT },
    { "unit-files", analyze_unit_files, 0, -1, WITH_USER },
    { "unit-paths", analyze_unit_paths, 0, 0, WITH_USER },
    { "exit-status", analyze_exit_status, 0, -1, WITH_JSON | WITH_USER },
    { "capability", analyze_capability, 0, -1, WITH_JSON | WITH_USER },
    { "syscall-filter", analyze_syscall_filter, 0, -1, WITH_USER },
    { "filesystems", analyze_filesystems, 0, -1, WITH_USER },
    { "architectures", analyze_architectures, 0, -1, WITH_JSON | WITH_USER },
    { "condition", analyze_condition, 0, -1, WITH_ROOT | WITH_USER },
    { "compare-versions", analyze_compare_versions, 2, 3, WITH_USER },
    { "calendar", analyze_calendar, 1, -1, WITH_USER | WITH_OUTPUT },
    { "timestamp", analyze_timestamp, 1, -1, WITH_USER | WITH_OUTPUT },
    { "timespan", analyze_timespan, 1, -1, WITH_USER | WITH_OUTPUT },
    { "verify", analyze_verify, 1, -1, WITH_ROOT | WITH_USER },
    { "security", analyze_security, 0, -1, WITH_ROOT | WITH_JSON | WITH_USER },
};

/* What systemd-analyze has as well, and why reeve has not. */
static const struct {
    const char *name, *why;
} absent[] = {
    { "fdstore", "the manager tells how many there are: `systemctl show -p NFileDescriptorStore`" },
    { "malloc", "it asks D-Bus services; of units, see `systemctl show -p MemoryCurrent`" },
    { "inspect-elf", "`readelf -n FILE` shows the notes of a program" },
    { "image-policy", "no disk images are mounted" },
    { "smbios11", "credentials do not come from the firmware" },
    { "has-tpm2", "no TPM is used" },
    { "pcrs", "no TPM is used" },
    { "srk", "no TPM is used" },
    { "log-level", "`systemctl log-level` does it" },
    { "log-target", "the manager logs to the journal, and to the console of a container" },
    { "service-watchdogs", "watchdogs cannot be switched off; `WatchdogSec=0` does it for a unit" },
};

static const char options_help[] =
    "  time                     Time that the start took; without a command as well\n"
    "  blame                    Units by the time that their start took\n"
    "  critical-chain [UNIT...] What a unit had to wait for, as a tree\n"
    "  plot                     The start as a picture (SVG), or --json=, --table\n"
    "  dot [PATTERN...]         Dependencies as a graph for dot(1)\n"
    "  dump [PATTERN...]        All that the manager knows of units\n"
    "  cat-config NAME|PATH...  A configuration file and its drop-ins\n"
    "  unit-files [PATTERN...]  Files and links of units\n"
    "  unit-paths               The folders that units are looked for in\n"
    "  exit-status [STATUS...]  Names and classes of exit statuses\n"
    "  capability [CAP...]      Names and numbers of capabilities\n"
    "  syscall-filter [GROUP...]\n"
    "  filesystems [GROUP...]   Groups of SystemCallFilter= and RestrictFileSystems=\n"
    "  architectures [NAME...]  Names of architectures, and which run here\n"
    "  condition CONDITION...   Whether conditions and assertions hold here\n"
    "  compare-versions V1 [OP] V2\n"
    "  calendar EVENT...        Normal form and next elapses of calendar events\n"
    "  timestamp TIME...        What points in time mean\n"
    "  timespan SPAN...         What spans of time mean\n"
    "  verify FILE|UNIT...      Check unit files\n"
    "  security [UNIT...]       What services may do; a table for one unit\n"
    "\n"
    "  -h --help                Show this help\n"
    "     --version             Show the version\n"
    "     --iterations=N        Show the next N elapses of a calendar event\n"
    "     --base-time=TIME      Count elapses from that point in time\n"
    "     --fuzz=SPAN           critical-chain: also what ended so much earlier\n"
    "     --order, --require    dot: only these edges\n"
    "     --from-pattern=GLOB, --to-pattern=GLOB\n"
    "                           dot: only edges from or to such units\n"
    "     --table, --no-legend  plot: times as a table; without titles\n"
    "     --scale-svg=FACTOR, --detailed\n"
    "                           plot: wider; with the points in time\n"
    "     --json=pretty|short   architectures, exit-status, capability, plot, security: as JSON\n"
    "  -o --output=json|json-pretty\n"
    "                           The same, and of blame, calendar, timespan and timestamp\n"
    "     --unit=UNIT           condition: those of a unit\n"
    "     --offline=BOOL        security: of files, not of loaded units\n"
    "     --security-policy=PATH\n"
    "                           security: other weights and words, a JSON file\n"
    "     --profile=NAME|PATH   security --offline=yes: with the settings of a portable profile\n"
    "     --threshold=N         security: fail where the exposure is above N (in tenths)\n"
    "     --recursive-errors=no|one|yes\n"
    "                           verify: whose faults count; yes: of all units drawn in\n"
    "     --instance=NAME       verify, security: the instance to take of a template\n"
    "     --root=PATH           cat-config, condition, verify, security --offline=yes\n"
    "     --tldr                cat-config: without comments and empty lines\n"
    "  -m --mask                capability: the argument is a mask\n"
    "     --system, --user, --global\n"
    "                           Whose units\n"
    "     --man=BOOL            verify: whether man pages have to be there\n"
    "  -q --quiet, --no-pager, --generators=BOOL\n";

enum {
    OPTION_VERSION = 0x100,
    OPTION_ITERATIONS,
    OPTION_BASE_TIME,
    OPTION_IGNORED,
    OPTION_ORDER,
    OPTION_REQUIRE,
    OPTION_FROM,
    OPTION_TO,
    OPTION_FUZZ,
    OPTION_JSON,
    OPTION_ROOT,
    OPTION_UNIT,
    OPTION_OFFLINE,
    OPTION_THRESHOLD,
    OPTION_POLICY,
    OPTION_RECURSIVE,
    OPTION_INSTANCE,
    OPTION_PROFILE,
    OPTION_TLDR,
    OPTION_TABLE,
    OPTION_LEGEND,
    OPTION_SCALE,
    OPTION_DETAILED,
    OPTION_MAN,
    OPTION_SYSTEM,
    OPTION_USER,
    OPTION_GLOBAL,
};

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "%s%s\n", what, value);
    return -EINVAL;
}

/* A word of a fixed list: its place, or -EINVAL. */
static int one_of(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (streq(text, words[i]))
            return i;
    return -EINVAL;
}

static int parse_option(int c, struct analyze_options *o)
{
    static const char *const error_modes[] = {
        [ERRORS_ALL] = "yes", [ERRORS_OWN] = "no", [ERRORS_DEPENDENCIES] = "one", NULL
    };
    int r = 0;

    switch (c) {
    case 'h':
        verb_print_help(o->ctl.program, options_help);
        return 1;
    case 'q':
        o->ctl.quiet = true;
        return 0;
    case 'm':
        o->mask = true;
        return 0;
    case 'o':
        if (!streq(optarg, "json") && !streq(optarg, "json-pretty"))
            return complain("--output= takes json or json-pretty, not ", optarg);
        o->ctl.output = streq(optarg, "json") ? OUTPUT_JSON : OUTPUT_JSON_PRETTY;
        o->own_output = o->ctl.no_legend = true;
        return 0;
    case OPTION_ITERATIONS:
        return parse_unsigned(optarg, &o->iterations) < 0
                   ? complain("Failed to parse iterations: ", optarg)
                   : 0;
    case OPTION_BASE_TIME:
        return analyze_parse_time(o, optarg, &o->base_time) < 0
                   ? complain("Failed to parse --base-time= parameter: ", optarg)
                   : 0;
    case OPTION_FUZZ:
        return timespan_parse(optarg, &o->fuzz) < 0 ? -EINVAL : 0;
    case OPTION_ORDER:
    case OPTION_REQUIRE:
        o->graph = c == OPTION_ORDER ? GRAPH_ORDER : GRAPH_REQUIRE;
        return 0;
    case OPTION_FROM:
        return strv_add(&o->from, optarg);
    case OPTION_TO:
        return strv_add(&o->to, optarg);
    case OPTION_JSON:
        return systemctl_set_json(&o->ctl, optarg);
    case OPTION_ROOT:
        o->ctl.root = streq(optarg, "/") ? NULL : optarg;
        return 0;
    case OPTION_UNIT:
        o->unit = optarg;
        return 0;
    case OPTION_OFFLINE:
        r = parse_boolean(optarg);
        if (r < 0) {
            fprintf(stderr, "Failed to parse boolean argument to --offline: %s.\n", optarg);
            return -EINVAL;
        }
        o->offline = r;
        return 0;
    case OPTION_THRESHOLD:
        if (parse_unsigned(optarg, &o->threshold) < 0 || o->threshold > 100)
            return complain("Failed to parse threshold: ", optarg);
        return 0;
    case OPTION_POLICY:
        o->policy = optarg;
        return 0;
    case OPTION_RECURSIVE:
        r = one_of(optarg, error_modes);
        if (r < 0) {
            fprintf(stderr, "Unknown mode passed to --recursive-errors='%s'.\n", optarg);
            return -EINVAL;
        }
        o->recursive_errors = r;
        return 0;
    case OPTION_INSTANCE:
        o->instance = optarg;
        return 0;
    case OPTION_PROFILE:
        o->profile = optarg;
        return 0;
    case OPTION_TLDR:
        o->tldr = true;
        return 0;
    case OPTION_TABLE:
        o->table = true;
        return 0;
    case OPTION_LEGEND:
        o->ctl.no_legend = true;
        return 0;
    case OPTION_SCALE: {
        char *end;

        o->scale = strtod(optarg, &end);
        return *end || !(o->scale > 0)
                   ? complain("Failed to parse --scale-svg= parameter: ", optarg)
                   : 0;
    }
    case OPTION_DETAILED:
        o->detailed = true;
        return 0;
    case OPTION_MAN:
        r = optarg ? parse_boolean(optarg) : 1;
        if (r < 0) {
            fprintf(stderr, "Failed to parse boolean argument to --man: %s.\n", optarg);
            return -EINVAL;
        }
        o->no_man = !r;
        return 0;
    case OPTION_SYSTEM:
        o->ctl.scope = SCOPE_SYSTEM;
        return 0;
    case OPTION_USER:
        o->ctl.scope = SCOPE_USER;
        return 0;
    case OPTION_GLOBAL:
        o->ctl.scope = SCOPE_GLOBAL;
        return 0;
    case OPTION_IGNORED:
        return 0;
    default:
        return -EINVAL;
    }
}

/* Returns 0 to go on, 1 when all is done, -EINVAL. */
static int parse_options(int argc, char **argv, struct analyze_options *o)
{
    static const struct option options[] = {
        { "output", required_argument, NULL, 'o' }, /* reeve's own: the first one */
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "quiet", no_argument, NULL, 'q' },
        { "mask", no_argument, NULL, 'm' },
        { "no-pager", no_argument, NULL, OPTION_IGNORED },
        { "generators", optional_argument, NULL, OPTION_IGNORED },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "user", no_argument, NULL, OPTION_USER },
        { "global", no_argument, NULL, OPTION_GLOBAL },
        { "iterations", required_argument, NULL, OPTION_ITERATIONS },
        { "base-time", required_argument, NULL, OPTION_BASE_TIME },
        { "fuzz", required_argument, NULL, OPTION_FUZZ },
        { "order", no_argument, NULL, OPTION_ORDER },
        { "require", no_argument, NULL, OPTION_REQUIRE },
        { "from-pattern", required_argument, NULL, OPTION_FROM },
        { "to-pattern", required_argument, NULL, OPTION_TO },
        { "json", required_argument, NULL, OPTION_JSON },
        { "root", required_argument, NULL, OPTION_ROOT },
        { "unit", required_argument, NULL, OPTION_UNIT },
        { "offline", required_argument, NULL, OPTION_OFFLINE },
        { "threshold", required_argument, NULL, OPTION_THRESHOLD },
        { "security-policy", required_argument, NULL, OPTION_POLICY },
        { "recursive-errors", required_argument, NULL, OPTION_RECURSIVE },
        { "instance", required_argument, NULL, OPTION_INSTANCE },
        { "profile", required_argument, NULL, OPTION_PROFILE },
        { "tldr", no_argument, NULL, OPTION_TLDR },
        { "table", optional_argument, NULL, OPTION_TABLE },
        { "no-legend", optional_argument, NULL, OPTION_LEGEND },
        { "scale-svg", required_argument, NULL, OPTION_SCALE },
        { "detailed", no_argument, NULL, OPTION_DETAILED },
        { "man", optional_argument, NULL, OPTION_MAN },
        { 0 },
    };
    bool compat = streq(argv[0], "systemd-analyze");
    int r = 0;

    optind = 0;
    for (int c; r == 0 && (c = verb_getopt(argc, argv, compat ? "hqm" : "hqmo:", options + compat,
                                           NULL)) >= 0;) {
        if (c == OPTION_VERSION) {
            print_version(argv[0]);
            return 1;
        }
        r = parse_option(c, o);
    }
    return r;
}

/* Options that say nothing to the command are refused, as systemd-analyze does, in its words. */
static int check_options(const struct analyze_options *o, const char *name, unsigned takes,
                         int n_arguments)
{
    static const char only_root[] =
        "Options --root= and --image= are only supported for cat-config, verify, condition and "
        "security when used with --offline= right now.";
    static const char only_json[] =
        "Option --json= is only supported for security, inspect-elf, plot, fdstore, pcrs, "
        "architectures, capability, exit-status right now.";
    bool security = streq(name, "security");

    if (o->offline && !security)
        return complain("Option --offline= is only supported for security right now.", "");
    if (o->offline && n_arguments == 0)
        return complain(
            "Option --offline= requires one or more units to perform a security review.", "");
    if (o->ctl.output != OUTPUT_TEXT &&
        !(takes & (o->own_output ? WITH_JSON | WITH_OUTPUT : WITH_JSON))) {
        if (o->own_output)
            fprintf(stderr, "analyze %s does not print JSON.\n", name);
        else
            fprintf(stderr, "%s\n", only_json);
        return -EINVAL;
    }
    if (o->threshold != 100 && !security)
        return complain("Option --threshold= is only supported for security right now.", "");
    if (o->ctl.scope == SCOPE_GLOBAL && !streq(name, "unit-paths"))
        return complain("Option --global only makes sense with verb unit-paths.", "");
    if (o->ctl.scope == SCOPE_USER && !(takes & WITH_USER))
        return complain("Option --user is not supported for cat-config right now.", "");
    if (o->policy && !security)
        return complain("Option --security-policy= is only supported for security.", "");
    if (o->ctl.root && (!(takes & WITH_ROOT) || (security && !o->offline)))
        return complain(only_root, "");
    if (o->unit && !streq(name, "condition"))
        return complain("Option --unit= is only supported for condition", "");
    if (streq(name, "condition") && !o->unit && n_arguments == 0)
        return complain("Too few arguments for condition", "");
    if (streq(name, "condition") && o->unit && n_arguments > 0)
        return complain("No conditions can be passed if --unit= is used.", "");
    if (o->table && !streq(name, "plot"))
        return complain("Option --table is only supported for plot right now.", "");
    if (o->ctl.no_legend && !o->own_output &&
        (!(takes & WITH_LEGEND) || (!o->table && !o->ctl.output)))
        return complain(
            "Option --no-legend is only supported for plot with either --table or --json=.", "");
    return 0;
}

static int run(const struct analyze_options *o, const char *name, char *const *args)
{
    int n = (int) strv_length(args);

    for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
        if (!streq(commands[i].name, name))
            continue;
        if (check_options(o, name, commands[i].takes, n) < 0)
            return usage_status(o->ctl.program);
        if (n < commands[i].least_arguments ||
            (commands[i].most_arguments >= 0 && n > commands[i].most_arguments)) {
            fprintf(stderr, "Too %s arguments.\n",
                    n < commands[i].least_arguments ? "few" : "many");
            return usage_status(o->ctl.program);
        }
        return commands[i].run(o, args);
    }
    for (size_t i = 0; i < ELEMENTSOF(absent); i++)
        if (streq(absent[i].name, name)) {
            fprintf(stderr, "%s is not implemented: %s.\n", name, absent[i].why);
            return -EOPNOTSUPP;
        }
    fprintf(stderr, "Unknown command verb '%s'.\n", name);
    return usage_status(o->ctl.program);
}

int verb_analyze(int argc, char **argv)
{
    struct analyze_options o = {
        .ctl = { .program = argv[0] },
        .iterations = 1,
        .base_time = USEC_INFINITY,
        .scale = 1,
        .threshold = 100,
    };
    char *const nothing[] = { NULL };
    int r = parse_options(argc, argv, &o);

    if (r != 0)
        return r < 0 ? usage_status(argv[0]) : EXIT_SUCCESS;
    const char *name = argv[optind];
    if (name && streq(name, "help")) {
        verb_print_help(argv[0], options_help);
        return EXIT_SUCCESS;
    }
    r = run(&o, name ? name : "time", name ? argv + optind + 1 : nothing);
    fflush(stdout);
    strv_free(o.from);
    strv_free(o.to);
    return r < 0 ? EXIT_FAILURE : r;
}
