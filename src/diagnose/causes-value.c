/* Causes in the values of the unit's settings: what a shell would understand, and no manager does.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "launch/exec_status.h"

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
    auto_free char *raw = judge_raw_setting(facts, "ExecStart");
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

/* Whether what failed is that the first word was taken for a program. */
static bool failed_at_exec(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);

    return i && i->launch.status == EXEC_STATUS_EXEC;
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
        auto_strv char **values = judge_raw_settings(facts, exec_directives[i]);

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
        auto_strv char **values = judge_raw_settings(facts, exec_directives[i]);

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
        auto_free char *raw = judge_raw_setting(facts, directives[i]);
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
        auto_free char *raw = judge_raw_setting(facts, directives[i]);
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
        auto_strv char **values = judge_raw_settings(facts, directives[i]);

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
