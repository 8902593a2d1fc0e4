/* Causes in the unit's files: that they are not read, or not as they are meant. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

void judge_unit_masked(struct facts *facts, struct finding *f)
{
    const char *path = facts->config ? facts->config->masked_path : NULL;

    if (!(facts->config && facts->config->load_state == LOAD_MASKED) &&
        !facts_property_is(facts, "LoadState", "masked"))
        return;
    find(f, SURE_DECISIVE, "%s is masked%s%s%s", facts->unit, path ? " by " : "", strempty(path),
         path ? " (a link to /dev/null)" : "");
    find_fact(f, "path", path);
    find_evidence(f, EVIDENCE_UNIT,
                  "%s is a link to /dev/null, or empty: the unit cannot be started",
                  path ? path : facts->unit);
    find_fix_command(f, "unmask it, unless somebody masked it on purpose", "systemctl unmask %s%s",
                     path && startswith(path, "/run/") ? "--runtime " : "", facts->unit);
}

void judge_unit_not_found(struct facts *facts, struct finding *f)
{
    bool missing = facts->config ? facts->config->load_state == LOAD_NOT_FOUND
                                 : facts_property_is(facts, "LoadState", "not-found");

    /* Mounts, devices and slices need no file. */
    if (!missing || facts_property_is(facts, "LoadState", "loaded"))
        return;
    json_t *near = json_object_get(facts_probe(facts, "near-unit", "%s", facts->unit),
                                   "candidates");
    const char *first = json_string_value(json_array_get(near, 0));

    find(f, SURE_DECISIVE, first ? "there is no unit %s; there is %s" : "there is no unit %s",
         facts->unit, strempty(first));
    find_fact(f, "unit", facts->unit);
    find_evidence(f, EVIDENCE_PROBE, "no file of that name in the search path for units");
    const char *stray = probe_text(facts_probe(facts, "near-unit", "%s", facts->unit), "stray");
    if (*stray) {
        find_evidence(f, EVIDENCE_PROBE, "%s is there, but its name is that of no unit", stray);
        find_fix_command(f, "rename it, then systemctl daemon-reload", "mv %s %.*s/%s", stray,
                         (int) (path_basename(stray) - stray) - 1, stray, facts->unit);
    }
    if (first) {
        find_fact(f, "near", first);
        find_fix_command(f, "the nearest name", "systemctl start %s", first);
    }
    find_fix(f, "put the unit file into /etc/systemd/system and run systemctl daemon-reload, or "
                "install its package");
}

void judge_unit_refused(struct facts *facts, struct finding *f)
{
    const char *error = facts_property(facts, "LoadError");
    unsigned state = facts->config ? facts->config->load_state : LOAD_LOADED;
    /* Its files cannot be read, or not as a whole. */
    bool unread = state == LOAD_ERROR || facts_property_is(facts, "LoadState", "error");

    if (!unread && state != LOAD_BAD_SETTING &&
        !facts_property_is(facts, "LoadState", "bad-setting"))
        return;
    const char *text = facts->config ? facts->config->load_error : NULL;
    find(f, SURE_PROVEN, "the unit is refused: %s", text ? text : strempty(error));
    find_fact(f, "error", text ? text : error);
    for (unsigned i = 0; facts->config && i < facts->config->n_messages; i++) {
        const struct unit_message *m = &facts->config->messages[i];

        if (m->file && m->line > 0)
            find_evidence(f, EVIDENCE_UNIT, "%s:%u: %s", m->file, m->line, m->text);
        else
            find_evidence(f, EVIDENCE_UNIT, "%s%s%s", strempty(m->file), m->file ? ": " : "",
                          m->text);
        if (m->remedy)
            find_fix(f, "%s", m->remedy);
    }
    if (unread)
        find_fix(f, "make the file one that can be read, then systemctl daemon-reload");
    if ((text && strstr(text, "more than one")) || (error && strstr(error, "more than one")) ||
        (facts->config && facts->config->service->exec_start &&
         facts->config->service->exec_start->next)) {
        auto_free char *raw = judge_raw_setting(facts, "ExecStart");

        STRV_FOREACH (path, facts->config->dropin_paths)
            find_evidence(f, EVIDENCE_UNIT, "%s adds to it", *path);
        find_fix_dropin(f, "a drop-in replaces ExecStart= by first emptying it",
                        "[Service]\nExecStart=\nExecStart=%s\n", strempty(raw));
    }
}

/* A drop-in that is there, and that the manager does not list: systemd 252 does not notice those
 * whose folder is new. */
static const char *unread_dropin(const struct facts *facts)
{
    const char *read = facts_property(facts, "DropInPaths");

    if (!read || !facts_property_is(facts, "LoadState", "loaded"))
        return NULL;
    auto_strv char **known = strv_split(read, " ");
    STRV_FOREACH (path, facts->config ? facts->config->dropin_paths : NULL)
        if (!strv_contains(known, *path) && !strchr(*path, ' '))
            return *path;
    return NULL;
}

void judge_unit_not_reloaded(struct facts *facts, struct finding *f)
{
    const char *unread = unread_dropin(facts);

    if (!facts_property_is(facts, "NeedDaemonReload", "yes") && !unread)
        return;
    const char *loaded = facts_property(facts, "ExecStart");
    const struct exec_command *c = judge_main_command(facts);
    const char *begin = loaded ? strstr(loaded, "path=") : NULL;
    auto_free char *old = begin ? strndup(begin + 5, strcspn(begin + 5, " ;")) : NULL;
    bool differs = old && c && c->path && !streq(old, c->path);

    find(f,
         differs  ? SURE_DECISIVE
         : unread ? SURE_PROVEN - 0.02
                  : SURE_LIKELY,
         "%s changed on disk, but the manager still has the old one",
         facts->config && facts->config->fragment_path ? facts->config->fragment_path
                                                       : facts->unit);
    find_fact(f, "unit", facts->unit);
    find_evidence(f, EVIDENCE_MANAGER, "NeedDaemonReload=%s",
                  strempty(facts_property(facts, "NeedDaemonReload")));
    if (unread) {
        find_fact(f, "path", unread);
        find_evidence(f, EVIDENCE_MANAGER, "the manager has not read %s", unread);
    }
    if (differs) {
        find_fact(f, "loaded", old);
        find_evidence(f, EVIDENCE_MANAGER, "the manager runs %s, the file says %s", old, c->path);
    }
    find_fix_command(f, "read the files again and start it",
                     "systemctl daemon-reload && systemctl restart %s", facts->unit);
}

/* Whether the lack of that setting can be what made it fail: what only describes or orders cannot.
 */
static bool setting_matters(const struct facts *facts, const struct unit_message *m)
{
    static const char *const others[] = { "Description",     "Documentation", "Wants",
                                          "After",           "Before",        "WantedBy",
                                          "Alias",           "PartOf",        "SourcePath",
                                          "RequiredBy",      "Restart",       "RestartSec",
                                          "SyslogIdentifier" };

    if (!m->directive)
        return strstr(m->text, "unknown section");
    if (startswith(m->directive, "StartLimit"))
        return facts_property_is(facts, "Result", "start-limit-hit");
    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (strncasecmp(m->directive, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

void judge_directive_misplaced(struct facts *facts, struct finding *f)
{
    const struct unit_message *m = NULL;

    for (unsigned i = 0; facts->config && i < facts->config->n_messages; i++) {
        const struct unit_message *x = &facts->config->messages[i];

        if (x->section && x->file && strstr(x->text, "unknown se") &&
            (!m || (!setting_matters(facts, m) && setting_matters(facts, x))))
            m = x;
    }
    if (!m)
        return;
    find(f, setting_matters(facts, m) ? SURE_LIKELY : SURE_POSSIBLE, "%s%s[%s] is ignored: %s",
         strempty(m->directive), m->directive ? "= in " : "", m->section, m->text);
    find_fact(f, "directive", m->directive);
    auto_free char *section = format("[%s]", m->section);
    find_fact(f, "section", section);
    find_evidence(f, EVIDENCE_UNIT, "%s:%u: %s", m->file, m->line, m->text);
    if (m->remedy)
        find_fix(f, "%s", m->remedy);
    if (m->directive)
        judge_moved_setting(facts, f, m);
    judge_last_words(facts, f, 2);
}

/* A target that wants the unit and does not exist; NULL: all do. */
static const char *absent_target(struct facts *facts, const struct install_section *i)
{
    char *const *lists[] = { i->wanted_by, i->required_by };

    for (size_t k = 0; k < ELEMENTSOF(lists); k++)
        STRV_FOREACH (t, lists[k])
            if (streq(probe_text(facts_probe(facts, "unit", "%s", *t), "LoadState"), "not-found"))
                return *t;
    return NULL;
}

/* Whether somebody tried to start it: it was held back then, not forgotten. */
static bool was_attempted(const struct facts *facts)
{
    static const char *const words[] = { "Start", "ependency failed", "skipped", "Skipped",
                                         "cycle", "ssertion failed" };
    size_t at = 0;

    for (const struct facts_line *l; (l = facts_next_line(facts, NULL, true, &at));)
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
            if (strstr(strempty(l->text), words[i]))
                return true;
    return false;
}

/* Whether it is somebody's own unit that nothing else draws in: what packages ship without
 * [Install] is meant so. */
static bool is_for_boot(const struct facts *facts)
{
    static const char *const others[] = { "TriggeredBy", "WantedBy", "RequiredBy",
                                          "UpheldBy",    "BoundBy",  "RequisiteOf" };
    const char *path = strempty(facts->config->fragment_path);

    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (!isempty(facts_property(facts, others[i])) &&
            !facts_property_is(facts, "UnitFileState", "enabled"))
            return false;
    return !startswith(path, "/usr/lib/") && !startswith(path, "/lib/");
}

void judge_install_missing(struct facts *facts, struct finding *f)
{
    const struct install_section *i = facts->config ? facts->config->install : NULL;

    if (!i || facts->config->load_state != LOAD_LOADED || facts->config->builtin ||
        !facts_property_is(facts, "ActiveState", "inactive") || facts->n_invocations > 0 ||
        was_attempted(facts) || !is_for_boot(facts))
        return;
    const char *target = absent_target(facts, i);
    if (!target && !facts_property_is(facts, "UnitFileState", "static"))
        return;
    const char *wants = facts->config->user ? "default.target" : "multi-user.target";
    if (target) {
        find(f, SURE_PROVEN, "%s is wanted by %s, which does not exist: nothing starts it at boot",
             facts->unit, target);
        find_fact(f, "target", target);
        find_setting(f, facts, "Install", "WantedBy");
        find_evidence(f, EVIDENCE_PROBE, "%s: not found", target);
        find_fix_dropin(f, "name a target that is reached at boot, then enable it again",
                        "[Install]\nWantedBy=\nWantedBy=%s\n", wants);
        return;
    }
    find(f, SURE_LIKELY,
         "%s has no [Install] section: enabling it does nothing, so nothing starts it at boot",
         facts->unit);
    find_evidence(f, EVIDENCE_UNIT, "%s: no WantedBy=, RequiredBy= or Also= in [Install]",
                  strempty(facts->config->fragment_path));
    find_evidence(f, EVIDENCE_MANAGER, "UnitFileState=static, and it was never started");
    find_fix_dropin(f, "say who wants it, then enable it again", "[Install]\nWantedBy=%s\n", wants);
}
