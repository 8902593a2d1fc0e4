/* reeve check -- what is wrong with units before they are started. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "diagnose/surroundings.h"
#include "unit/check.h"
#include "unit/load.h"

struct check_run {
    bool user, is_static, strict, json;
    const char *root;
    struct unit_loader *loader;
    unsigned errors, warnings;
    json_t *findings;
};

static const char options_help[] =
    "  --static           only what the files say, nothing of this machine: for CI\n"
    "  --strict           warnings count as errors\n"
    "  --root=PATH        unit files below that folder (implies --static)\n"
    "  --user             units of your own manager\n"
    "  -o, --output=json  findings as JSON\n"
    "  -h, --help\n\n"
    "A UNIT is looked for in the search path; an argument with a \"/\" is a file.\n"
    "Exit status: 0 nothing to complain of, 1 errors (with --strict warnings as well), 2 usage,\n"
    "4 no such unit.\n";

static const char *level_name(int level)
{
    return level <= LOG_ERR ? "error" : level == LOG_WARNING ? "warning" : "notice";
}

static void print_message(struct check_run *run, const struct unit_config *c,
                          const struct unit_message *m)
{
    enum color color = m->level <= LOG_ERR       ? COLOR_RED
                       : m->level == LOG_WARNING ? COLOR_YELLOW
                                                 : COLOR_NONE;

    if (run->json) {
        json_t *j = json_pack("{s:s, s:s, s:s?, s:i, s:s?, s:s?, s:s, s:s?}", "unit", c->name,
                              "level", level_name(m->level), "file", m->file, "line", (int) m->line,
                              "section", m->section, "directive", m->directive, "text", m->text,
                              "remedy", m->remedy);
        (void) json_array_append_new(run->findings, j);
        return;
    }
    if (m->file && m->line)
        printf("%s:%u: ", m->file, m->line);
    else
        printf("%s: ", m->file ? m->file : c->name);
    printf("%s%s:%s ", term_color(color), level_name(m->level), term_reset());
    /* Texts often name the directive themselves. */
    if (m->directive && !strstr(m->text, m->directive))
        printf("%s=: ", m->directive);
    printf("%s%s%s\n", m->text, m->remedy ? "; " : "", strempty(m->remedy));
}

/* Messages by file and line, the unit's own last. */
static int compare_messages(const void *a, const void *b)
{
    const struct unit_message *x = a, *y = b;

    if (!x->file != !y->file)
        return x->file ? -1 : 1;
    int r = x->file ? strcmp(x->file, y->file) : 0;
    return r ? r : (x->line > y->line) - (x->line < y->line);
}

static int check_one(struct check_run *run, const char *name)
{
    struct unit_config *c = NULL;
    int r = unit_check(run->loader, name, &c);

    if (r < 0) {
        fprintf(stderr, "reeve check: %s: %s\n", name,
                r == -EINVAL   ? "is neither the name of a unit nor a unit file"
                : r == -ENOENT ? "there is no such file"
                               : strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : 4;
    }
    if (c->load_state == LOAD_NOT_FOUND && c->n_messages == 0) {
        fprintf(stderr, "reeve check: there is no unit %s\n", name);
        unit_config_free(c);
        return 4;
    }
    if (!run->is_static) {
        /* The facts borrow the config and the loader. */
        struct facts f = {
            .unit = c->name, .source = FACTS_FILE, .config = c, .loader = run->loader
        };

        r = surroundings_check(&f);
        json_decref(f.probes_owner);
    }
    if (c->n_messages > 1)
        qsort(c->messages, c->n_messages, sizeof *c->messages, compare_messages);
    for (unsigned i = 0; i < c->n_messages; i++) {
        const struct unit_message *m = &c->messages[i];

        if (m->level > LOG_NOTICE)
            continue;
        run->errors += m->level <= LOG_ERR;
        run->warnings += m->level == LOG_WARNING;
        print_message(run, c, m);
    }
    /* A unit that cannot be used without a message of its own. */
    if (c->load_error && c->load_state != LOAD_LOADED && c->load_state != LOAD_MASKED) {
        bool told = false;

        for (unsigned i = 0; i < c->n_messages; i++)
            told = told || c->messages[i].level <= LOG_ERR;
        if (!told) {
            const struct unit_message m = { .level = LOG_ERR, .text = c->load_error };

            run->errors++;
            print_message(run, c, &m);
        }
    }
    unit_config_free(c);
    return 0;
}

static int usage_error(const char *what, const char *which)
{
    fprintf(stderr, "reeve check: %s%s\nTry 'reeve check --help'.\n", what, which);
    return EXIT_USAGE;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct check_run *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "static", no_argument, NULL, 's' },
        { "strict", no_argument, NULL, 'S' },
        { "root", required_argument, NULL, 'r' },
        { "user", no_argument, NULL, 'u' },
        { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },
        {},
    };
    int c;

    optind = 0;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) >= 0) {
        switch (c) {
        case 's':
            run->is_static = true;
            break;
        case 'S':
            run->strict = true;
            break;
        case 'r':
            run->root = optarg;
            run->is_static = true;
            break;
        case 'u':
            run->user = true;
            break;
        case 'o':
            if (!streq(optarg, "json"))
                return usage_error("--output= takes json, not ", optarg);
            run->json = true;
            break;
        case 'h':
            return verb_print_help("check", options_help);
        default:
            return usage_error(c == ':' ? "a value is missing for " : "unknown option ",
                               argv[optind - 1]);
        }
    }
    return optind < argc ? -1 : usage_error("name at least one unit or file", "");
}

int verb_check(int argc, char **argv)
{
    struct check_run run = {};
    struct unit_paths paths = {};
    int status = parse_options(&run, argc, argv), r;

    if (status >= 0)
        return status;
    status = 0;
    r = unit_paths_new(
        &(struct unit_paths_options){ .scope = run.user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM,
                                      .root = run.root },
        &paths);
    if (r >= 0)
        r = unit_loader_new(&(struct unit_loader_options){ .user = run.user, .root = run.root },
                            &paths, &run.loader);
    if (r < 0) {
        fprintf(stderr, "reeve check: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    if (run.json)
        run.findings = json_array();
    for (int i = optind; i < argc; i++) {
        int s = check_one(&run, argv[i]);

        status = status ? status : s;
    }
    if (run.findings) {
        (void) json_dumpf(run.findings, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(run.findings);
    }
    unit_loader_free(run.loader);
    if (status == 0 && (run.errors > 0 || (run.strict && run.warnings > 0)))
        status = 1;
    return status;
}
