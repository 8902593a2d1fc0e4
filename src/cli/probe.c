/* reeve probe -- whether services are healthy, as their probes see it; the exit status is for the
 * health checks of Docker and Kubernetes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/usage.h"
#include "cli/verbs.h"

enum { EXIT_UNHEALTHY = 1, EXIT_NO_SUCH_UNIT = 4 };

struct probe_run {
    struct systemctl client;
    bool live; /* only whether it is alive */
    json_t *found;
};

static const char options_help[] =
    "  --live             only whether it is alive: passes also while it starts or is not ready\n"
    "  --user             units of your own manager\n"
    "  -q, --quiet        print nothing\n"
    "  -o, --output=json  the state and each probe's answer as JSON\n"
    "  -h, --help\n\n"
    "Probes are set in [X-Reeve] of the unit, or by reeve guard. A unit without any is healthy\n"
    "while it is active. Exit status: 0 healthy, 1 not, 2 usage, 4 no such unit.\n";

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct probe_run *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "live", no_argument, NULL, 'l' },  { "user", no_argument, NULL, 'u' },
        { "quiet", no_argument, NULL, 'q' }, { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },  {},
    };
    int c;

    optind = 0;
    while ((c = verb_getopt(argc, argv, "qo:h", options, NULL)) >= 0) {
        if (c == 'h')
            return verb_print_help("probe", options_help);
        if (c == 'l')
            run->live = true;
        else if (c == 'u')
            run->client.scope = SCOPE_USER;
        else if (c == 'q')
            run->client.quiet = true;
        else if (c == 'o' && streq(optarg, "json"))
            run->client.output = OUTPUT_JSON_PRETTY;
        else if (c == 'o')
            return usage_error("probe", "--output= takes json, not %s", optarg);
        else
            return usage_status("probe");
    }
    if (optind < argc)
        return -1;
    return usage_error("probe", "name at least one unit");
}

static bool passes(const struct probe_run *run, const char *active, const char *health)
{
    bool up = streq(active, "active") || streq(active, "reloading") || streq(active, "refreshing");

    if (run->live)
        return (up || streq(active, "activating")) && !streq(health, "not alive");
    return up && (!*health || streq(health, "healthy"));
}

static void print_text(const char *unit, const char *active, const char *health,
                       const json_t *answers, bool good)
{
    json_t *answer;
    size_t i;

    printf("%s%s%s: %s%s%s\n", term_color(good ? COLOR_GREEN : COLOR_RED), unit, term_reset(),
           active, *health ? ", " : "; no probe looks at its health", health);
    json_array_foreach(answers, i, answer) printf("  %s\n", json_string_value(answer));
}

/* Returns the exit status for this unit. */
static int probe_one(struct probe_run *run, const char *unit)
{
    static const char *const wanted[] = { "ActiveState", "LoadState", "ReeveHealth",
                                          "ReeveHealthAnswers", NULL };
    auto_control_error struct control_error e = { 0 };
    json_t *p = systemctl_properties(&run->client, unit, wanted, &e);

    if (!p) {
        fprintf(stderr, "reeve probe: %s: %s\n", unit, e.message ? e.message : "no answer");
        return EXIT_UNHEALTHY;
    }
    const char *active = property_text(p, "ActiveState"), *health = property_text(p, "ReeveHealth");
    json_t *answers = json_object_get(p, "ReeveHealthAnswers");
    bool good = passes(run, active, health);
    int status = good ? EXIT_SUCCESS : EXIT_UNHEALTHY;

    if (streq(property_text(p, "LoadState"), "not-found")) {
        fprintf(stderr, "reeve probe: there is no unit %s\n", unit);
        status = EXIT_NO_SUCH_UNIT;
    } else if (run->client.output != OUTPUT_TEXT)
        (void) json_array_append_new(run->found, json_pack("{s:s, s:s, s:s, s:b, s:O?}", "unit",
                                                           unit, "active", active, "health", health,
                                                           "ok", good, "probes", answers));
    else if (!run->client.quiet)
        print_text(unit, active, health, answers, good);
    json_decref(p);
    return status;
}

int verb_probe(int argc, char **argv)
{
    struct probe_run run = { .client = { .program = "reeve", .verb = verb_find("probe") } };
    auto_strv char **names = NULL;
    int status = parse_options(&run, argc, argv);

    if (status >= 0)
        return status;
    status = EXIT_SUCCESS;
    if (systemctl_unit_names(&run.client, argv + optind, ".service", NULL, &names) < 0)
        return EXIT_UNHEALTHY;
    run.found = json_array();
    STRV_FOREACH (name, names) {
        int s = probe_one(&run, *name);

        status = status ? status : s;
    }
    if (run.client.output != OUTPUT_TEXT)
        json_print_reply(&run.client, run.found);
    else
        json_decref(run.found);
    control_client_free(run.client.client);
    free(run.client.client_path);
    return status;
}
