/* reeve preflight -- checks for ExecStartPre=: one line each, one exit status. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/timespan.h"
#include "base/users.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "health/check.h"

/* sysexits.h: it runs inside units, where 2 is a service's own status. */
#define EXIT_PREFLIGHT_USAGE 64

enum { OPTION_USER = 1000, OPTION_WAIT, OPTION_HELP, OPTION_CHECK };

struct preflight {
    struct check *checks;
    size_t n, allocated;
    const char *user;
    usec_t wait;
    bool json, quiet;
    gid_t *groups;
    char *name;
};

static void preflight_done(struct preflight *p)
{
    for (size_t i = 0; i < p->n; i++)
        check_done(&p->checks[i]);
    free(p->checks);
    free(p->groups);
    free(p->name);
}

static int print_help(void)
{
    auto_strbuf struct strbuf b = {};

    check_help(CHECK_BEFORE, &b);
    strbuf_add(&b,
               "Each check can be given several times, and takes ,timeout=TIME (5s).\n\n"
               "  --user=NAME    evaluate permissions, ports and capabilities as that user\n"
               "  --wait=TIME    try again for so long what can become true\n"
               "  -q, --quiet    print only what failed\n"
               "  -o, --output=json\n"
               "  -h, --help\n\n"
               "Exit status, of the first check that failed: 1 permission, user or capability,\n"
               "2 port, 3 dependency, 4 file or configuration, 5 resource; 64 usage.\n");
    return verb_print_help("preflight", strbuf_text(&b));
}

/* A bit set from "CapEff:\t0000..." in /proc/self/status. */
static uint64_t own_capabilities(const char *field)
{
    auto_free char *status = NULL;
    const char *at;
    uint64_t bits = 0;

    if (file_read("/proc/self/status", 64 * 1024, &status, NULL) >= 0 &&
        (at = strstr(status, field)))
        (void) sscanf(at + strlen(field), " %lx", &bits);
    return bits;
}

static int find_context(struct preflight *p, struct check_context *context)
{
    struct users_lookup lookup = {};
    struct user user = {};
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int r = p->user ? user_find(&lookup, p->user, &user) : user_find_uid(&lookup, uid, &user);

    if (p->user && r < 0) {
        fprintf(stderr, "reeve preflight: there is no user %s\n", p->user);
        return r;
    }
    p->name = r >= 0 ? take_ptr(user.name) : format("uid %u", uid);
    if (r >= 0 && p->user) {
        uid = user.uid;
        gid = user.gid;
    }
    user_done(&user);
    context->user = strempty(p->name);
    context->evaluated = uid != geteuid();

    int n = context->evaluated ? user_groups(&lookup, context->user, gid, &p->groups)
                               : getgroups(0, NULL);
    if (!context->evaluated && n > 0) {
        p->groups = new0(gid_t, (size_t) n);
        n = p->groups ? getgroups(n, p->groups) : -ENOMEM;
    }
    context->identity = (struct identity){
        .uid = uid,
        .gid = gid,
        .groups = p->groups,
        .n_groups = n > 0 ? (size_t) n : 0,
        /* What the user would hold after the switch: root all that is allowed here, others what is
         * ambient. */
        .capabilities = own_capabilities(!context->evaluated ? "CapEff:"
                                         : uid == 0          ? "CapBnd:"
                                                             : "CapAmb:"),
    };
    return 0;
}

static void print_line(const struct check *c, void *userdata)
{
    const struct preflight *p = userdata;
    const struct check_outcome *o = &c->outcome;

    if (p->json || (p->quiet && o->class == CHECK_OK))
        return;
    printf("%-4s %s %s: %s", o->class == CHECK_OK ? "ok" : "FAIL", c->kind->option, c->argument,
           strempty(o->found));
    if (!isempty(o->remedy))
        printf("; to pass: %s", o->remedy);
    if (c->attempts > 1)
        printf(" (%u attempts)", c->attempts);
    putchar('\n');
    fflush(stdout);
}

static json_t *check_json(const struct check *c)
{
    static const char *const classes[] = {
        [CHECK_OK] = "ok",     [CHECK_IDENTITY] = "identity",     [CHECK_PORT] = "port",
        [CHECK_FILE] = "file", [CHECK_DEPENDENCY] = "dependency", [CHECK_RESOURCE] = "resource",
    };
    const struct check_outcome *o = &c->outcome;

    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:b, s:i, s:I}", "check", c->kind->option,
                     "argument", c->argument, "ok", o->class == CHECK_OK, "class",
                     classes[o->class], "found", strempty(o->found), "remedy", strempty(o->remedy),
                     "timed_out", o->timed_out, "attempts", (int) c->attempts, "took_usec",
                     (json_int_t) o->took);
}

static void print_json(const struct preflight *p, int status)
{
    json_t *list = json_array(), *all = NULL;

    for (size_t i = 0; list && i < p->n; i++)
        (void) json_array_append_new(list, check_json(&p->checks[i]));
    all = json_pack("{s:s, s:i, s:o}", "user", strempty(p->name), "status", status, "checks", list);
    if (!all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0)
        fputs("reeve preflight: out of memory\n", stderr);
    putchar('\n');
    json_decref(all);
}

static int add_check(struct preflight *p, const struct check_kind *kind, const char *value)
{
    const char *error = NULL;

    if (!grow(&p->checks, &p->allocated, p->n + 1))
        return usage_error("preflight", "out of memory");
    if (check_parse(kind, value, &p->checks[p->n], &error) < 0)
        return usage_error("preflight", "--%s=%s: %s", kind->option, value,
                           error ? error : "out of memory");
    p->n++;
    return 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct preflight *p, int argc, char **argv)
{
    static const struct option rest[] = {
        { "user", required_argument, NULL, OPTION_USER },
        { "wait", required_argument, NULL, OPTION_WAIT },
        { "quiet", no_argument, NULL, 'q' },
        { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },
        {},
    };
    auto_free struct option *options = check_options(CHECK_BEFORE, OPTION_CHECK, rest);
    int c, status;

    if (!options)
        return usage_error("preflight", "out of memory");
    optind = 0;
    while ((c = verb_getopt(argc, argv, "o:qh", options, NULL)) >= 0) {
        switch (c) {
        case OPTION_USER:
            p->user = optarg;
            break;
        case OPTION_WAIT:
            if (timespan_parse(optarg, &p->wait) < 0)
                return usage_error("preflight", "--wait=%s: takes a time span, such as 30s",
                                   optarg);
            break;
        case 'q':
            p->quiet = true;
            break;
        case 'o':
            if (!streq(optarg, "json"))
                return usage_error("preflight", "--output=%s: takes json", optarg);
            p->json = true;
            break;
        case 'h':
            return print_help();
        case '?':
            return usage_status("preflight");
        default:
            status = add_check(p, &check_kinds[c - OPTION_CHECK], optarg);
            if (status)
                return status;
        }
    }
    if (optind < argc)
        return usage_error("preflight",
                           "unexpected argument '%s': checks are options, such as --port=%s",
                           argv[optind], argv[optind]);
    return p->n == 0 ? usage_error("preflight", "nothing to check") : -1;
}

int verb_preflight(int argc, char **argv)
{
    _cleanup_(preflight_done) struct preflight p = {};
    struct check_context context = {};
    int status = parse_options(&p, argc, argv);

    if (status >= 0)
        return status;
    if (find_context(&p, &context) < 0)
        return CHECK_IDENTITY;
    int r = checks_run(p.checks, p.n, &context, p.wait, print_line, &p);
    if (r < 0) {
        fprintf(stderr, "reeve preflight: %s\n", strerror(-r));
        return CHECK_RESOURCE;
    }
    status = (int) checks_status(p.checks, p.n);
    if (p.json)
        print_json(&p, status);
    return status;
}
