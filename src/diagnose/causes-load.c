/* Causes in the unit's files. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"
#include "launch/exec_status.h"

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

/* ---- command lines
 * ------------------------------------------------------------------------------------ */

static const struct exec_command *main_command(const struct facts *facts)
{
    return facts->config ? facts->config->service->exec_start : NULL;
}

/* The values of a directive as the files have them: the parsed ones have lost what was refused. */
static char **raw_settings(const struct facts *facts, const char *directive)
{
    size_t n = strlen(directive);
    char **values = new0(char *, 2);

    for (unsigned k = 0;
         values && facts->config && k < 1 + strv_length(facts->config->dropin_paths); k++) {
        const char *path = unit_config_file(facts->config, k);
        auto_free char *file = NULL;

        if (!path || *path != '/' || file_read(path, 1 << 20, &file, NULL) < 0)
            continue;
        auto_strv char **lines = strv_split(file, "\n");
        STRV_FOREACH (line, lines) {
            char *s = strstrip(*line);
            size_t name = strncmp(s, directive, n) == 0 ? n + strspn(s + n, " \t") : 0;

            if (name > 0 && s[name] == '=' && strv_add(&values, strstrip(s + name + 1)) < 0)
                break;
        }
    }
    return values;
}

/* The last one; a new string, or NULL. */
static char *raw_setting(const struct facts *facts, const char *directive)
{
    auto_strv char **values = raw_settings(facts, directive);
    size_t n = strv_length(values);

    return n > 0 ? strdup(values[n - 1]) : NULL;
}

/* What all that holds command lines is called. */
static const char *const exec_directives[] = { "ExecStart",     "ExecStartPre", "ExecCondition",
                                               "ExecStartPost", "ExecReload",   "ExecStop",
                                               "ExecStopPost" };

/* The manager refuses the whole unit for such a value, also if a drop-in takes it back: it has to
 * be corrected in its place. */
static void fix_in_file(const struct facts *facts, struct finding *f, const char *text,
                        const char *directive, const char *raw, const char *wrong,
                        const char *right)
{
    const char *file = facts->config ? facts->config->fragment_path : NULL;

    if (file && startswith(raw, wrong) && !strpbrk(wrong, "|'*[\\") && !strpbrk(right, "|'&\\"))
        find_fix_command(f, text, "sed -i 's|^%s=%s|%s=%s|' %s && systemctl daemon-reload",
                         directive, wrong, directive, right, file);
    else
        find_fix(f, "%s: %s=%s", text, directive, right);
}

void judge_exec_relative(struct facts *facts, struct finding *f)
{
    const char *error = facts_property(facts, "LoadError");
    auto_free char *raw = raw_setting(facts, "ExecStart");
    const char *p = raw ? raw + strspn(raw, "@-:+!") : "";
    auto_free char *word = strndup(p, strcspn(p, " \t"));
    auto_free char *folder = facts_setting(facts, "Service", "WorkingDirectory");

    if (!word || *word == '/' || !strchr(word, '/') || strchr(word, '=') || strchr(word, '%'))
        return;
    auto_free char *near = NULL;
    const char *base = word + (startswith(word, "./") ? 2 : 0);
    if (folder && path_is_absolute(folder))
        near = path_join(folder, base, NULL);
    find(f, SURE_DECISIVE, "ExecStart= names a program by a relative path: %s", word);
    find_fact(f, "path", word);
    find_setting(f, facts, "Service", "ExecStart");
    if (error)
        find_evidence(f, EVIDENCE_MANAGER, "%s", error);
    else
        find_evidence(f, EVIDENCE_UNIT, "ExecStart=%s", raw);
    if (near)
        fix_in_file(facts, f, "name it by its absolute path", "ExecStart", raw, word,
                    path_simplify(near));
    find_fix(
        f,
        "a program is named by an absolute path, or by its bare name if it is in the default PATH");
    find_not(f, "WorkingDirectory= does not count for the path of the program");
}

void judge_unit_refused(struct facts *facts, struct finding *f)
{
    const char *error = facts_property(facts, "LoadError");

    if (!(facts->config && facts->config->load_state == LOAD_BAD_SETTING) &&
        !facts_property_is(facts, "LoadState", "bad-setting"))
        return;
    const char *text = facts->config ? facts->config->load_error : NULL;
    find(f, SURE_PROVEN, "the unit is refused: %s", text ? text : strempty(error));
    find_fact(f, "error", text ? text : error);
    for (unsigned i = 0; facts->config && i < facts->config->n_messages; i++) {
        const struct unit_message *m = &facts->config->messages[i];

        if (m->file)
            find_evidence(f, EVIDENCE_UNIT, "%s:%u: %s", m->file, m->line, m->text);
        else
            find_evidence(f, EVIDENCE_UNIT, "%s", m->text);
        if (m->remedy)
            find_fix(f, "%s", m->remedy);
    }
    if ((text && strstr(text, "more than one")) || (error && strstr(error, "more than one")) ||
        (facts->config && facts->config->service->exec_start &&
         facts->config->service->exec_start->next)) {
        auto_free char *raw = raw_setting(facts, "ExecStart");

        STRV_FOREACH (path, facts->config->dropin_paths)
            find_evidence(f, EVIDENCE_UNIT, "%s adds to it", *path);
        find_fix_dropin(f, "a drop-in replaces ExecStart= by first emptying it",
                        "[Service]\nExecStart=\nExecStart=%s\n", strempty(raw));
    }
}

/* Whether what failed is that the first word was taken for a program. */
static bool failed_at_exec(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);

    return i && i->launch.status == EXEC_STATUS_EXEC;
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
    const struct exec_command *c = main_command(facts);
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

static void env_prefix_in(const struct facts *facts, struct finding *f, const char *directive,
                          const char *raw)
{
    const char *p = raw + strspn(raw, "@-:+!"), *rest = p;
    size_t assignments = 0;

    for (;;) {
        size_t name = strspn(rest,
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

        if (name == 0 || rest[name] != '=')
            break;
        assignments = (size_t) (rest - p) + strcspn(rest, " \t");
        rest = p + assignments + strspn(p + assignments, " \t");
    }
    if (assignments == 0)
        return;
    find(f, SURE_DECISIVE + 0.002,
         "%s= begins with the assignment %.*s, which is taken for the program", directive,
         (int) strcspn(p, " \t"), p);
    find_fact(f, "directive", directive);
    find_setting(f, facts, "Service", directive);
    find_evidence(f, EVIDENCE_UNIT, "%s=%s", directive, raw);
    find_fix_dropin(f, "set variables by Environment=", "[Service]\nEnvironment=%.*s\n%s=\n%s=%s\n",
                    (int) assignments, p, directive, directive, rest);
}

void judge_exec_env_prefix(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; f->confidence == 0 && i < ELEMENTSOF(exec_directives); i++) {
        auto_strv char **values = raw_settings(facts, exec_directives[i]);

        STRV_FOREACH (v, values)
            if (f->confidence == 0)
                env_prefix_in(facts, f, exec_directives[i], *v);
    }
}

/* What a word of the command line is to a shell; NULL: nothing special. */
static const char *shell_token(const char *word, bool first)
{
    static const char *const tokens[] = { "&&", "||",   "|", ">",  ">>", "<", "2>",
                                          "&>", "2>&1", "&", ";;", "|&", "<<" };
    static const char *const builtins[] = { "cd",    ".",     "source", "export", "ulimit",
                                            "umask", "if",    "for",    "while",  "set",
                                            "trap",  "alias", "unset",  "eval" };
    static const char *const starts[] = { "$(", "2>", ">/", ">>/", "1>", "&>/", "`", "</" };

    for (size_t i = 0; first && i < ELEMENTSOF(builtins); i++)
        if (streq(word + strspn(word, "@-:+!"), builtins[i]))
            return builtins[i];
    for (size_t i = 0; !first && i < ELEMENTSOF(tokens); i++)
        if (streq(word, tokens[i]))
            return tokens[i];
    for (size_t i = 0; !first && i < ELEMENTSOF(starts); i++)
        if (startswith(word, starts[i]) || (i == 0 && strstr(word, starts[i])))
            return word;
    return NULL;
}

/* The better half of the fixes: settings in place of the shell's work. */
static void shell_fixes(struct finding *f, const char *directive, const char *raw, char **words)
{
    if (streq(words[0], "cd") && words[1] && words[2] && words[3])
        find_fix_dropin(f, "use the settings for it",
                        "[Service]\nWorkingDirectory=%s\n%s=\n%s=%s\n", words[1], directive,
                        directive, strstr(raw, words[3]));
    for (size_t i = 1; words[i]; i++)
        if ((streq(words[i], ">>") || streq(words[i], ">")) && words[i + 1] &&
            *words[i + 1] == '/') {
            char *cut = strstr(raw, words[i]);

            find_fix_dropin(f, "use the settings for it",
                            "[Service]\nStandardOutput=%s:%s\n%s=\n%s=%.*s\n",
                            streq(words[i], ">>") ? "append" : "truncate", words[i + 1], directive,
                            directive, (int) (cut - raw), raw);
            break;
        }
    find_fix_dropin(f, "or give it to a shell", "[Service]\n%s=\n%s=/bin/sh -c '%s'\n", directive,
                    directive, raw);
}

static void shell_syntax_in(const struct facts *facts, struct finding *f, const char *directive,
                            const char *raw)
{
    auto_strv char **words = strv_split(raw, " \t");
    const char *token = NULL, *quote = NULL;

    if (!words || !words[0])
        return;
    const char *name = path_basename(words[0] + strspn(words[0], "@-:+!"));
    if (streq(name, "sh") || streq(name, "env") || endswith(name, "bash") ||
        endswith(name, "dash") || endswith(name, "zsh"))
        return;
    STRV_FOREACH (w, words) {
        /* What stands between quotes is one argument, and meant so. */
        bool open = quote;
        for (const char *c = *w; *c; c++)
            if (*c == '"' || *c == '\'')
                quote = !quote ? c : *quote == *c ? NULL : quote;
        const char *t = open || strpbrk(*w, "\"'") ? NULL : shell_token(*w, w == words);

        if (t && (!token || failed_at_exec(facts)))
            token = w == words || !token || failed_at_exec(facts) ? t : token;
    }
    if (!token)
        return;
    find(f, failed_at_exec(facts) ? SURE_DECISIVE : SURE_PROVEN,
         "%s= holds shell syntax (%s), but no shell reads it: the program gets it as an argument",
         directive, token);
    find_fact(f, "token", token);
    find_evidence(f, EVIDENCE_UNIT, "%s=%s", directive, raw);
    find_setting(f, facts, "Service", directive);
    shell_fixes(f, directive, raw, words);
}

void judge_exec_shell_syntax(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; f->confidence == 0 && i < ELEMENTSOF(exec_directives); i++) {
        auto_strv char **values = raw_settings(facts, exec_directives[i]);

        STRV_FOREACH (v, values)
            if (f->confidence == 0)
                shell_syntax_in(facts, f, exec_directives[i], *v);
    }
}

void judge_inline_comment(struct facts *facts, struct finding *f)
{
    static const char *const directives[] = {
        "WorkingDirectory", "User",        "Group",         "ExecStart", "EnvironmentFile",
        "StandardOutput",   "Environment", "RootDirectory", "PIDFile",   "RuntimeDirectory",
        "StateDirectory"
    };

    for (size_t i = 0; i < ELEMENTSOF(directives); i++) {
        auto_free char *raw = raw_setting(facts, directives[i]);
        char *hash = raw ? strstr(raw, " #") : NULL;

        if (!hash)
            continue;
        const struct facts_invocation *inv = facts_explained(facts);
        bool decisive = inv && inv->launch.status &&
                        (streq_ptr(inv->launch.directive, directives[i]) ||
                         strstr(strempty(inv->launch.object), " #"));
        find(f, decisive ? SURE_DECISIVE + 0.005 : SURE_LIKELY - 0.1,
             "the comment behind %s= is part of its value: \"%s\"", directives[i], raw);
        find_fact(f, "value", raw);
        find_evidence(f, EVIDENCE_UNIT, "%s=%s", directives[i], raw);
        find_setting(f, facts, "Service", directives[i]);
        find_fix_dropin(f, "put the comment on a line of its own", "[Service]\n%s=%.*s\n",
                        directives[i], (int) (hash - raw), raw);
        return;
    }
}

void judge_tilde_unexpanded(struct facts *facts, struct finding *f)
{
    static const char *const directives[] = { "WorkingDirectory", "ExecStart",
                                              "EnvironmentFile",  "ReadWritePaths",
                                              "StandardOutput",   "PIDFile",
                                              "RootDirectory" };

    for (size_t i = 0; i < ELEMENTSOF(directives); i++) {
        auto_free char *raw = raw_setting(facts, directives[i]);
        const char *p = raw ? raw + strspn(raw, "-@+!:") : "";
        const char *rest = startswith(p, "~/") ? p + 2 : startswith(p, "$HOME/") ? p + 6 : NULL;

        if (!rest)
            continue;
        find(f, SURE_DECISIVE + 0.003, "%s=%s: nothing expands %s here", directives[i], raw,
             *p == '~' ? "~" : "$HOME");
        find_fact(f, "value", raw);
        find_evidence(f, EVIDENCE_UNIT, "%s=%s", directives[i], raw);
        find_setting(f, facts, "Service", directives[i]);
        static const char text[] = "use the specifier for the home folder (/root for the system "
                                   "manager), or the absolute path";
        auto_free char *right = format("%%h/%s", rest);
        if (i < 2 && right) /* the others are only ignored */
            fix_in_file(facts, f, text, directives[i], raw, raw, right);
        else
            find_fix_dropin(f, text, "[Service]\n%s=%%h/%s\n", directives[i], rest);
        find_not(f, "User= does not change what %%h is: it is the home of the manager's own user");
        return;
    }
}

void judge_env_path_literal(struct facts *facts, struct finding *f)
{
    const char *path = facts->config ? strv_env_get(facts->config->exec->environment, "PATH")
                                     : NULL;
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));

    if (!path || (!strstr(path, "$PATH") && !strstr(path, "${PATH}")))
        return;
    bool not_found = (e && e->code == CLD_EXITED && e->status == 127) || failed_at_exec(facts);
    find(f, not_found ? SURE_PROVEN : SURE_LIKELY - 0.1,
         "Environment=PATH=%s: $PATH is not expanded, so the usual folders are not searched", path);
    find_fact(f, "PATH", path);
    find_setting(f, facts, "Service", "Environment");
    if (e)
        find_evidence(f, EVIDENCE_EXIT, "%s ended with status %d: a command was not found",
                      e->command, e->status);
    auto_free char *fixed = strdup(path);
    char *at = fixed ? strstr(fixed, strstr(path, "${PATH}") ? "${PATH}" : "$PATH") : NULL;
    if (at)
        find_fix_dropin(
            f, "write the usual folders out",
            "[Service]\nEnvironment=PATH=%.*s/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin%s\n",
            (int) (at - fixed), fixed, at + strcspn(at, ":"));
    judge_last_words(facts, f, 2);
}

/* ---- environment files
 * -------------------------------------------------------------------------------- */

/* What is wrong with a line of an environment file, in words; NULL: nothing. */
static const char *env_line_fault(const char *s)
{
    const char *equals = strchr(s, '='), *value = equals ? equals + 1 : "";
    size_t name = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    const char *dollar = *value == '\'' ? NULL : strchr(value, '$');

    if (*s == 0 || *s == '#' || *s == ';')
        return NULL;
    if (startswith(s, "export ") || startswith(s, "set ") || startswith(s, "declare "))
        return "is for a shell: the variable is not set";
    if (!equals)
        return s[name] == ':' ? "is no assignment (NAME=value): it is ignored" : NULL;
    if (*value != '\'' && (strchr(value, '`') || strstr(value, "$(")))
        return "runs nothing: no shell reads an environment file";
    return dollar && (isalpha((unsigned char) dollar[1]) || dollar[1] == '_' || dollar[1] == '{')
               ? "has a $ that nothing expands in an environment file"
               : NULL;
}

/* Whether the program has to do with the variable: by its words, its text, or a path it tried. */
static bool variable_matters(struct facts *facts, const char *name, const char *value)
{
    const char *dollar = strpbrk(value, "$`");

    if (judge_said(facts, name) || (dollar && judge_said(facts, dollar)))
        return true;
    for (size_t i = 0; dollar && i < facts->n_trace; i++)
        if (facts->trace[i].error && facts->trace[i].text && strstr(facts->trace[i].text, dollar))
            return true;
    return judge_program_has(facts, name);
}

void judge_env_syntax(struct facts *facts, struct finding *f)
{
    for (const struct env_file *e = facts->config ? facts->config->exec->environment_file : NULL; e;
         e = e->next) {
        auto_free char *text = NULL;
        unsigned number = 0;

        if (facts->recorded || file_read(e->path, 1 << 20, &text, NULL) < 0)
            continue;
        for (char *line = text, *end; line && *line; line = end) {
            end = strchr(line, '\n');
            if (end)
                *end++ = 0;
            number++;
            char *s = strstrip(line);
            const char *fault = env_line_fault(s);
            const char *assignment = fault && startswith(s, "export ") ? s + strlen("export ") : s;
            size_t n = strcspn(assignment, "=: ");
            auto_free char *name = strndup(assignment, n);

            if (!fault || !name)
                continue;
            find(f,
                 variable_matters(facts, name, assignment + n) ? SURE_PROVEN - 0.1
                 : strchr(s, '$') && assignment == s           ? SURE_POSSIBLE
                                                               : SURE_ENOUGH + 0.05,
                 "%s:%u: \"%s\" %s", e->path, number, s, fault);
            find_fact(f, "path", e->path);
            find_fact(f, "variable", name);
            find_evidence(f, EVIDENCE_UNIT, "%s:%u: %s", e->path, number, s);
            find_setting(f, facts, "Service", "EnvironmentFile");
            if (assignment != s) {
                find_fix(f, "write \"%s\" (without export) in %s", assignment, e->path);
                find_fix_command(f, "take the word away", "sed -i 's/^ *export *//' %s", e->path);
            } else if (assignment[n] == ':')
                find_fix(f, "write \"%s=%s\" in %s", name, strstrip(s + n + 1), e->path);
            else
                judge_expand(facts, f, e->path, s);
            judge_last_words(facts, f, 2);
            return;
        }
    }
}

/* ---- specifiers
 * --------------------------------------------------------------------------------------- */

/* %Y%m%d, %H:%M, %s and %F: what date(1), printf and URLs use. Specifiers that one wants stand
 * alone, or in a path. Returns the letter, or 0. */
static char suspicious_percent(const char *raw)
{
    for (const char *p = raw; (p = strchr(p, '%')); p++) {
        if (p[1] == '%') {
            p++;
            continue;
        }
        bool date = p[1] && strchr("HMSYmdFTsuDcxXyjIpP", p[1]) &&
                    (strchr(p + 2, '%') || (p > raw && strchr("%+", p[-1])) ||
                     strstr(raw, "date") || strstr(raw, "strftime") || strstr(raw, "format"));
        bool hex = isxdigit((unsigned char) p[1]) && isxdigit((unsigned char) p[2]);

        if (date || hex)
            return p[1];
    }
    return 0;
}

void judge_specifier_percent(struct facts *facts, struct finding *f)
{
    static const char *const directives[] = { "ExecStart", "ExecStartPre", "Environment" };

    for (size_t i = 0; i < ELEMENTSOF(directives); i++) {
        auto_strv char **values = raw_settings(facts, directives[i]);

        STRV_FOREACH (v, values) {
            char letter = suspicious_percent(*v);
            auto_strbuf struct strbuf fixed = {};

            if (!letter)
                continue;
            for (const char *q = *v; *q; q++) {
                strbuf_add_char(&fixed, *q);
                if (*q == '%')
                    strbuf_add_char(&fixed, '%');
            }
            find(f, SURE_LIKELY + 0.1, "%s=: %%%c is replaced before the program sees it",
                 directives[i], letter);
            find_fact(f, "value", *v);
            find_fact(f, "directive", directives[i]);
            find_evidence(f, EVIDENCE_UNIT, "%s=%s", directives[i], *v);
            find_setting(f, facts, "Service", directives[i]);
            find_fix_dropin(f, "double every % that is meant as such", "[Service]\n%s%s%s=%s\n",
                            i == 2 ? "" : directives[i], i == 2 ? "" : "=\n", directives[i],
                            strbuf_text(&fixed));
            judge_last_words(facts, f, 2);
            return;
        }
    }
}

/* ---- sections
 * ----------------------------------------------------------------------------------------- */

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
