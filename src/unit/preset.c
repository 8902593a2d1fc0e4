/* systemd.preset(5). */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/install-private.h"
#include "unit/load.h"
#include "unit/name.h"

#define PRESET_SIZE_MAX (1u << 20)

enum verdict { VERDICT_UNKNOWN = -1, VERDICT_DISABLE, VERDICT_ENABLE, VERDICT_IGNORE };

struct rule {
    enum verdict verdict;
    char *pattern;
    char **instances; /* of a template that is enabled */
};

struct rules {
    struct rule *list;
    size_t n, allocated;
};

static void rules_done(struct rules *rules)
{
    for (size_t i = 0; i < rules->n; i++) {
        free(rules->list[i].pattern);
        strv_free(rules->list[i].instances);
    }
    free(rules->list);
}

static enum verdict verdict_of(const char *word)
{
    return streq(word, "enable")    ? VERDICT_ENABLE
           : streq(word, "disable") ? VERDICT_DISABLE
           : streq(word, "ignore")  ? VERDICT_IGNORE
                                    : VERDICT_UNKNOWN;
}

static int add_rule(struct rules *rules, char *line)
{
    auto_strv char **words = strv_split(line, WHITESPACE);

    if (!words)
        return -ENOMEM;
    if (strv_length(words) < 2 || strchr("#;", **words) || verdict_of(words[0]) == VERDICT_UNKNOWN)
        return 0;
    if (!grow(&rules->list, &rules->allocated, rules->n + 1))
        return -ENOMEM;
    struct rule *rule = &rules->list[rules->n];
    *rule = (struct rule){ .verdict = verdict_of(words[0]), .pattern = strdup(words[1]) };
    rules->n++;
    if (!rule->pattern)
        return -ENOMEM;
    return strv_extend(&rule->instances, words + 2, true);
}

static int compare_basenames(const void *a, const void *b)
{
    return strcmp(path_basename(*(char *const *) a), path_basename(*(char *const *) b));
}

static int find_files(char *const *folders, char ***ret)
{
    auto_strv char **files = NULL;

    STRV_FOREACH (f, folders) {
        DIR *d = opendir(*f);
        int r = 0;

        for (struct dirent *de; d && r >= 0 && (de = readdir(d));) {
            bool known = *de->d_name == '.' || !endswith(de->d_name, ".preset");

            STRV_FOREACH (k, files)
                known = known || streq(path_basename(*k), de->d_name);
            if (!known)
                r = strv_addf(&files, "%s/%s", *f, de->d_name);
        }
        if (d)
            closedir(d);
        if (r < 0)
            return r;
    }
    if (files)
        qsort(files, strv_length(files), sizeof *files, compare_basenames);
    *ret = take_ptr(files);
    return 0;
}

static int rules_read(struct unit_loader *l, struct rules *rules)
{
    const struct unit_paths *p = unit_loader_paths(l);
    struct unit_paths_options o = { .scope = p->user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM,
                                    .root = p->root };
    auto_strv char **folders = preset_paths(&o), **files = NULL;
    int r = folders ? find_files(folders, &files) : -ENOMEM;

    STRV_FOREACH (f, files) {
        auto_free char *text = NULL;

        if (r < 0)
            return r;
        if (file_read(*f, PRESET_SIZE_MAX, &text, NULL) < 0)
            continue;
        for (char *save, *line = strtok_r(text, "\r\n", &save); r >= 0 && line;
             line = strtok_r(NULL, "\r\n", &save))
            r = add_rule(rules, line);
    }
    return r;
}

/* The first rule that matches decides; none enables. */
static const struct rule *rules_find(const struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->list[i];
        auto_free char *template = NULL;

        if (fnmatch(rule->pattern, name, FNM_NOESCAPE) == 0)
            return rule;
        /* A rule with instances speaks for those of its template. */
        if (rule->instances && unit_name_is_valid(name, UNIT_NAME_INSTANCE)) {
            auto_free char *instance = NULL;

            if (unit_name_template(name, &template) >= 0 &&
                unit_name_instance(name, &instance) >= 0 &&
                fnmatch(rule->pattern, template, FNM_NOESCAPE) == 0 &&
                strv_contains(rule->instances, instance))
                return rule;
        }
    }
    return NULL;
}

/* The names to enable for a unit: itself, or the instances that the rule gives its template. */
static int names_to_enable(const struct rule *rule, const char *name, char ***ret)
{
    if (!rule || !rule->instances || !unit_name_is_valid(name, UNIT_NAME_TEMPLATE))
        return strv_add(ret, name);
    STRV_FOREACH (i, rule->instances) {
        char *full = NULL;
        int r = unit_name_with_instance(name, *i, &full);

        if (r < 0 || strv_push(ret, full) < 0)
            return r < 0 ? r : -ENOMEM;
    }
    return 0;
}

static int apply(const struct install_options *o, const struct rules *rules, const char *name,
                 enum preset_mode mode, struct install_result *result)
{
    const struct rule *rule = rules_find(rules, name);
    enum verdict v = rule ? rule->verdict : VERDICT_ENABLE;
    auto_strv char **names = NULL;

    if (v == VERDICT_IGNORE || (v == VERDICT_ENABLE && mode == PRESET_DISABLE_ONLY) ||
        (v == VERDICT_DISABLE && mode == PRESET_ENABLE_ONLY))
        return 0;
    if (v == VERDICT_DISABLE)
        return install_disable_alone(o, name, result);
    int r = names_to_enable(rule, name, &names);
    return r < 0 ? r : install_enable(o, names, result);
}

int install_preset(const struct install_options *o, char *const *names, enum preset_mode mode,
                   struct install_result *result)
{
    /* As systemd: first what is to go, then what is to come. */
    static const enum preset_mode passes[] = { PRESET_DISABLE_ONLY, PRESET_ENABLE_ONLY };
    struct rules rules = {};
    int r = rules_read(o->loader, &rules);

    for (size_t i = 0; i < ELEMENTSOF(passes); i++) {
        if (mode != passes[i] && (mode == PRESET_DISABLE_ONLY || mode == PRESET_ENABLE_ONLY))
            continue;
        STRV_FOREACH (n, names)
            if (r >= 0)
                r = apply(o, &rules, *n, passes[i], result);
    }
    rules_done(&rules);
    return r < 0 ? r : 0;
}

int install_preset_all(const struct install_options *o, enum preset_mode mode,
                       struct install_result *result)
{
    struct rules rules = {};
    struct unit_file f;
    auto_strv char **names = NULL;
    int r = rules_read(o->loader, &rules);

    for (size_t i = 0; r >= 0 && unit_loader_next(o->loader, &i, &f);)
        if (!f.alias && !f.masked && f.path)
            r = strv_add(&names, f.name);
    strv_sort(names);
    STRV_FOREACH (n, names) {
        if (r < 0)
            break;
        r = apply(o, &rules, *n, mode, result);
        if (r < 0 && r != -ENOMEM) {
            /* One that cannot be does not keep the others from it. */
            free(result->error);
            result->error = NULL;
            r = 0;
        }
    }
    rules_done(&rules);
    return r < 0 ? r : 0;
}

int install_preset_enables(struct unit_loader *l, const char *name)
{
    struct rules rules = {};
    int r = rules_read(l, &rules);

    if (r >= 0) {
        const struct rule *rule = rules_find(&rules, name);

        r = !rule || rule->verdict == VERDICT_ENABLE;
    }
    rules_done(&rules);
    return r;
}
