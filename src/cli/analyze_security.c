/* cli/analyze_security.c -- what services may do, as a table (systemd-analyze(1), security). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze_boot.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_files.h"
#include "diagnose/security.h"
#include "unit/name.h"

struct review {
    const struct analyze_options *options;
    struct unit_loader *loader;
    json_t *policy;         /* --security-policy=, or NULL */
    struct table *overview; /* one row a unit */
    bool details, above;    /* above: past the threshold */
    bool failed;            /* to look at one of them */
    unsigned n;
};

static char *describe(const struct security_row *row)
{
    if (row->excluded)
        return strdup("Excluded by the policy");
    if (row->text)
        return strdup(row->text);
    if (row->call_group)
        return format("The service %s make system calls of %s", row->badness ? "may" : "cannot",
                      row->call_group);
    if (row->badness == SECURITY_UNKNOWN)
        return strdup("Makes no difference for this service");
    return format("The service %s %s", row->badness ? "may" : "cannot", row->phrase);
}

static int print_details(const struct review *v, const char *unit, const struct security *s)
{
    struct table_column columns[] = {
        { " ", "set" },
        { "NAME", "name" },
        { "", "json_field", .hidden = v->options->ctl.output == OUTPUT_TEXT },
        { "DESCRIPTION", "description" },
        { "EXPOSURE", "exposure", .right = true },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };

    for (unsigned i = 0; i < s->n; i++) {
        const struct security_row *row = &s->rows[i];
        bool unknown = row->badness == SECURITY_UNKNOWN;
        auto_free char *description = describe(row);
        char exposure[16];

        snprintf(exposure, sizeof exposure, "%u.%u", row->exposure / 10, row->exposure % 10);
        table_add_json(&t,
                       unknown        ? " "
                       : row->badness ? (term_is_utf8() ? "✗" : "-")
                                      : (term_is_utf8() ? "✓" : "+"),
                       unknown ? json_null() : json_boolean(row->badness == 0));
        table_add(&t, row->name);
        table_add(&t, row->json);
        table_add(&t, description);
        table_add_json(&t, row->badness && !unknown ? exposure : "",
                       row->badness && !unknown ? json_string(exposure) : json_null());
    }
    if (v->n > 0)
        putchar('\n');
    return table_print(&v->options->ctl, &t);
}

/* Faces need a terminal that has them. */
static bool has_emoji(void)
{
    const char *term = getenv("TERM");

    return term_is_utf8() && !isempty(term) && !streq(term, "dumb") && !streq(term, "linux");
}

static int review_unit(struct review *v, const struct unit_config *c)
{
    struct security s;
    char exposure[16];
    const char *face, *level;
    struct security_row wrong;
    int r = security_assess(c, v->options->offline, v->policy, &s, &wrong);

    if (r == -ERANGE)
        fprintf(stderr,
                "%s: %s: its range is %u, and has to be at least 1 and the badness that %s has: "
                "%" PRIu64 ".\n",
                v->options->policy, wrong.json, wrong.range, c->name,
                wrong.badness == SECURITY_UNKNOWN ? 0 : wrong.badness);
    if (r < 0)
        return r;
    level = security_level(s.exposure, has_emoji(), &face);
    snprintf(exposure, sizeof exposure, "%u.%u", s.exposure / 10, s.exposure % 10);
    v->above = v->above || s.exposure > v->options->threshold;
    if (v->details)
        r = print_details(v, c->name, &s);
    security_done(&s);
    if (v->details && v->options->ctl.output == OUTPUT_TEXT)
        printf("\n%s Overall exposure level for %s: %s %s %s\n", term_is_utf8() ? "→" : "->",
               c->name, exposure, level, face);
    table_add(v->overview, c->name);
    table_add(v->overview, exposure);
    table_add(v->overview, level);
    table_add(v->overview, face);
    v->n++;
    return r;
}

/* A template as an instance of it. */
static int load_unit(const struct review *v, const char *text, struct unit_config **ret)
{
    auto_free char *name = NULL, *instance = NULL;
    bool file = v->options->offline && strchr(text, '/');
    int r = file ? str_replace(&name, path_basename(text))
                 : unit_name_mangle(text, false, ".service", &name);

    if (r >= 0 && unit_name_is_valid(name, UNIT_NAME_TEMPLATE)) {
        r = unit_name_with_instance(name, v->options->instance ?: "test-instance", &instance);
        if (r >= 0)
            r = str_replace(&name, instance);
    }
    if (r < 0)
        return r;
    if (file)
        return access(text, F_OK) < 0 ? -errno : unit_load_file(v->loader, text, name, false, ret);
    return unit_load(v->loader, name, ret);
}

static int review_named(struct review *v, const char *text)
{
    struct unit_config *c = NULL;
    unsigned before = v->n;
    int r = load_unit(v, text, &c);

    if (r == -ENOENT || (r >= 0 && c->load_state == LOAD_NOT_FOUND))
        fprintf(stderr, "Unit %s not found%s.\n", c ? c->name : path_basename(text),
                v->options->offline ? "" : ", cannot analyze");
    else if (r < 0)
        fprintf(stderr, "%s: %s\n", text, strerror(-r));
    else if (c->load_state != LOAD_LOADED)
        fprintf(stderr, "%s: %s\n", c->name, c->load_error ?: "it cannot be used");
    else if (c->type != UNIT_SERVICE && !v->options->offline)
        fprintf(stderr, "Unit %s is not a service unit, refusing.\n", c->name);
    else
        r = review_unit(v, c);
    v->failed = v->failed || v->n == before;
    unit_config_free(c);
    return r == -ENOMEM || r == -ERANGE ? r : 0;
}

/* All loaded services but oneshots, which systemd-analyze leaves out as well. */
static int review_loaded(struct review *v)
{
    auto_boot struct boot b = {};
    auto_strv char **names = NULL;
    json_t *unit;
    size_t i;
    int r = boot_read(v->options, "Id,LoadState,Type", false, &b);

    if (r < 0)
        return r;
    json_array_foreach(b.units, i, unit) if (endswith(boot_text(unit, "Id"), ".service") &&
                                             streq(boot_text(unit, "LoadState"), "loaded") &&
                                             !streq(boot_text(unit, "Type"), "oneshot"))
        r = r < 0 ? r : strv_add(&names, boot_text(unit, "Id"));
    strv_sort(names);
    STRV_FOREACH (name, names)
        if (r >= 0)
            r = review_named(v, *name);
    return r;
}

static int read_policy(struct review *v)
{
    const char *path = v->options->policy;
    json_error_t error;

    if (isempty(path))
        return 0;
    v->policy = json_load_file(path, 0, &error);
    if (!v->policy)
        fprintf(stderr, "Failed to parse '%s' at %d:%d: %s\n", path, MAX(error.line, 0),
                MAX(error.column, 0), error.text);
    return v->policy ? 0 : -EINVAL;
}

/* --profile=: a file by its path, or the service.conf of a portable profile by its name. */
static int find_profile(const char *profile, char **ret)
{
    static const char *const folders[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib" };
    auto_free char *path = NULL;

    if (!strchr(profile, '/')) {
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
            free(path);
            path = format("%s/systemd/portable/profile/%s/service.conf", folders[i], profile);
            if (!path)
                return -ENOMEM;
            if (access(path, F_OK) == 0) {
                *ret = take_ptr(path);
                return 0;
            }
        }
        fprintf(stderr, "Failed to find portable profile %s: %s\n", profile, strerror(ENOENT));
        return -ENOENT;
    }
    if (!endswith(profile, ".conf")) {
        fprintf(stderr, "Profile file name must end with .conf: %s\n", profile);
        return -EINVAL;
    }
    if (access(profile, R_OK) < 0) {
        fprintf(stderr, "Failed to read the profile %s: %s\n", profile, strerror(errno));
        return -errno;
    }
    return (*ret = strdup(profile)) ? 0 : -ENOMEM;
}

/* What is loaded already cannot have another one: it is for files alone, as with systemd. */
static int use_profile(struct review *v)
{
    auto_free char *path = NULL;

    if (!v->options->profile || !v->options->offline)
        return 0;
    if (isempty(v->options->profile)) {
        fprintf(stderr, "Profile file name is empty\n");
        return -EINVAL;
    }
    int r = find_profile(v->options->profile, &path);

    return r < 0 ? r : unit_loader_add_drop_in(v->loader, path);
}

static int review_all(struct review *v, char *const *args)
{
    int r = read_policy(v);

    if (r >= 0)
        r = use_profile(v);
    if (r < 0)
        return r;
    term_pager_open();
    if (!*args)
        r = review_loaded(v);
    STRV_FOREACH (arg, args)
        if (r >= 0)
            r = review_named(v, *arg);
    return r;
}

int analyze_security(const struct analyze_options *o, char *const *args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    struct table_column columns[] = { { "UNIT", "unit" },
                                      { "EXPOSURE", "exposure", .right = true },
                                      { "PREDICATE", "predicate" },
                                      { "HAPPY", "happy" } };
    auto_table struct table overview = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    struct review v = { .options = o, .overview = &overview, .details = *args };
    int r;

    r = unit_files_open(&o->ctl, &loader);
    if (r < 0)
        return r;
    v.loader = loader;
    r = review_all(&v, args);
    json_decref(v.policy);
    if (r >= 0 && v.n > 0 && (!*args || (o->ctl.output != OUTPUT_TEXT && args[1]))) {
        if (*args)
            putchar('\n');
        r = table_print(&o->ctl, &overview);
    }
    return r < 0 ? r : v.above || v.failed;
}
