/* reeve why -- the cause of a failure, its proof, its fix. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/term.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "diagnose/again.h"
#include "diagnose/fix.h"
#include "diagnose/report.h"
#include "diagnose/run.h"
#include "unit/name.h"

/* Exit statuses: 0 a report was made, 1 failed and the cause is unknown, 4 no such unit. */
enum { EXIT_UNKNOWN = 1, EXIT_NO_UNIT = 4 };

struct why {
    bool user, json, markdown, try_fix, apply, undo, yes;
    enum { AGAIN_AUTO, AGAIN_YES, AGAIN_NO } again;
    json_t *reports; /* of more than one unit, with -o json */
};

static const char options_help[] =
    "  --user, --system   units of your own manager; of the system's (the default)\n"
    "  -o, --output=json  the report as JSON\n"
    "  --report           the report as Markdown, for a ticket\n"
    "  --try-fix          try the fixes in a copy of this machine that is thrown away (as root)\n"
    "  --apply            the same, then apply the fix that works and restart the unit\n"
    "  --undo             take back what --apply did\n"
    "  -y, --yes          do not ask before\n"
    "  --again[=BOOL]     run the unit once more and watch its system calls (as root); without\n"
    "                     the option only where nothing else proves the cause\n"
    "  -h, --help\n\n"
    "Without a unit: every failed unit. Exit status: 0 a report was "
    "made, 1 failed and the cause is\n"
    "unknown, 2 usage, 4 no such unit.\n";

/* Long enough for most starts, short enough to wait for. */
#define AGAIN_LIMIT (8 * USEC_PER_SEC)

/* Whether the unit is to be run once more. */
static bool wants_again(const struct why *w, const struct facts *facts, const struct verdict *v)
{
    if (w->again != AGAIN_AUTO || facts->unanswered)
        return w->again == AGAIN_YES;
    return facts->source != FACTS_FILE && geteuid() == 0 && verdict_wants_trace(v, facts);
}

static int run_again(struct why *w, struct facts *facts, struct verdict *v)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "Running %s once more, watching its system calls ...\n", facts->unit);
    int r = facts_run_again(facts, &(struct rerun){ .user = w->user, .limit = AGAIN_LIMIT });
    if (r <= 0)
        return r;
    verdict_done(v);
    return verdict_reach(facts, v);
}

static void say(const char *line, void *userdata)
{
    (void) userdata;
    fprintf(stderr, "%s\n", line);
}

/* What could not be tried, and why, is part of the report. */
static int try_fixes(struct why *w, struct facts *facts, struct verdict *v)
{
    auto_free char *why = NULL;

    if (!verdict_cause(v))
        return 0;
    int r = fix_try(facts, &v->findings[0], w->user, say, NULL, &why);
    if (r == -EOPNOTSUPP)
        return strv_addf(&facts->blind, "trying the fixes: %s", strempty(why));
    return r < 0 ? r : 0;
}

static bool confirmed(const struct why *w, const char *question)
{
    char answer[8] = "";

    if (w->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "reeve why: not changed: this is no terminal to ask on; give --yes\n");
        return false;
    }
    fprintf(stderr, "%s [y/N] ", question);
    return fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
}

/* Applies the fix that was verified; the exit status. */
static int apply_fix(const struct why *w, const struct facts *facts, const struct verdict *v)
{
    json_t *fix = verdict_cause(v) ? fix_verified(verdict_cause(v)) : NULL;
    const char *command = json_string_value(json_object_get(fix, "command"));
    auto_free char *path = fix_dropin_path(facts, fix);

    (void) fflush(stdout); /* the report comes first */
    if (!fix) {
        fputs("Nothing is applied: no fix was seen to work.\n", stderr);
        return EXIT_FAILURE;
    }
    auto_free char *what = command ? format("Run: %s", command) : format("Write %s", path);
    auto_free char *question = format("%s\nand restart %s?", strempty(what), facts->unit);
    if (!question || !confirmed(w, question))
        return EXIT_FAILURE;
    int r = fix_apply(facts, fix);
    if (r < 0) {
        fprintf(stderr, "reeve why: the fix was not applied: %s\n",
                r == -EEXIST       ? "another one is; take it back first, by --undo"
                : r == -EOPNOTSUPP ? "what would take its command back is not known; run it by hand"
                                   : strerror(-r));
        return EXIT_FAILURE;
    }
    (void) facts_tell_manager(facts, w->user, "reset-failed");
    r = facts_tell_manager(facts, w->user, "restart");
    fprintf(stderr, "%s; %s. 'reeve why --undo %s' takes it back.\n",
            command ? "The command was run" : "The drop-in was written",
            r == 0 ? "the unit was restarted" : "but the unit could not be restarted", facts->unit);
    return r == 0 ? 0 : EXIT_FAILURE;
}

static int undo_fix(const struct why *w, const char *unit)
{
    _cleanup_(facts_done) struct facts facts = {};
    int r = facts_collect(unit, w->user, &facts);

    if (r == -ENOENT)
        r = 0;
    auto_free char *question = format("Take back the fix of %s?", unit);
    if (r >= 0 && (!question || !confirmed(w, question)))
        return EXIT_FAILURE;
    if (r >= 0)
        r = fix_undo(&facts);
    if (r < 0) {
        fprintf(stderr, "reeve why: %s: %s\n", unit,
                r == -ENOENT ? "no fix is applied to it" : strerror(-r));
        return EXIT_FAILURE;
    }
    fprintf(stderr, "The fix of %s is taken back; it counts from its next start on.\n", unit);
    return 0;
}

static int explain(struct why *w, const char *unit, bool many)
{
    _cleanup_(facts_done) struct facts facts = {};
    _cleanup_(verdict_done) struct verdict v = {};
    int known = facts_collect(unit, w->user, &facts);
    int r = known < 0 && known != -ENOENT ? known : verdict_reach(&facts, &v);

    if (r >= 0 && wants_again(w, &facts, &v))
        r = run_again(w, &facts, &v);
    if (r >= 0 && w->try_fix)
        r = try_fixes(w, &facts, &v);
    if (r < 0) {
        fprintf(stderr, "reeve why: %s: %s\n", unit, strerror(-r));
        return EXIT_UNKNOWN;
    }
    if (w->json) {
        json_t *report = report_json(&facts, &v);

        if (many && report)
            (void) json_array_append_new(w->reports, report);
        else if (report) {
            (void) json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(3));
            putchar('\n');
            json_decref(report);
        }
    } else {
        const struct report_style style = { .colour = term_has_color(),
                                            .markdown = w->markdown,
                                            .width = (unsigned) term_width() };

        report_print(stdout, &facts, &v, &style);
    }
    if (w->apply)
        return apply_fix(w, &facts, &v);
    if (known == -ENOENT)
        return EXIT_NO_UNIT;
    return v.failed && !verdict_cause(&v) ? EXIT_UNKNOWN : 0;
}

int verb_why(int argc, char **argv)
{
    static const struct option options[] = {
        { "user", no_argument, NULL, 'u' },
        { "system", no_argument, NULL, 's' },
        { "output", required_argument, NULL, 'o' },
        { "report", no_argument, NULL, 'r' },
        { "again", optional_argument, NULL, 'a' },
        { "try-fix", no_argument, NULL, 't' },
        { "apply", no_argument, NULL, 'A' },
        { "undo", no_argument, NULL, 'U' },
        { "yes", no_argument, NULL, 'y' },
        { "help", no_argument, NULL, 'h' },
        {},
    };
    struct why w = {};
    int c, status = 0;

    optind = 0;
    while ((c = verb_getopt(argc, argv, "o:hy", options, NULL)) >= 0) {
        switch (c) {
        case 'u':
            w.user = true;
            break;
        case 's':
            w.user = false;
            break;
        case 'o':
            if (!streq(optarg, "json"))
                return usage_error("why", "--output= takes json, not %s", optarg);
            w.json = true;
            break;
        case 'a':
            c = optarg ? parse_boolean(optarg) : 1;
            if (c < 0)
                return usage_error("why", "--again= takes a boolean, not %s", optarg);
            w.again = c ? AGAIN_YES : AGAIN_NO;
            break;
        case 'r':
            w.markdown = true;
            break;
        case 'A':
            w.apply = true;
            w.try_fix = true;
            break;
        case 't':
            w.try_fix = true;
            break;
        case 'U':
            w.undo = true;
            break;
        case 'y':
            w.yes = true;
            break;
        case 'h':
            return verb_print_help("why", options_help);
        default:
            return usage_status("why");
        }
    }
    auto_strv char **units = NULL;
    for (int i = optind; i < argc; i++) {
        auto_free char *name = NULL;

        /* A manager that is asked to start "*" once more would start everything. */
        if (strpbrk(argv[i], "*?["))
            return usage_error(
                "why", "%s: patterns are not taken; without a unit, every failed one is explained",
                argv[i]);
        if (unit_name_mangle(argv[i], false, ".service", &name) < 0)
            return usage_error("why", "\"%s\" is not the name of a unit", argv[i]);
        if (strv_add(&units, name) < 0)
            return EXIT_UNKNOWN;
    }
    if (optind >= argc && facts_failed_units(w.user, &units) < 0) {
        fputs("reeve why: which units have failed is not known: no manager gives an answer\n",
              stderr);
        return EXIT_UNKNOWN;
    }
    bool many = strv_length(units) != 1;
    if ((w.apply || w.undo) && (many || w.user || geteuid() != 0))
        return usage_error("why", "%s is for one unit of the system, as root",
                           w.undo ? "--undo" : "--apply");
    if (w.undo)
        return undo_fix(&w, units[0]);
    if (w.json && many)
        w.reports = json_array();
    STRV_FOREACH (unit, units) {
        int s = explain(&w, *unit, many);

        status = status ? status : s;
        if (!w.json && unit[1])
            putchar('\n');
    }
    if (w.reports) {
        (void) json_dumpf(w.reports, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(3));
        putchar('\n');
        json_decref(w.reports);
    } else if (strv_length(units) == 0) {
        puts("No unit has failed.");
    }
    return status;
}
