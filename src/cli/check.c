/* reeve check -- what is wrong with units before they are started. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/check_health.h"
#include "cli/term.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "diagnose/advice.h"
#include "diagnose/security.h"
#include "diagnose/surroundings.h"
#include "unit/check.h"
#include "unit/directive.h"
#include "unit/load.h"

struct check_run {
    bool user, is_static, strict, advice;
    enum { OUTPUT_LINES, OUTPUT_AS_JSON, OUTPUT_SARIF } output;
    const char *root;
    bool inside; /* this process has `root` as its root folder */
    struct unit_loader *loader;
    unsigned errors, warnings;
    json_t *findings;
};

static const char options_help[] =
    "  --static           only what the files say, nothing of this machine: for CI\n"
    "  --strict           warnings count as errors\n"
    "  --root=PATH        units of the system below that folder, and what is there for them; "
    "without\n"
    "                     root's privileges only what the files say\n"
    "  --user             units of your own manager\n"
    "  --advice           also hardening that costs the service nothing, and its exposure\n"
    "  -o, --output=json  findings as JSON; sarif: as SARIF 2.1.0, for code review\n"
    "  -h, --help\n\n"
    "A UNIT is looked for in the search path; an argument with a \"/\" is a file.\n"
    "Exit status: 0 nothing to complain of, 1 errors (with --strict warnings as well), 2 usage,\n"
    "4 no such unit.\n";

static const char *level_name(int level)
{
    return level <= LOG_ERR ? "error" : level == LOG_WARNING ? "warning" : "notice";
}

/* What loading says has no id of its own: by how its text goes. */
static const char *code_of(const struct unit_message *m)
{
    static const struct {
        const char *part, *code;
    } parts[] = {
        { "unknown setting", "unknown-setting" },
        { "unknown section", "unknown-section" },
        { "not implemented", "not-implemented" },
        { "no \"=\"", "syntax" },
        { "section header", "syntax" },
        { "cannot be read", "unreadable" },
        { "old word", "old-name" },
        { "old name", "old-name" },
        { "old folder", "old-name" },
    };

    if (m->code)
        return m->code;
    for (size_t i = 0; i < ELEMENTSOF(parts); i++)
        if (strstr(m->text, parts[i].part))
            return parts[i].code;
    return m->directive && m->level > LOG_ERR ? "bad-value" : "bad-unit";
}

/* The file of a message as it is called outside of --root=; a new string or NULL. */
static char *file_of(const struct check_run *run, const struct unit_message *m)
{
    size_t n = run->inside ? strlen(run->root) : 0;

    while (n > 0 && run->root[n - 1] == '/')
        n--;
    return m->file ? format("%.*s%s", (int) n, n ? run->root : "", m->file) : NULL;
}

static void add_json(struct check_run *run, const struct unit_config *c,
                     const struct unit_message *m)
{
    auto_free char *file = file_of(run, m);
    json_t *j = json_pack("{s:s, s:s, s:s, s:s?, s:i, s:s?, s:s?, s:s, s:s?}", "unit", c->name,
                          "code", code_of(m), "level", level_name(m->level), "file", file, "line",
                          (int) m->line, "section", m->section, "directive", m->directive, "text",
                          m->text, "remedy", m->remedy);

    (void) json_array_append_new(run->findings, j);
}

static void add_sarif(struct check_run *run, const struct unit_config *c,
                      const struct unit_message *m)
{
    auto_free char *text = format("%s%s%s: %s%s%s", c->name, m->directive ? " " : "",
                                  strempty(m->directive), m->text, m->remedy ? "; " : "",
                                  strempty(m->remedy));
    auto_free char *file = file_of(run, m);
    const char *level = m->level <= LOG_ERR       ? "error"
                        : m->level == LOG_WARNING ? "warning"
                                                  : "note";
    json_t *j = json_pack("{s:s, s:s, s:{s:s}, s:[{s:{s:{s:s}, s:{s:i}}}]}", "ruleId", code_of(m),
                          "level", level, "message", "text", strempty(text), "locations",
                          "physicalLocation", "artifactLocation", "uri", file ?: c->name, "region",
                          "startLine", m->line ? (int) m->line : 1);

    (void) json_array_append_new(run->findings, j);
}

static void print_message(struct check_run *run, const struct unit_config *c,
                          const struct unit_message *m)
{
    enum color color = m->level <= LOG_ERR       ? COLOR_RED
                       : m->level == LOG_WARNING ? COLOR_YELLOW
                                                 : COLOR_NONE;

    if (run->output == OUTPUT_AS_JSON)
        return add_json(run, c, m);
    if (run->output == OUTPUT_SARIF)
        return add_sarif(run, c, m);
    auto_free char *file = file_of(run, m);
    if (file && m->line)
        printf("%s:%u: ", file, m->line);
    else
        printf("%s: ", file ? file : c->name);
    printf("%s%s:%s ", term_color(color), level_name(m->level), term_reset());
    /* Texts often name the directive themselves. */
    if (m->directive && !strstr(m->text, m->directive))
        printf("%s=: ", m->directive);
    printf("%s%s%s %s[%s]%s\n", m->text, m->remedy ? "; " : "", strempty(m->remedy),
           term_color(COLOR_DIM), code_of(m), term_reset());
}

static json_t *sarif(json_t *results)
{
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s}}, s:o}]}", "$schema",
                     "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs",
                     "tool", "driver", "name", "reeve check", "version", REEVE_VERSION, "results",
                     results);
}

/* What it could do without, with what that is worth. */
static void advise(struct unit_config *c)
{
    const struct exec_command *command = c->service->exec_start;
    const char *program = command && *command->path == '/' ? command->path : NULL, *face;
    unsigned position = 0, before = c->n_messages;
    struct advice a;
    struct security s;

    if (c->load_state != LOAD_LOADED || c->type != UNIT_SERVICE ||
        security_assess(c, false, NULL, &s, NULL) < 0)
        return;
    while (advice_next(c, program, &position, &a)) {
        auto_free char *remedy = format("add %s=%s", a.directive, a.value);

        unit_config_message(c, LOG_NOTICE, NULL, 0, "Service", a.directive, remedy,
                            "it costs nothing here: %s", a.why);
    }
    unit_check_code(c, before, "hardening");
    before = c->n_messages;
    const char *level = security_level(s.exposure, false, &face);
    unit_config_message(c, LOG_NOTICE, NULL, 0, NULL, NULL, NULL, "exposure %u.%u of 10 (%s)",
                        s.exposure / 10, s.exposure % 10, level);
    unit_check_code(c, before, "exposure");
    security_done(&s);
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
    check_health(c);
    if (!run->is_static) {
        /* The facts borrow the config and the loader. */
        struct facts f = {
            .unit = c->name, .source = FACTS_FILE, .config = c, .loader = run->loader
        };

        r = surroundings_check(&f, run->inside);
        json_decref(f.probes_owner);
    }
    if (run->advice)
        advise(c);
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

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct check_run *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "static", no_argument, NULL, 's' },     { "strict", no_argument, NULL, 'S' },
        { "root", required_argument, NULL, 'r' }, { "user", no_argument, NULL, 'u' },
        { "advice", no_argument, NULL, 'a' },     { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },       {},
    };
    int c;

    optind = 0;
    while ((c = verb_getopt(argc, argv, "o:h", options, NULL)) >= 0) {
        switch (c) {
        case 's':
            run->is_static = true;
            break;
        case 'S':
            run->strict = true;
            break;
        case 'r':
            run->root = optarg;
            break;
        case 'u':
            run->user = true;
            break;
        case 'o':
            if (!streq(optarg, "json") && !streq(optarg, "sarif"))
                return usage_error("check", "--output= takes json or sarif, not %s", optarg);
            run->output = streq(optarg, "json") ? OUTPUT_AS_JSON : OUTPUT_SARIF;
            break;
        case 'a':
            run->advice = true;
            break;
        case 'h':
            return verb_print_help("check", options_help);
        default:
            return usage_status("check");
        }
    }
    return optind < argc ? -1 : usage_error("check", "name at least one unit or file");
}

/* Makes the folder of --root= the root folder, so that users, programs and files are looked for in
 * it; where that cannot be, only what the files say is checked. */
static void enter_root(struct check_run *run, char **units)
{
    size_t n = strlen(run->root);

    while (n > 0 && run->root[n - 1] == '/')
        n--;
    for (char **u = units; *u; u++)
        if (strchr(*u, '/') && (strncmp(*u, run->root, n) != 0 || (*u)[n] != '/')) {
            run->is_static = true; /* a file of another place */
            return;
        }
    if (chdir(run->root) < 0 || chroot(".") < 0) {
        fprintf(stderr, "reeve check: %s: %s; only what the files say is checked\n", run->root,
                errno == EPERM ? "only root can look into it" : strerror(errno));
        run->is_static = true;
        return;
    }
    for (char **u = units; *u; u++)
        if (strchr(*u, '/'))
            *u += n;
    run->inside = true;
}

int verb_check(int argc, char **argv)
{
    struct check_run run = {};
    struct unit_paths paths = {};
    int status = parse_options(&run, argc, argv), r;

    if (status >= 0)
        return status;
    status = 0;
    if (run.root && !run.is_static)
        enter_root(&run, argv + optind);
    r = unit_paths_new(
        &(struct unit_paths_options){ .scope = run.user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM,
                                      .root = run.inside ? NULL : run.root },
        &paths);
    if (r >= 0)
        r = unit_loader_new(
            &(struct unit_loader_options){ .user = run.user, .root = run.inside ? NULL : run.root },
            &paths, &run.loader);
    if (r < 0) {
        fprintf(stderr, "reeve check: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    if (run.output != OUTPUT_LINES)
        run.findings = json_array();
    for (int i = optind; i < argc; i++) {
        int s = check_one(&run, argv[i]);

        status = status ? status : s;
    }
    if (run.findings) {
        json_t *document = run.output == OUTPUT_SARIF ? sarif(run.findings) : run.findings;

        (void) json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(document);
    }
    unit_loader_free(run.loader);
    if (status == 0 && (run.errors > 0 || (run.strict && run.warnings > 0)))
        status = 1;
    return status;
}
