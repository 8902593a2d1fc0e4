/* The options of systemd-run(1). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/run.h"
#include "cli/usage.h"
#include "cli/verbs.h"

enum {
    OPT_USER = 0x100,
    OPT_SYSTEM,
    OPT_DESCRIPTION,
    OPT_SLICE,
    OPT_SLICE_INHERIT,
    OPT_EXPAND,
    OPT_NO_BLOCK,
    OPT_WAIT,
    OPT_SEND_SIGHUP,
    OPT_SERVICE_TYPE,
    OPT_UID,
    OPT_GID,
    OPT_NICE,
    OPT_WORKING_DIRECTORY,
    OPT_JSON,
    OPT_IGNORE_FAILURE,
    OPT_LIKE,
    OPT_VERSION,
    OPT_IGNORED,
    OPT_SCOPE,
    OPT_TIMER,
    OPT_TIMER_PROPERTY,
    OPT_PATH_PROPERTY,
    OPT_SOCKET_PROPERTY,
};

static const struct option options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { "no-ask-password", no_argument, NULL, OPT_IGNORED },
    { "user", no_argument, NULL, OPT_USER },
    { "system", no_argument, NULL, OPT_SYSTEM },
    { "host", required_argument, NULL, 'H' },
    { "machine", required_argument, NULL, 'M' },
    { "capsule", required_argument, NULL, 'C' },
    { "scope", no_argument, NULL, OPT_SCOPE },
    { "unit", required_argument, NULL, 'u' },
    { "property", required_argument, NULL, 'p' },
    { "description", required_argument, NULL, OPT_DESCRIPTION },
    { "slice", required_argument, NULL, OPT_SLICE },
    { "slice-inherit", no_argument, NULL, OPT_SLICE_INHERIT },
    { "expand-environment", required_argument, NULL, OPT_EXPAND },
    { "no-block", no_argument, NULL, OPT_NO_BLOCK },
    { "remain-after-exit", no_argument, NULL, 'r' },
    { "wait", no_argument, NULL, OPT_WAIT },
    { "send-sighup", no_argument, NULL, OPT_SEND_SIGHUP },
    { "service-type", required_argument, NULL, OPT_SERVICE_TYPE },
    { "uid", required_argument, NULL, OPT_UID },
    { "gid", required_argument, NULL, OPT_GID },
    { "nice", required_argument, NULL, OPT_NICE },
    { "working-directory", required_argument, NULL, OPT_WORKING_DIRECTORY },
    { "same-dir", no_argument, NULL, 'd' },
    { "setenv", required_argument, NULL, 'E' },
    { "pty", no_argument, NULL, 't' },
    { "tty", no_argument, NULL, 't' },
    { "pipe", no_argument, NULL, 'P' },
    { "quiet", no_argument, NULL, 'q' },
    { "json", required_argument, NULL, OPT_JSON },
    { "collect", no_argument, NULL, 'G' },
    { "shell", no_argument, NULL, 'S' },
    { "ignore-failure", no_argument, NULL, OPT_IGNORE_FAILURE },
    { "background", required_argument, NULL, OPT_IGNORED },
    { "like", required_argument, NULL, OPT_LIKE },
    { "path-property", required_argument, NULL, OPT_PATH_PROPERTY },
    { "socket-property", required_argument, NULL, OPT_SOCKET_PROPERTY },
    { "timer-property", required_argument, NULL, OPT_TIMER_PROPERTY },
    { "on-active", required_argument, NULL, OPT_TIMER },
    { "on-boot", required_argument, NULL, OPT_TIMER },
    { "on-startup", required_argument, NULL, OPT_TIMER },
    { "on-unit-active", required_argument, NULL, OPT_TIMER },
    { "on-unit-inactive", required_argument, NULL, OPT_TIMER },
    { "on-calendar", required_argument, NULL, OPT_TIMER },
    { "on-timezone-change", no_argument, NULL, OPT_TIMER },
    { "on-clock-change", no_argument, NULL, OPT_TIMER },
    { 0 },
};

static const char help[] =
    "  -u --unit=UNIT               Name of the unit\n"
    "  -p --property=NAME=VALUE     A setting, as unit files have them\n"
    "     --like=UNIT               In the whole context of that unit: user, folders, sandbox,\n"
    "                               environment, limits; without COMMAND a shell\n"
    "     --description=TEXT --slice=SLICE --slice-inherit --service-type=TYPE\n"
    "     --uid=USER --gid=GROUP --nice=NICE\n"
    "     --working-directory=PATH\n"
    "  -d --same-dir                In the folder of the caller\n"
    "  -E --setenv=NAME[=VALUE]     A variable; without VALUE as it is here\n"
    "     --expand-environment=BOOL Whether $VARIABLES in the arguments are replaced\n"
    "  -t --pty --tty               On a terminal of its own, joined to this one\n"
    "  -P --pipe                    With standard input, output and error of the caller\n"
    "  -S --shell                   The user's shell: -t -d --wait -G --service-type=exec\n"
    "     --wait                    Wait until it has ended; with its exit status\n"
    "     --no-block                Do not even wait until it has started\n"
    "  -r --remain-after-exit       Keep the unit active when its processes have ended\n"
    "  -G --collect                 Forget the unit when it has ended, also if it has failed\n"
    "     --send-sighup --ignore-failure\n"
    "     --user --system           Whose manager\n"
    "  -M --machine=USER@           With --user: that user's\n"
    "     --on-active=TIME --on-boot=TIME --on-startup=TIME --on-calendar=SPEC\n"
    "     --on-unit-active=TIME --on-unit-inactive=TIME --on-timezone-change --on-clock-change\n"
    "     --timer-property=NAME=VALUE\n"
    "                               Later, by a timer\n"
    "     --path-property=NAME=VALUE\n"
    "                               When something happens to a path (PathExists=, PathChanged= "
    "...)\n"
    "     --socket-property=NAME=VALUE\n"
    "                               When somebody connects to a socket (ListenStream= ...)\n"
    "  -q --quiet                   No words but those of the command\n"
    "     --json=pretty|short|off   Name and invocation as JSON\n"
    "Refused, saying why: --scope, -H --host=, -C --capsule=\n";

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "Not supported: %s%s.\n", what, why);
    return -EOPNOTSUPP;
}

/* "NAME" alone takes the value that it has here. */
static int add_variable(struct run_options *o, const char *text)
{
    size_t n = strcspn(text, "=");
    const char *value;

    if (n == 0 || (*text >= '0' && *text <= '9') ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n) {
        fprintf(stderr, "Cannot assign environment variable %s: Invalid argument\n", text);
        return -EINVAL;
    }
    if (text[n])
        return strv_add(&o->environment, text);
    value = getenv(text);
    return strv_addf(&o->environment, "%s=%s", text, strempty(value));
}

static int set_nice(struct run_options *o)
{
    int nice;

    if (parse_int(optarg, &nice) < 0 || nice < -20 || nice > 19) {
        fprintf(stderr, "Failed to parse nice value: %s\n", optarg);
        return -EINVAL;
    }
    free(o->nice);
    o->nice = format("%d", nice);
    return o->nice ? 0 : -ENOMEM;
}

char *run_absolute_path(const char *path)
{
    auto_free char *here = path_is_absolute(path) ? strdup("") : getcwd(NULL, 0);
    char *whole = here ? format("%s/%s", here, path) : NULL;

    return whole ? path_simplify(whole) : NULL;
}

static int set_directory(struct run_options *o, const char *path)
{
    free(o->directory);
    o->directory = run_absolute_path(path);
    if (!o->directory)
        fprintf(stderr, "Failed to get current working directory: %s\n", strerror(errno));
    return o->directory ? 0 : -errno;
}

/* Settings that make a timer elapse, and the options for them. */
static const struct {
    const char *option, *setting;
} timer_options[] = {
    { "on-active", "OnActiveSec" },
    { "on-boot", "OnBootSec" },
    { "on-startup", "OnStartupSec" },
    { "on-unit-active", "OnUnitActiveSec" },
    { "on-unit-inactive", "OnUnitInactiveSec" },
    { "on-calendar", "OnCalendar" },
    { "on-timezone-change", "OnTimezoneChange" },
    { "on-clock-change", "OnClockChange" },
};

static int add_trigger(struct run_options *o, const char *type, const char *assignment)
{
    if (o->trigger_type && !streq(o->trigger_type, type)) {
        fprintf(stderr, "Only single trigger (path, socket, timer) unit can be created.\n");
        return -EINVAL;
    }
    o->trigger_type = type;
    for (size_t i = 0; i < ELEMENTSOF(timer_options); i++) {
        const char *rest = startswith(assignment, timer_options[i].setting);

        o->timer_set |= rest && *rest == '=';
    }
    return strv_add(&o->trigger, assignment);
}

static int add_timer(struct run_options *o, const char *option)
{
    size_t i = 0;

    while (!streq(timer_options[i].option, option))
        i++;
    auto_free char *assignment = format("%s=%s", timer_options[i].setting, optarg ? optarg : "yes");
    return assignment ? add_trigger(o, "timer", assignment) : -ENOMEM;
}

static int take_option(struct run_options *o, int option, int index)
{
    int r;

    switch (option) {
    case OPT_USER:
        o->c.scope = SCOPE_USER;
        return 0;
    case OPT_SYSTEM:
        o->c.scope = SCOPE_SYSTEM;
        return 0;
    case OPT_DESCRIPTION:
        o->description = optarg;
        return 0;
    case OPT_SLICE:
        o->slice = optarg;
        return 0;
    case OPT_SLICE_INHERIT:
        o->slice_inherit = true;
        return 0;
    case OPT_EXPAND:
        r = parse_boolean(optarg);
        if (r < 0)
            fprintf(stderr, "Failed to parse boolean argument to --expand-environment=: %s.\n",
                    optarg);
        o->no_expand = r == 0;
        return r < 0 ? r : 0;
    case OPT_NO_BLOCK:
        o->c.no_block = true;
        return 0;
    case OPT_WAIT:
        o->c.wait = true;
        return 0;
    case OPT_SEND_SIGHUP:
        o->send_sighup = true;
        return 0;
    case OPT_SERVICE_TYPE:
        o->service_type = optarg;
        return 0;
    case OPT_UID:
        o->uid = optarg;
        return 0;
    case OPT_GID:
        o->gid = optarg;
        return 0;
    case OPT_NICE:
        return set_nice(o);
    case OPT_WORKING_DIRECTORY:
        return set_directory(o, optarg);
    case OPT_JSON:
        return systemctl_set_json(&o->c, optarg);
    case OPT_IGNORE_FAILURE:
        o->ignore_failure = true;
        return 0;
    case OPT_LIKE:
        o->like = optarg;
        return 0;
    case OPT_IGNORED:
        return 0;
    case OPT_SCOPE:
        return refuse("--scope",
                      ": scopes are not run yet; without it COMMAND is run as a service");
    case OPT_TIMER:
        return add_timer(o, options[index].name);
    case OPT_TIMER_PROPERTY:
        return add_trigger(o, "timer", optarg);
    case OPT_PATH_PROPERTY:
        return add_trigger(o, "path", optarg);
    case OPT_SOCKET_PROPERTY:
        return add_trigger(o, "socket", optarg);
    case 'M':
        return systemctl_set_machine(&o->c, optarg);
    case 'H':
    case 'C':
        return refuse("-H, -C", ": reeve runs things on this machine only");
    case 'u':
        o->unit = optarg;
        return 0;
    case 'p':
        return strv_add(&o->properties, optarg);
    case 'r':
        o->remain = true;
        return 0;
    case 'd':
        return set_directory(o, ".");
    case 'E':
        return add_variable(o, optarg);
    case 't':
        o->stdio |= RUN_STDIO_PTY;
        return 0;
    case 'P':
        o->stdio |= RUN_STDIO_PIPE;
        return 0;
    case 'q':
        o->c.quiet = true;
        return 0;
    case 'G':
        o->collect = true;
        return 0;
    case 'S':
        o->shell = true;
        return 0;
    default: /* verb_getopt() has said what is wrong */
        return -EINVAL;
    }
}

/* What cannot go together; *text is for people. */
static bool is_contradictory(const struct run_options *o, bool has_command, const char **text)
{
    *text = o->shell && has_command ? "If --shell is used, no command line is expected."
            : !has_command && !o->shell && !o->like && !(o->trigger_type && o->unit)
                ? "Command line to execute required."
            : o->trigger_type && o->stdio
                ? "--pty/--pipe is not compatible in timer or --scope mode."
            : o->trigger_type && (o->c.wait || o->shell)
                ? "--wait may not be combined with path, socket or timer operations."
            : o->trigger && streq(o->trigger_type, "timer") && !o->timer_set
                ? "--timer-property= has no effect without any other timer options."
            : o->stdio && o->c.no_block  ? "--pty/--pipe is not compatible with --no-block."
            : o->c.wait && o->c.no_block ? "--wait may not be combined with --no-block."
                                         : NULL;
    return *text != NULL;
}

static bool on_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

int run_parse_options(struct run_options *o, int argc, char **argv)
{
    const char *wrong;
    int option, index = 0, r = 0;

    optind = 0;
    while (r >= 0 &&
           (option = verb_getopt(argc, argv, "+hrtPqGSdE:p:u:H:M:C:", options, &index)) >= 0) {
        if (option == 'h')
            return verb_print_help(o->c.compat ? "systemd-run" : "run", help);
        if (option == OPT_VERSION)
            return print_version(argv[0]);
        r = take_option(o, option, index);
    }
    if (r < 0)
        return systemctl_usage_exit(&o->c);
    if (is_contradictory(o, optind < argc, &wrong)) {
        fprintf(stderr, "%s\n", wrong);
        return systemctl_usage_exit(&o->c);
    }
    o->command = optind < argc ? argv + optind : NULL;
    if (o->shell) {
        o->c.wait = o->collect = true;
        o->service_type = o->service_type ? o->service_type : "exec";
        if (!o->directory && set_directory(o, ".") < 0)
            return EXIT_FAILURE;
    }
    if (!o->command && !o->stdio && !o->trigger_type)
        o->stdio = on_terminal() ? RUN_STDIO_PTY : RUN_STDIO_PIPE;
    /* Both: whichever fits. */
    if (o->stdio == (RUN_STDIO_PTY | RUN_STDIO_PIPE))
        o->stdio = on_terminal() ? RUN_STDIO_PTY : RUN_STDIO_PIPE;
    return -1;
}
