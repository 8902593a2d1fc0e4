/* The options of systemctl(1). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/state_names.h"
#include "cli/systemctl.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "unit/enums.h"

enum {
    OPT_REVERSE = 0x100,
    OPT_AFTER,
    OPT_BEFORE,
    OPT_SHOW_TYPES,
    OPT_FAILED,
    OPT_JOB_MODE,
    OPT_FAIL,
    OPT_IRREVERSIBLE,
    OPT_IGNORE_DEPENDENCIES,
    OPT_CHECK_INHIBITORS,
    OPT_VALUE,
    OPT_USER,
    OPT_SYSTEM,
    OPT_GLOBAL,
    OPT_WAIT,
    OPT_NO_BLOCK,
    OPT_LEGEND,
    OPT_NO_LEGEND,
    OPT_NO_PAGER,
    OPT_DRY_RUN,
    OPT_NO_WARN,
    OPT_ROOT,
    OPT_NO_RELOAD,
    OPT_KILL_WHOM,
    OPT_KILL_VALUE,
    OPT_RUNTIME,
    OPT_PLAIN,
    OPT_STATE,
    OPT_WITH_DEPENDENCIES,
    OPT_PRESET_MODE,
    OPT_NOW,
    OPT_MESSAGE,
    OPT_TIMESTAMP,
    OPT_WHAT,
    OPT_MARKED,
    OPT_DROP_IN,
    OPT_WHEN,
    OPT_MKDIR,
    OPT_READ_ONLY,
    OPT_STDIN,
    OPT_VERSION,
    OPT_IGNORED,          /* accepted, means nothing here */
    OPT_IGNORED_ARGUMENT, /* the same with an argument */
    OPT_UNSUPPORTED,
};

static const struct option options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { "type", required_argument, NULL, 't' },
    { "property", required_argument, NULL, 'p' },
    { "all", no_argument, NULL, 'a' },
    { "reverse", no_argument, NULL, OPT_REVERSE },
    { "after", no_argument, NULL, OPT_AFTER },
    { "before", no_argument, NULL, OPT_BEFORE },
    { "show-types", no_argument, NULL, OPT_SHOW_TYPES },
    { "failed", no_argument, NULL, OPT_FAILED },
    { "full", no_argument, NULL, 'l' },
    { "job-mode", required_argument, NULL, OPT_JOB_MODE },
    { "fail", no_argument, NULL, OPT_FAIL },
    { "irreversible", no_argument, NULL, OPT_IRREVERSIBLE },
    { "ignore-dependencies", no_argument, NULL, OPT_IGNORE_DEPENDENCIES },
    { "ignore-inhibitors", no_argument, NULL, 'i' },
    { "check-inhibitors", required_argument, NULL, OPT_CHECK_INHIBITORS },
    { "value", no_argument, NULL, OPT_VALUE },
    { "user", no_argument, NULL, OPT_USER },
    { "system", no_argument, NULL, OPT_SYSTEM },
    { "global", no_argument, NULL, OPT_GLOBAL },
    { "wait", no_argument, NULL, OPT_WAIT },
    { "no-block", no_argument, NULL, OPT_NO_BLOCK },
    { "legend", required_argument, NULL, OPT_LEGEND },
    { "no-legend", no_argument, NULL, OPT_NO_LEGEND },
    { "no-pager", no_argument, NULL, OPT_NO_PAGER },
    { "no-wall", no_argument, NULL, OPT_IGNORED },
    { "dry-run", no_argument, NULL, OPT_DRY_RUN },
    { "quiet", no_argument, NULL, 'q' },
    { "verbose", no_argument, NULL, OPT_IGNORED },
    { "no-warn", no_argument, NULL, OPT_NO_WARN },
    { "root", required_argument, NULL, OPT_ROOT },
    { "image", required_argument, NULL, OPT_UNSUPPORTED },
    { "image-policy", required_argument, NULL, OPT_UNSUPPORTED },
    { "force", no_argument, NULL, 'f' },
    { "no-reload", no_argument, NULL, OPT_NO_RELOAD },
    { "kill-whom", required_argument, NULL, OPT_KILL_WHOM },
    { "kill-who", required_argument, NULL, OPT_KILL_WHOM },
    { "kill-value", required_argument, NULL, OPT_KILL_VALUE },
    { "signal", required_argument, NULL, 's' },
    { "no-ask-password", no_argument, NULL, OPT_IGNORED },
    { "host", required_argument, NULL, 'H' },
    { "machine", required_argument, NULL, 'M' },
    { "capsule", required_argument, NULL, 'C' },
    { "runtime", no_argument, NULL, OPT_RUNTIME },
    { "lines", required_argument, NULL, 'n' },
    { "output", required_argument, NULL, 'o' },
    { "plain", no_argument, NULL, OPT_PLAIN },
    { "state", required_argument, NULL, OPT_STATE },
    { "recursive", no_argument, NULL, 'r' },
    { "with-dependencies", no_argument, NULL, OPT_WITH_DEPENDENCIES },
    { "preset-mode", required_argument, NULL, OPT_PRESET_MODE },
    { "firmware-setup", no_argument, NULL, OPT_UNSUPPORTED },
    { "boot-loader-menu", required_argument, NULL, OPT_UNSUPPORTED },
    { "boot-loader-entry", required_argument, NULL, OPT_UNSUPPORTED },
    { "now", no_argument, NULL, OPT_NOW },
    { "message", required_argument, NULL, OPT_MESSAGE },
    { "show-transaction", no_argument, NULL, 'T' },
    { "timestamp", required_argument, NULL, OPT_TIMESTAMP },
    { "what", required_argument, NULL, OPT_WHAT },
    { "reboot-argument", required_argument, NULL, OPT_IGNORED_ARGUMENT },
    { "marked", no_argument, NULL, OPT_MARKED },
    { "drop-in", required_argument, NULL, OPT_DROP_IN },
    { "when", required_argument, NULL, OPT_WHEN },
    { "mkdir", no_argument, NULL, OPT_MKDIR },
    { "read-only", no_argument, NULL, OPT_READ_ONLY },
    { "stdin", no_argument, NULL, OPT_STDIN },
    { 0 },
};

static const char options_help[] =
    "Options:\n"
    "  -t --type=TYPE          Units of these types only (comma-separated)\n"
    "     --state=STATE        Units in these load, active or sub states only\n"
    "     --failed             The same as --state=failed\n"
    "  -p --property=NAME      Show these properties only\n"
    "  -P NAME                 The same as --value --property=NAME\n"
    "     --value              Show values without names\n"
    "  -a --all                Inactive units and empty properties as well\n"
    "  -l --full               Do not shorten what is printed\n"
    "  -o --output=FORMAT      text, json, json-pretty; for status also short, cat\n"
    "  -n --lines=N            Lines of output that status shows\n"
    "     --no-legend --legend=BOOL, --no-pager, --plain, -q --quiet\n"
    "     --timestamp=FORMAT   pretty, us, utc, us+utc, unix\n"
    "     --reverse --after --before --with-dependencies --show-types\n"
    "     --no-block           Do not wait until it is done\n"
    "     --wait               Wait until the started units have stopped again\n"
    "     --job-mode=MODE      What to do about jobs that conflict: replace, fail ...\n"
    "     --fail, --irreversible, --ignore-dependencies\n"
    "                          --job-mode=fail, replace-irreversibly, ignore-dependencies\n"
    "  -T --show-transaction   Show the jobs that were queued\n"
    "  -s --signal=SIGNAL      Signal for kill (TERM)\n"
    "     --kill-whom=WHOM     main, control, all (--kill-who=, too)\n"
    "     --kill-value=N       Value that goes with the signal\n"
    "     --what=RESOURCES     What clean removes\n"
    "     --now                Start or stop what is enabled or disabled\n"
    "     --runtime            Until the next boot only\n"
    "  -f --force              Replace existing links; end without stopping units\n"
    "     --no-reload          Do not make the manager read its files anew\n"
    "     --preset-mode=MODE   full, enable-only, disable-only\n"
    "     --drop-in=NAME --stdin   For edit\n"
    "     --no-warn            Do not warn of what has no effect\n"
    "     --recursive          Of containers as well: there are none\n"
    "     --message=TEXT --when=TIME   For halt, poweroff, reboot, kexec\n"
    "  -i --ignore-inhibitors --check-inhibitors=MODE   The same: nothing inhibits\n"
    "     --read-only --mkdir  For bind and mount-image, which are not there\n"
    "     --dry-run            Only print what would be done\n"
    "     --root=PATH          Work on the unit files below PATH, without a manager\n"
    "     --system --user --global   Whose units\n"
    "  -M --machine=USER@      With --user: those of that user\n"
    "Refused, saying why: -H --host=, -C --capsule=, --image=, --image-policy=, --marked,\n"
    "     --firmware-setup, --boot-loader-menu=, --boot-loader-entry=\n";

int systemctl_usage_exit(const struct systemctl *c)
{
    return c->compat ? EXIT_FAILURE : EXIT_USAGE;
}

/* -t service,socket: types and, as systemctl has it, load states. */
static int add_types(struct systemctl *c, const char *text)
{
    auto_strv char **words = strv_split(text, ",");

    STRV_FOREACH (word, words) {
        char ***list;

        if (streq(*word, "help")) {
            print_unit_types();
            return -ECANCELED;
        }
        if (unit_type_from_string(*word) >= 0)
            list = &c->types;
        else if (load_state_from_string(*word) >= 0)
            list = &c->states;
        else {
            fprintf(stderr,
                    "Unknown unit type or load state '%s'.\nUse -t help to see a list of allowed "
                    "values.\n",
                    *word);
            return -EINVAL;
        }
        if (strv_add(list, *word) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_words(char ***list, const char *text)
{
    auto_strv char **words = strv_split(text, ",");

    return words ? strv_extend(list, words, true) : -ENOMEM;
}

static int add_states(struct systemctl *c, const char *text)
{
    if (streq(text, "help")) {
        print_unit_states();
        return -ECANCELED;
    }
    return add_words(&c->states, text);
}

static int set_output(struct systemctl *c, const char *name)
{
    c->output_name = name;
    if (streq(name, "help")) {
        printf("short\ncat\njson\njson-pretty\n");
        return -ECANCELED;
    }
    if (streq(name, "json") || streq(name, "json-pretty")) {
        c->output = streq(name, "json") ? OUTPUT_JSON : OUTPUT_JSON_PRETTY;
        c->no_legend = true;
        c->plain = true;
    }
    return 0;
}

int systemctl_set_json(struct systemctl *c, const char *mode)
{
    static const char *const modes[] = {
        [OUTPUT_TEXT] = "off", [OUTPUT_JSON] = "short", [OUTPUT_JSON_PRETTY] = "pretty"
    };

    for (size_t i = 0; i < ELEMENTSOF(modes); i++)
        if (streq(mode, modes[i])) {
            c->output = (enum output_mode) i;
            return 0;
        }
    fprintf(stderr, "Unknown argument to --json= switch: %s\n", mode);
    return -EINVAL;
}

static int bad_value(const char *what, const char *value)
{
    fprintf(stderr, "Failed to parse %s argument '%s'.\n", what, value);
    return -EINVAL;
}

static int take_boolean(const char *what, const char *text, bool *ret)
{
    int r = parse_boolean(text);

    if (r < 0)
        return bad_value(what, text);
    *ret = r > 0;
    return 0;
}

static int take_lines(struct systemctl *c, const char *text)
{
    unsigned n;

    if (parse_unsigned(text, &n) < 0 || n > INT_MAX)
        return bad_value("lines", text);
    c->lines = (int) n;
    c->lines_set = true;
    return 0;
}

static int take_signal(struct systemctl *c, const char *text)
{
    if (streq(text, "help") || streq(text, "list")) {
        print_signals(streq(text, "list"));
        return -ECANCELED;
    }
    if (signal_from_name(text) <= 0) {
        fprintf(stderr, "Failed to parse signal string \"%s\".\n", text);
        return -EINVAL;
    }
    c->signal = text;
    return 0;
}

static int not_supported(int option, int index)
{
    const char *what = option == 'H'   ? "-H/--host: reeve works on this machine only"
                       : option == 'C' ? "-C/--capsule: reeve has no capsules"
                                       : NULL;

    if (what)
        fprintf(stderr, "Not supported: %s.\n", what);
    else
        fprintf(stderr, "Not supported: --%s.\n", options[index].name);
    return -EOPNOTSUPP;
}

/* Returns 0; -ECANCELED where something was printed and that is all; another negative errno after
 * an error message. */
static int take_option(struct systemctl *c, int option, int index)
{
    switch (option) {
    case 'h':
        return -ECANCELED;
    case OPT_VERSION:
        print_version(c->program);
        return -ECANCELED;
    case 't':
        return add_types(c, optarg);
    case OPT_STATE:
        return add_states(c, optarg);
    case OPT_FAILED:
        return strv_add(&c->states, "failed");
    case 'P':
        c->value = true;
        return add_words(&c->properties, optarg);
    case 'p':
        return add_words(&c->properties, optarg);
    case 'a':
        c->all = true;
        return 0;
    case OPT_REVERSE:
        c->direction = DIRECTION_REVERSE;
        return 0;
    case OPT_AFTER:
        c->direction = DIRECTION_AFTER;
        c->after = true;
        return 0;
    case OPT_BEFORE:
        c->direction = DIRECTION_BEFORE;
        c->before = true;
        return 0;
    case OPT_SHOW_TYPES:
        c->show_types = true;
        return 0;
    case 'l':
        c->full = true;
        return 0;
    case OPT_JOB_MODE:
        c->job_mode = optarg;
        return 0;
    case OPT_FAIL:
        c->job_mode = "fail";
        c->fail = true;
        return 0;
    case OPT_IRREVERSIBLE:
        c->job_mode = "replace-irreversibly";
        return 0;
    case OPT_IGNORE_DEPENDENCIES:
        c->job_mode = "ignore-dependencies";
        return 0;
    case OPT_VALUE:
        c->value = true;
        return 0;
    case OPT_USER:
        c->scope = SCOPE_USER;
        return 0;
    case OPT_SYSTEM:
        c->scope = SCOPE_SYSTEM;
        return 0;
    case OPT_GLOBAL:
        c->scope = SCOPE_GLOBAL;
        return 0;
    case OPT_WAIT:
        c->wait = true;
        return 0;
    case OPT_NO_BLOCK:
        c->no_block = true;
        return 0;
    case OPT_NO_LEGEND:
        c->no_legend = true;
        return 0;
    case OPT_LEGEND: {
        bool shown;
        int r = take_boolean("--legend=", optarg, &shown);

        if (r >= 0)
            c->no_legend = !shown;
        return r;
    }
    case OPT_NO_PAGER:
        c->no_pager = true;
        return 0;
    case OPT_DRY_RUN:
        c->dry_run = true;
        return 0;
    case 'q':
        c->quiet = true;
        return 0;
    case OPT_NO_WARN:
        c->no_warn = true;
        return 0;
    case OPT_ROOT:
        c->root = streq(optarg, "/") ? NULL : optarg;
        c->offline = true;
        return 0;
    case 'f':
        c->force++;
        return 0;
    case OPT_NO_RELOAD:
        c->no_reload = true;
        return 0;
    case OPT_KILL_WHOM:
        c->kill_whom = optarg;
        return 0;
    case OPT_KILL_VALUE:
        if (parse_int(optarg, &c->kill_value) < 0) {
            fprintf(stderr, "Unable to parse signal queue value: %s\n", optarg);
            return -EINVAL;
        }
        c->kill_value_set = true;
        return 0;
    case 's':
        return take_signal(c, optarg);
    case OPT_RUNTIME:
        c->runtime = true;
        return 0;
    case 'n':
        return take_lines(c, optarg);
    case 'o':
        return set_output(c, optarg);
    case OPT_PLAIN:
        c->plain = true;
        return 0;
    case 'r':
        c->recursive = true;
        return 0;
    case OPT_WITH_DEPENDENCIES:
        c->with_dependencies = true;
        return 0;
    case OPT_PRESET_MODE:
        if (!streq(optarg, "full") && !streq(optarg, "enable-only") &&
            !streq(optarg, "disable-only")) {
            fprintf(stderr, "Failed to parse preset mode: %s.\n", optarg);
            return -EINVAL;
        }
        c->preset_mode = optarg;
        return 0;
    case OPT_NOW:
        c->now = true;
        return 0;
    case OPT_MESSAGE:
        c->message = optarg;
        return 0;
    case 'T':
        c->show_transaction = true;
        return 0;
    case OPT_TIMESTAMP:
        if (timestamp_style_from_name(optarg, &c->timestamp) < 0) {
            fprintf(stderr, "Invalid value: %s.\n", optarg);
            return -EINVAL;
        }
        return 0;
    case OPT_WHAT:
        if (streq(optarg, "help")) {
            printf("runtime\nstate\ncache\nlogs\nconfiguration\nfdstore\nall\n");
            return -ECANCELED;
        }
        return add_words(&c->what, optarg);
    case OPT_MARKED:
        c->marked = true;
        return 0;
    case OPT_DROP_IN:
        c->drop_in = optarg;
        return 0;
    case OPT_WHEN:
        c->when = optarg;
        return 0;
    case OPT_MKDIR:
        c->mkdir = true;
        return 0;
    case OPT_READ_ONLY:
        c->read_only = true;
        return 0;
    case OPT_STDIN:
        c->stdin_content = true;
        return 0;
    case OPT_CHECK_INHIBITORS:
        c->check_inhibitors = optarg;
        return 0;
    case 'i':
    case OPT_IGNORED:
    case OPT_IGNORED_ARGUMENT:
        return 0;
    case 'M':
        return systemctl_set_machine(c, optarg);
    case 'H':
    case 'C':
    case OPT_UNSUPPORTED:
        return not_supported(option, index);
    default: /* verb_getopt() has said what is wrong */
        return -EINVAL;
    }
}

static int print_systemctl_help(const struct systemctl *c, const char *name)
{
    const struct verb *v = name ? verb_find(name) : NULL;

    if (v && v->control) {
        printf("%s [OPTION...] %s %s\n\n%s.\n\n%s", c->program, name, v->synopsis, v->help,
               options_help);
        return 0;
    }
    printf("%s [OPTIONS...] COMMAND ...\n\nQuery or send control commands to the service "
           "manager.\n",
           c->program);
    for (enum verb_group g = 0; g < VERB_GROUP_MAX; g++) {
        bool any = false;

        for (v = verbs; v->name; v++)
            if (v->group == g && v->control && v->help) {
                if (!any)
                    printf("\n%s:\n", verb_group_title(g));
                any = true;
                printf("  %-24s %s\n", v->name, v->help);
            }
    }
    printf("\n%s", options_help);
    return 0;
}

int systemctl_parse_options(struct systemctl *c, int argc, char **argv)
{
    bool help = false;
    int option, index = 0;

    optind = 0;
    while ((option = verb_getopt(argc, argv, "ht:p:P:alqfs:H:M:C:n:o:iTr", options, &index)) >= 0) {
        int r;

        if (option == 'h') {
            help = true;
            continue;
        }
        r = take_option(c, option, index);
        if (r == -ECANCELED)
            return EXIT_SUCCESS;
        if (r < 0)
            return systemctl_usage_exit(c);
    }
    if (help)
        return print_systemctl_help(c, argv[optind]);
    c->no_legend |= c->quiet;
    if (c->wait && c->no_block) {
        fprintf(stderr, "--wait may not be combined with --no-block.\n");
        return systemctl_usage_exit(c);
    }
    return -1;
}
