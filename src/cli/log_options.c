#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/parse.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/log.h"
#include "cli/term.h"
#include "cli/usage.h"
#include "cli/verbs.h"

enum {
    OPT_VERSION = 0x100,
    OPT_NO_PAGER,
    OPT_NO_FULL,
    OPT_FULL,
    OPT_NO_TAIL,
    OPT_SYSTEM,
    OPT_USER,
    OPT_ROOT,
    OPT_HEADER,
    OPT_FACILITY,
    OPT_SHOW_CURSOR,
    OPT_CURSOR_FILE,
    OPT_AFTER_CURSOR,
    OPT_USER_UNIT,
    OPT_UTC,
    OPT_NO_HOSTNAME,
    OPT_OUTPUT_FIELDS,
    OPT_CASE_SENSITIVE,
    OPT_TRUNCATE_NEWLINE,
    OPT_INVOCATION,
    OPT_LIST_INVOCATIONS,
    OPT_FAILURE,
    OPT_CONTEXT,
    OPT_TOP,
    OPT_LIST_BOOTS,
    OPT_DISK_USAGE,
    OPT_VACUUM_SIZE,
    OPT_VACUUM_FILES,
    OPT_VACUUM_TIME,
    OPT_VERIFY,
    OPT_SYNC,
    OPT_FLUSH,
    OPT_ROTATE,
    OPT_RELINQUISH,
    OPT_SMART_RELINQUISH,
    OPT_REFUSED,
    OPT_LIST_NAMESPACES,
    OPT_NAMESPACE,
};

static const char short_options[] = "hefo:aqmrkM:D:p:g:c:S:U:t:T:u:NF:xi:n::b::I";

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { "no-pager", no_argument, NULL, OPT_NO_PAGER },
    { "pager-end", no_argument, NULL, 'e' },
    { "follow", no_argument, NULL, 'f' },
    { "force", no_argument, NULL, OPT_REFUSED },
    { "output", required_argument, NULL, 'o' },
    { "all", no_argument, NULL, 'a' },
    { "full", no_argument, NULL, OPT_FULL },
    { "no-full", no_argument, NULL, OPT_NO_FULL },
    { "lines", optional_argument, NULL, 'n' },
    { "truncate-newline", no_argument, NULL, OPT_TRUNCATE_NEWLINE },
    { "no-tail", no_argument, NULL, OPT_NO_TAIL },
    { "quiet", no_argument, NULL, 'q' },
    { "merge", no_argument, NULL, 'm' },
    { "boot", optional_argument, NULL, 'b' },
    { "list-boots", no_argument, NULL, OPT_LIST_BOOTS },
    { "this-boot", no_argument, NULL, 'b' },
    { "dmesg", no_argument, NULL, 'k' },
    { "system", no_argument, NULL, OPT_SYSTEM },
    { "user", no_argument, NULL, OPT_USER },
    { "directory", required_argument, NULL, 'D' },
    { "file", required_argument, NULL, 'i' },
    { "root", required_argument, NULL, OPT_ROOT },
    { "image", required_argument, NULL, OPT_REFUSED },
    { "image-policy", required_argument, NULL, OPT_REFUSED },
    { "namespace", required_argument, NULL, OPT_NAMESPACE },
    { "list-namespaces", no_argument, NULL, OPT_LIST_NAMESPACES },
    { "header", no_argument, NULL, OPT_HEADER },
    { "identifier", required_argument, NULL, 't' },
    { "exclude-identifier", required_argument, NULL, 'T' },
    { "priority", required_argument, NULL, 'p' },
    { "facility", required_argument, NULL, OPT_FACILITY },
    { "grep", required_argument, NULL, 'g' },
    { "case-sensitive", optional_argument, NULL, OPT_CASE_SENSITIVE },
    { "setup-keys", no_argument, NULL, OPT_REFUSED },
    { "interval", required_argument, NULL, OPT_REFUSED },
    { "verify", no_argument, NULL, OPT_VERIFY },
    { "verify-key", required_argument, NULL, OPT_REFUSED },
    { "disk-usage", no_argument, NULL, OPT_DISK_USAGE },
    { "cursor", required_argument, NULL, 'c' },
    { "cursor-file", required_argument, NULL, OPT_CURSOR_FILE },
    { "after-cursor", required_argument, NULL, OPT_AFTER_CURSOR },
    { "show-cursor", no_argument, NULL, OPT_SHOW_CURSOR },
    { "since", required_argument, NULL, 'S' },
    { "until", required_argument, NULL, 'U' },
    { "unit", required_argument, NULL, 'u' },
    { "user-unit", required_argument, NULL, OPT_USER_UNIT },
    { "invocation", required_argument, NULL, OPT_INVOCATION },
    { "list-invocations", no_argument, NULL, OPT_LIST_INVOCATIONS },
    { "failure", required_argument, NULL, OPT_FAILURE },
    { "context", optional_argument, NULL, OPT_CONTEXT },
    { "top", no_argument, NULL, OPT_TOP },
    { "field", required_argument, NULL, 'F' },
    { "fields", no_argument, NULL, 'N' },
    { "catalog", no_argument, NULL, 'x' },
    { "list-catalog", no_argument, NULL, OPT_REFUSED },
    { "dump-catalog", no_argument, NULL, OPT_REFUSED },
    { "update-catalog", no_argument, NULL, OPT_REFUSED },
    { "reverse", no_argument, NULL, 'r' },
    { "machine", required_argument, NULL, 'M' },
    { "utc", no_argument, NULL, OPT_UTC },
    { "flush", no_argument, NULL, OPT_FLUSH },
    { "relinquish-var", no_argument, NULL, OPT_RELINQUISH },
    { "smart-relinquish-var", no_argument, NULL, OPT_SMART_RELINQUISH },
    { "sync", no_argument, NULL, OPT_SYNC },
    { "rotate", no_argument, NULL, OPT_ROTATE },
    { "vacuum-size", required_argument, NULL, OPT_VACUUM_SIZE },
    { "vacuum-files", required_argument, NULL, OPT_VACUUM_FILES },
    { "vacuum-time", required_argument, NULL, OPT_VACUUM_TIME },
    { "no-hostname", no_argument, NULL, OPT_NO_HOSTNAME },
    { "output-fields", required_argument, NULL, OPT_OUTPUT_FIELDS },
    { 0 },
};

static const char help[] =
    "Where:\n"
    "     --system, --user         only the system's journal, only the user's\n"
    "  -m --merge                  all machines' entries\n"
    "  -D --directory=DIR  -i --file=GLOB  --root=DIR  --namespace=NAME|+NAME|*\n"
    "What:\n"
    "  -S --since=TIME  -U --until=TIME     times as in systemd.time(7), also \"yesterday 09:00\"\n"
    "  -c --cursor=C  --after-cursor=C  --cursor-file=FILE\n"
    "  -b --boot[=ID|OFFSET]       one boot, the current one by default (--this-boot)\n"
    "  -u --unit=UNIT  --user-unit=UNIT     names or patterns\n"
    "  -I, --invocation=ID|OFFSET  one run of the unit: 0 the latest, -1 the one before\n"
    "     --failure=first|last     the first or last run of the unit that failed\n"
    "     --context[=N]            with what all others said meanwhile, and N entries before and "
    "after\n"
    "  -t --identifier=NAME  -T --exclude-identifier=NAME\n"
    "  -p --priority=LEVEL|FROM..TO  --facility=NAME,...  -k --dmesg\n"
    "  -g --grep=PATTERN  --case-sensitive[=BOOL]\n"
    "     FIELD=VALUE  FIELD!=VALUE  /path/to/program  +\n"
    "How:\n"
    "  -o --output=short|short-full|short-iso|short-iso-precise|short-precise|short-monotonic|\n"
    "              short-delta|short-unix|with-unit|verbose|export|json|json-pretty|json-sse|\n"
    "              json-seq|cat|logfmt\n"
    "     --output-fields=NAME,...  -n --lines[=[+]N]  -r --reverse  -f --follow  --no-tail\n"
    "  -a --all  -l --full  --no-full  --truncate-newline  --no-hostname  --utc  --show-cursor  -q "
    "--quiet\n"
    "     --no-pager  -e --pager-end\n"
    "Other:\n"
    "  -N --fields  -F --field=NAME  --list-boots  --list-invocations  --list-namespaces\n"
    "     --top  --disk-usage  --header  --verify  --vacuum-size=BYTES  --vacuum-files=N\n"
    "     --vacuum-time=SPAN  --sync  --flush  --rotate  --relinquish-var  "
    "--smart-relinquish-var\n"
    "Without effect, or refused, saying why: catalogs, sealing keys, images, containers are not "
    "here:\n"
    "  -x --catalog  --list-catalog  --dump-catalog  --update-catalog  --setup-keys  --interval=\n"
    "     --force  --verify-key=  --image=  --image-policy=  -M --machine=\n";

/* For messages. */
static const char *verb_name(const struct log_options *o)
{
    return streq(o->program, "journalctl") ? "journalctl" : "log";
}

static int wrong(const struct log_options *o, const char *option, const char *value,
                 const char *right)
{
    return usage_error(verb_name(o), "--%s=%s is not %s", option, value, right);
}

static const char *const level_names[] = { "emerg",   "alert",  "crit", "err",
                                           "warning", "notice", "info", "debug" };

static int parse_level(const char *text)
{
    unsigned number;

    for (int i = 0; i < 8; i++) {
        if (streq(level_names[i], text))
            return i;
    }
    if (streq(text, "error"))
        return LOG_ERR;
    if (streq(text, "warn"))
        return LOG_WARNING;
    if (streq(text, "panic"))
        return LOG_EMERG;
    return parse_unsigned(text, &number) >= 0 && number < 8 ? (int) number : -EINVAL;
}

static int parse_priorities(const char *text, unsigned *ret)
{
    const char *dots = strstr(text, "..");
    int from = 0, to;

    if (dots) {
        char low[16] = "";

        if ((size_t) (dots - text) < sizeof low)
            memcpy(low, text, (size_t) (dots - text));
        from = parse_level(low);
        to = parse_level(dots + 2);
        if (from > to && to >= 0) {
            int t = from;

            from = to;
            to = t;
        }
    } else {
        to = parse_level(text);
    }
    if (from < 0 || to < 0)
        return -EINVAL;
    *ret = 0;
    for (int i = from; i <= to; i++)
        *ret |= 1u << i;
    return 0;
}

static const char *const facility_names[24] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "12",     "13",     "14",     "15",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

static int parse_facilities(const char *text, uint32_t *mask)
{
    auto_strv char **names = strv_split(text, ",");

    STRV_FOREACH (name, names) {
        unsigned number = UINT32_MAX;

        for (unsigned i = 0; i < 24; i++) {
            if (streq(facility_names[i], *name))
                number = i;
        }
        if (number == UINT32_MAX && (parse_unsigned(*name, &number) < 0 || number > 127))
            return -EINVAL;
        if (number < 32)
            *mask |= UINT32_C(1) << number;
    }
    return 0;
}

static int parse_lines(struct log_options *o, const char *text)
{
    unsigned n;

    if (streq(text, "all")) {
        o->lines = -1;
        return 0;
    }
    o->lines_oldest = *text == '+';
    if (parse_unsigned(o->lines_oldest ? text + 1 : text, &n) < 0 || n > INT32_MAX)
        return -EINVAL;
    o->lines = (long) n;
    return 0;
}

/* "-n 5", "-b -1": the argument of these may stand apart, if it looks like one. */
static bool next_is_count(int argc, char **argv)
{
    uint64_t n;

    if (optind >= argc)
        return false;
    const char *next = argv[optind];
    return streq(next, "all") || parse_u64(*next == '+' ? next + 1 : next, &n) >= 0;
}

static bool next_is_boot(int argc, char **argv)
{
    struct id128 id;
    char text[ID128_TEXT_MAX];

    if (optind >= argc)
        return false;
    const char *next = argv[optind];
    if (streq(next, "all"))
        return true;
    if ((*next == '-' || *next == '+') && next[1] >= '0' && next[1] <= '9')
        return true;
    if (*next && strspn(next, "0123456789") == strlen(next) && strlen(next) < 32)
        return true;
    if (strlen(next) < 32)
        return false;
    memcpy(text, next, 32);
    text[32] = 0;
    return id128_parse(text, &id) >= 0;
}

static int parse_times(struct log_options *o)
{
    static const char right[] =
        "a time; take \"2026-11-22 09:00\", \"yesterday 9am\", \"last monday\", "
        "\"2 hours ago\", \"@SECONDS\" ... (systemd.time(7))";

    if (o->since_text && timestamp_parse_spoken(o->since_text, &o->since) < 0)
        return wrong(o, "since", o->since_text, right);
    if (o->until_text && timestamp_parse_spoken(o->until_text, &o->until) < 0)
        return wrong(o, "until", o->until_text, right);
    if (o->since_text && o->until_text && o->since > o->until) {
        fprintf(stderr, "%s: --since= must be before --until=\n", o->program);
        return 1;
    }
    return -1;
}

/* What goes together, and what else an option means. */
static int finish_options(struct log_options *o)
{
    if ((o->cursor != NULL) + (o->after_cursor != NULL) + (o->cursor_file != NULL) > 1) {
        fprintf(stderr,
                "%s: only one of --cursor=, --after-cursor= and --cursor-file= can be used\n",
                o->program);
        return 1;
    }
    if (o->context >= 0 && (!o->failure || o->follow || o->reverse || o->lines >= 0)) {
        fprintf(stderr, "%s: --context= goes with --failure=, and with none of -f, -r and -n\n",
                o->program);
        return 1;
    }
    if (o->follow && o->reverse) {
        fprintf(stderr, "%s: --reverse and --follow cannot go together\n", o->program);
        return 1;
    }
    if (o->lines_oldest && o->lines >= 0 && (o->reverse || o->follow)) {
        fprintf(stderr, "%s: --lines=+N goes neither with --reverse nor with --follow\n",
                o->program);
        return 1;
    }
    /* journalctl(1), --grep: with --lines=, --reverse is implied. */
    if (o->grep && o->lines >= 0 && !o->lines_oldest && !o->follow)
        o->reverse = true;
    if (o->kernel && !o->boot)
        o->boot = "";
    if (o->boot && streq(o->boot, "all"))
        o->boot = NULL;
    if (o->case_sensitive < 0 && o->grep) {
        o->case_sensitive = 0;
        for (const char *p = o->grep; *p; p++) {
            if (*p == '\\' && p[1])
                p++; /* \W and the like are no upper case */
            else if (*p >= 'A' && *p <= 'Z')
                o->case_sensitive = 1;
        }
    }
    switch ((int) o->output.mode) {
    case ENTRY_EXPORT:
    case ENTRY_JSON:
    case ENTRY_JSON_PRETTY:
    case ENTRY_JSON_SSE:
    case ENTRY_JSON_SEQ:
    case ENTRY_CAT:
    case ENTRY_LOGFMT:
        o->quiet = true;
        break;
    default:
        break;
    }
    if (o->catalog && !o->quiet)
        fprintf(stderr,
                "%s: --catalog: no explanations are added; 'reeve why UNIT' has the cause\n",
                o->program);
    return parse_times(o);
}

static int add(char ***list, const char *value)
{
    return strv_add(list, value) < 0 ? 1 : -1;
}

static int parse_one(struct log_options *o, int k, int argc, char **argv)
{
    static char **fields;

    switch (k) {
    case 'h':
        return verb_print_help(verb_name(o), help);
    case OPT_VERSION:
        return print_version(o->program);
    case 'e':
        o->pager_end = true;
        if (o->lines == -2)
            o->lines = 1000;
        return -1;
    case 'f':
        o->follow = true;
        return -1;
    case 'o':
        if (streq(optarg, "help")) {
            for (int i = 0; i < ENTRY_MODE_MAX; i++)
                puts(entry_mode_name((enum entry_mode) i));
            return 0;
        }
        if (entry_mode_from_name(optarg, &o->output.mode) < 0)
            return wrong(o, "output", optarg, "a format (see --output=help)");
        return -1;
    case 'a':
        o->output.all = true;
        return -1;
    case OPT_FULL:
        o->output.full = true;
        return -1;
    case OPT_NO_FULL:
        o->output.full = false;
        return -1;
    case 'n':
        if (!optarg && next_is_count(argc, argv))
            optarg = argv[optind++];
        if (!optarg)
            o->lines = 10;
        else if (parse_lines(o, optarg) < 0)
            return wrong(o, "lines", optarg, "a number of lines");
        return -1;
    case OPT_TRUNCATE_NEWLINE:
        o->output.truncate_newline = true;
        return -1;
    case OPT_NO_TAIL:
        o->no_tail = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case 'm':
        o->merge = true;
        return -1;
    case 'b':
        if (!optarg && next_is_boot(argc, argv))
            optarg = argv[optind++];
        o->boot = optarg ? optarg : "";
        return -1;
    case OPT_LIST_BOOTS:
        o->action = ACTION_LIST_BOOTS;
        return -1;
    case 'k':
        o->kernel = true;
        return -1;
    case OPT_SYSTEM:
        o->system_only = true;
        return -1;
    case OPT_USER:
        o->user_only = true;
        return -1;
    case 'D':
        o->directory = optarg;
        return -1;
    case 'i':
        return add(&o->files, optarg);
    case OPT_ROOT:
        o->root = optarg;
        return -1;
    case 'M':
        o->machine = optarg;
        return -1;
    case OPT_HEADER:
        o->action = ACTION_HEADER;
        return -1;
    case 't':
        return add(&o->identifiers, optarg);
    case 'T':
        return add(&o->not_identifiers, optarg);
    case 'p':
        if (parse_priorities(optarg, &o->priorities) < 0)
            return wrong(o, "priority", optarg, "a log level or a range of them");
        return -1;
    case OPT_FACILITY:
        if (streq(optarg, "help")) {
            puts("Available facilities:");
            for (int i = 0; i < 24; i++)
                puts(facility_names[i]);
            return 0;
        }
        if (parse_facilities(optarg, &o->facilities) < 0)
            return wrong(o, "facility", optarg, "a list of facilities (see --facility=help)");
        return -1;
    case 'g':
        o->grep = optarg;
        return -1;
    case OPT_CASE_SENSITIVE:
        o->case_sensitive = optarg ? parse_boolean(optarg) : 1;
        if (o->case_sensitive < 0)
            return wrong(o, "case-sensitive", optarg, "yes or no");
        return -1;
    case OPT_VERIFY:
        o->action = ACTION_VERIFY;
        return -1;
    case OPT_DISK_USAGE:
        o->action = ACTION_DISK_USAGE;
        return -1;
    case 'c':
        o->cursor = optarg;
        return -1;
    case OPT_AFTER_CURSOR:
        o->after_cursor = optarg;
        return -1;
    case OPT_CURSOR_FILE:
        o->cursor_file = optarg;
        return -1;
    case OPT_SHOW_CURSOR:
        o->show_cursor = true;
        return -1;
    case 'S':
        o->since_text = optarg;
        return -1;
    case 'U':
        o->until_text = optarg;
        return -1;
    case 'u':
        return add(&o->units, optarg);
    case OPT_USER_UNIT:
        return add(&o->user_units, optarg);
    case 'I':
        o->invocation = "0";
        return -1;
    case OPT_INVOCATION:
        o->invocation = optarg;
        return -1;
    case OPT_LIST_INVOCATIONS:
        o->action = ACTION_LIST_INVOCATIONS;
        return -1;
    case OPT_FAILURE:
        if (!streq(optarg, "first") && !streq(optarg, "last"))
            return wrong(o, "failure", optarg, "first or last");
        o->failure = optarg;
        return -1;
    case OPT_CONTEXT: {
        unsigned n = 10;

        if (optarg && (parse_unsigned(optarg, &n) < 0 || n > INT32_MAX))
            return wrong(o, "context", optarg, "a number of lines");
        o->context = (long) n;
        return -1;
    }
    case OPT_TOP:
        o->action = ACTION_TOP;
        return -1;
    case 'F':
        o->action = ACTION_FIELD;
        o->field = optarg;
        return -1;
    case 'N':
        o->action = ACTION_FIELDS;
        return -1;
    case 'x':
        o->catalog = true;
        return -1;
    case 'r':
        o->reverse = true;
        return -1;
    case OPT_UTC:
        o->output.utc = true;
        return -1;
    case OPT_FLUSH:
        o->action = ACTION_FLUSH;
        return -1;
    case OPT_RELINQUISH:
        o->action = ACTION_RELINQUISH;
        return -1;
    case OPT_SMART_RELINQUISH:
        o->action = ACTION_SMART_RELINQUISH;
        return -1;
    case OPT_SYNC:
        o->action = ACTION_SYNC;
        return -1;
    case OPT_ROTATE:
        o->rotate = true;
        if (o->action != ACTION_VACUUM)
            o->action = ACTION_ROTATE;
        return -1;
    case OPT_VACUUM_SIZE:
        if (parse_size(optarg, 1024, &o->vacuum_size) < 0)
            return wrong(o, "vacuum-size", optarg, "a size");
        o->action = ACTION_VACUUM;
        return -1;
    case OPT_VACUUM_FILES:
        if (parse_u64(optarg, &o->vacuum_files) < 0)
            return wrong(o, "vacuum-files", optarg, "a number");
        o->action = ACTION_VACUUM;
        return -1;
    case OPT_VACUUM_TIME:
        if (timespan_parse(optarg, &o->vacuum_time) < 0)
            return wrong(o, "vacuum-time", optarg, "a span of time");
        o->action = ACTION_VACUUM;
        return -1;
    case OPT_NO_HOSTNAME:
        o->output.no_hostname = true;
        return -1;
    case OPT_NO_PAGER:
        o->no_pager = true;
        return -1;
    case OPT_OUTPUT_FIELDS: {
        auto_strv char **more = strv_split(optarg, ",");

        if (!more || strv_extend(&fields, more, true) < 0)
            return 1;
        o->output.fields = fields;
        return -1;
    }
    case OPT_NAMESPACE:
        o->namespaces = optarg;
        return -1;
    case OPT_LIST_NAMESPACES:
        o->action = ACTION_LIST_NAMESPACES;
        return -1;
    case OPT_REFUSED:
        fprintf(stderr,
                "%s: %s is not supported: catalogs, sealing keys and images are systemd's own\n",
                o->program, argv[optind - 1]);
        return 1;
    default:
        return usage_status(verb_name(o));
    }
}

int log_parse_options(struct log_options *o, int argc, char **argv)
{
    *o = (struct log_options){
        .program = streq(argv[0], "journalctl") ? "journalctl" : "reeve log",
        .output = { .mode = ENTRY_SHORT, .full = true },
        .lines = -2, /* not said */
        LOG_OPTIONS_NONE,
    };
    optind = 0;
    for (int k; (k = verb_getopt(argc, argv, short_options, long_options, NULL)) >= 0;) {
        int r = parse_one(o, k, argc, argv);

        if (r >= 0)
            return r;
    }
    for (int i = optind; i < argc; i++) {
        if (add(&o->matches, argv[i]) >= 0)
            return 1;
    }
    if (o->no_tail)
        o->lines = -1;
    else if (o->lines == -2)
        o->lines = o->follow && !o->no_tail && !o->since_text ? 10 : -1;
    return finish_options(o);
}
