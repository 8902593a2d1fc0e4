#include "diagnose/judge.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/probe.h"
#include "unit/command.h"
#include "unit/directive.h"

char *judge_path_in_output(const struct facts *f, const char *prefix)
{
    const struct facts_invocation *i = facts_explained(f);
    char *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l; (l = facts_next_line(f, i, false, &at));) {
        const char *begin = strstr(strempty(l->text), prefix);

        if (!begin)
            continue;
        free(found);
        found = strndup(begin, strcspn(begin, " \t\"'`,;:)]>"));
    }
    return found;
}

void judge_dangling_link(struct facts *facts, struct finding *f, const char *path,
                         const char *missing)
{
    auto_free char *folder = strndup(missing, (size_t) (path_basename(missing) - missing));
    auto_free char *newest = NULL;
    time_t newest_time = 0;

    find_fact(f, "link_target", missing);
    if (facts->recorded || !folder || !*folder)
        return;
    auto_closedir DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        auto_free char *other = e->d_name[0] == '.' ? NULL : path_join(folder, e->d_name, NULL);
        struct stat st;

        if (other && stat(other, &st) == 0 && st.st_mtime >= newest_time) {
            newest_time = st.st_mtime;
            (void) str_replace(&newest, other);
        }
    }
    if (!newest)
        return;
    find_evidence(f, EVIDENCE_PROBE, "beside it there is %s", newest);
    /* The link is the last component of the path that exists as one. */
    auto_free char *link = strdup(path), *target = NULL;
    for (char *slash; link && *link && readlink_alloc(link, &target) < 0;) {
        slash = strrchr(link, '/');
        if (!slash || slash == link)
            return;
        *slash = 0;
    }
    if (target)
        find_fix_command(f, "point the link at what is there", "ln -sfn %s %s", newest, link);
}

void judge_last_words(const struct facts *facts, struct finding *f, size_t n)
{
    const struct facts_invocation *i = facts_explained(facts);
    const struct facts_line *last[16];
    size_t at = 0, count = 0;

    if (n > ELEMENTSOF(last))
        n = ELEMENTSOF(last);
    for (const struct facts_line *l; (l = facts_next_line(facts, i, false, &at));)
        last[count++ % n] = l;
    for (size_t k = count > n ? count - n : 0; k < count; k++)
        find_line(f, last[k % n]);
}

/* The value that the file gives a name, quotes taken off; a new string. */
static char *value_in_file(const char *path, const char *name, size_t n)
{
    auto_free char *text = NULL;

    if (file_read(path, 1 << 20, &text, NULL) < 0)
        return NULL;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (line, lines) {
        char *s = strstrip(*line);

        s += startswith(s, "export ") ? strlen("export ") : 0;
        if (strncmp(s, name, n) != 0 || s[n] != '=')
            continue;
        char *value = s + n + 1;
        size_t k = strlen(value);
        if (k > 1 && (*value == '"' || *value == '\'') && value[k - 1] == *value) {
            value[k - 1] = 0;
            value++;
        }
        return strdup(value);
    }
    return NULL;
}

void judge_expand(const struct facts *facts, struct finding *f, const char *path, const char *line)
{
    auto_strbuf struct strbuf b = {};

    for (const char *p = line; *p;) {
        const char *name = p + 1 + (p[0] == '$' && p[1] == '{');
        size_t n = *p == '$'
                       ? strspn(name,
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")
                       : 0;
        auto_free char *value = n > 0 ? value_in_file(path, name, n) : NULL;

        if (!value) {
            strbuf_add_char(&b, *p++);
            continue;
        }
        strbuf_add(&b, value);
        p = name + n + (name[n] == '}' && name[-1] == '{');
    }
    if (streq(strbuf_text(&b), line))
        find_fix(f, "write the value out in %s: no shell reads the file", path);
    else
        find_fix(f, "write the value out in %s: %s", path, strbuf_text(&b));
    if (!streq(strbuf_text(&b), line) && !strpbrk(strbuf_text(&b), "$|&'\\"))
        find_fix_command(f, "that line", "sed -i 's|^%.*s=.*|%s|' %s", (int) strcspn(line, "="),
                         line, strbuf_text(&b), path);
}

void judge_moved_setting(const struct facts *facts, struct finding *f, const struct unit_message *m)
{
    static const char *const sections[] = { "Service", "Unit", "Install" };
    auto_free char *text = NULL;
    size_t n = strlen(m->directive);

    if (facts->recorded || file_read(m->file, 1 << 20, &text, NULL) < 0)
        return;
    auto_strv char **lines = strv_split(text, "\n");
    for (size_t i = 0; lines && i < ELEMENTSOF(sections); i++) {
        if (streq(sections[i], m->section) ||
            !directive_find(facts->config->type, sections[i], m->directive, NULL))
            continue;
        STRV_FOREACH (line, lines) {
            char *s = strstrip(*line);

            if (strncmp(s, m->directive, n) == 0 && s[n + strspn(s + n, " \t")] == '=') {
                find_fix_dropin(f, "put it where it belongs", "[%s]\n%s\n", sections[i], s);
                return;
            }
        }
    }
}

bool judge_gave_up_after(const struct facts *facts, const struct trace_event *e)
{
    for (const struct trace_event *t = e + 1; t < facts->trace + facts->n_trace; t++)
        if (t->pid == e->pid && (!t->error || t->error == EINPROGRESS))
            return false;
    return true;
}

bool judge_program_has(const struct facts *facts, const char *word)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    STRV_FOREACH (a, c && !facts->recorded ? c->argv : NULL) {
        const char *path = a == c->argv ? c->path : *a;
        auto_free char *text = NULL;
        size_t size = 0;

        /* An interpreter knows every name there is: of the file that it runs it is telling. */
        if (*path == '/' && file_read(path, 16 << 20, &text, &size) >= 0 &&
            (a != c->argv || !c->argv[1] || startswith(text, "#!")) &&
            memmem(text, size, word, strlen(word)))
            return true;
    }
    return false;
}

void judge_other_program(const struct facts *facts, struct finding *f, const char *text,
                         const char *program, const char *other)
{
    const struct service_config *s = facts->config ? facts->config->service : NULL;
    const struct {
        const char *directive;
        const struct exec_command *commands;
    } lists[] = {
        { "ExecStart", s ? s->exec_start : NULL },
        { "ExecCondition", s ? s->exec_condition : NULL },
        { "ExecStartPre", s ? s->exec_start_pre : NULL },
        { "ExecStartPost", s ? s->exec_start_post : NULL },
        { "ExecReload", s ? s->exec_reload : NULL },
        { "ExecStop", s ? s->exec_stop : NULL },
        { "ExecStopPost", s ? s->exec_stop_post : NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
        auto_strbuf struct strbuf b = {};
        bool found = false;

        strbuf_addf(&b, "[Service]\n%s=\n", lists[i].directive);
        for (const struct exec_command *c = lists[i].commands; c; c = c->next) {
            struct exec_command copy = *c;
            size_t n = strv_length(c->argv) + 1;
            auto_free char **argv = new0(char *, n);

            if (argv && streq(c->path, program)) {
                found = true;
                memcpy(argv, c->argv, n * sizeof *argv);
                if (streq(argv[0], program))
                    argv[0] = (char *) other;
                copy.path = (char *) other;
                copy.argv = argv;
            }
            auto_free char *line = command_format(&copy);
            strbuf_addf(&b, "%s=%s\n", lists[i].directive, strempty(line));
        }
        if (found)
            find_fix_dropin(f, text, "%s", strbuf_text(&b));
    }
}

bool judge_said(const struct facts *f, const char *text)
{
    return facts_find_line(f, facts_explained(f), text) != NULL;
}

/* The first absolute path in a line; a new string, or NULL. */
static char *path_in(const char *line)
{
    for (const char *p = line; (p = strchr(p, '/')); p++) {
        size_t n = strcspn(p, " \t\"'`,;:)]>");

        if ((p == line || strchr(" \t\"'`([<=:", p[-1])) && n > 1 && p[1] != '/')
            return strndup(p, n);
    }
    return NULL;
}

char *judge_path_after(const struct facts *f, const char *words)
{
    const struct facts_line *l = facts_find_line(f, facts_explained(f), words);

    return l ? path_in(l->text) : NULL;
}

char *judge_lock_in_output(const struct facts *f)
{
    const struct facts_invocation *i = facts_explained(f);
    char *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l; (l = facts_next_line(f, i, false, &at));) {
        /* A frame of a trace names source files. */
        if (*strempty(l->text) == '\t')
            continue;
        char *path = strcasestr(strempty(l->text), "lock") ||
                             strcasestr(strempty(l->text), "already running")
                         ? path_in(l->text)
                         : NULL;

        if (path && (strstr(path, "lock") || endswith(path, ".pid"))) {
            free(found);
            found = path;
        } else {
            free(path);
        }
    }
    return found;
}

/* Whether the number behind a colon is the minutes or seconds of a time: 12:34:56. */
static bool is_of_time(const char *text, const char *p, const char *end)
{
    if (p - text < 3 || p[-1] != ':' || end - p != 2 || !isdigit((unsigned char) p[-2]) ||
        !isdigit((unsigned char) p[-3]))
        return false;
    return p - text == 3 || (p[-4] != '.' && !isdigit((unsigned char) p[-4]));
}

/* Numbers that stand where ports stand: behind a colon, "port", "-p", "listen". */
static unsigned port_in(const char *text)
{
    for (const char *p = text; p && *p; p++) {
        char *end;
        unsigned long n;

        if (!(*p >= '1' && *p <= '9') ||
            (p > text && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '.')))
            continue;
        n = strtoul(p, &end, 10);
        bool behind = p > text && (p[-1] == ':' || p[-1] == '=' || p[-1] == ' ');
        const char *begin = p - text > 12 ? p - 12 : text;
        auto_free char *before = strndup(begin, (size_t) (p - begin));
        bool named = before && (strcasestr(before, "port") || strcasestr(before, "listen") ||
                                strstr(before, "127.0.0.1\"") || strstr(before, "0.0.0.0\"") ||
                                strstr(before, "-p "));

        if (n > 0 && n < 65536 && *end != '.' && !is_of_time(text, p, end) &&
            (named || (behind && p[-1] == ':')))
            return (unsigned) n;
        p = end - 1;
    }
    return 0;
}

unsigned judge_port_of_command(const struct facts *facts)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    const struct facts_invocation *i = facts_explained(facts);
    auto_free char *line = c && c->argv ? strv_join(c->argv, " ") : NULL;
    unsigned port = line ? port_in(line) : 0;
    size_t at = 0;

    STRV_FOREACH (e, facts->config ? facts->config->exec->environment : NULL)
        if (!port)
            port = port_in(*e);
    /* Of a script, its own text. */
    STRV_FOREACH (a, c && !facts->recorded ? c->argv : NULL) {
        auto_free char *text = NULL;
        const char *path = a == c->argv ? c->path : *a;

        if (!port && *path == '/' && file_read(path, 256 * 1024, &text, NULL) >= 0 &&
            text[0] != 0x7f)
            port = port_in(text);
    }
    for (const struct facts_line *l; !port && (l = facts_next_line(facts, i, false, &at));)
        port = port_in(l->text);
    return port;
}

void judge_port_in_words(struct facts *facts, struct finding *f)
{
    static const char *const words[] = { "address already in use",
                                         "address in use",
                                         "EADDRINUSE",
                                         "errno 98",
                                         "already in use",
                                         "cannot listen",
                                         "failed to listen",
                                         "could not bind",
                                         "cannot bind" };
    const struct facts_line *l = NULL;

    for (size_t i = 0; !l && i < ELEMENTSOF(words); i++)
        l = facts_find_line(facts, facts_explained(facts), words[i]);
    if (!l)
        return;
    unsigned port = port_in(l->text);
    if (!port)
        port = judge_port_of_command(facts);
    if (!port || !probe_true(facts_probe(facts, "port", "tcp 0.0.0.0:%u", port), "held"))
        return;
    auto_free char *address = format("0.0.0.0:%u", port);
    find(f, SURE_PROVEN, "port %u is in use", port);
    find_fact(f, "address", address);
    find_fact_number(f, "port", port);
    find_line(f, l);
}

double judge_said_or_used(bool said, bool uses)
{
    if (said)
        return uses ? SURE_PROVEN - 0.02 : SURE_PROVEN - 0.1;
    return SURE_ENOUGH + 0.05;
}

bool judge_result_is(const struct facts *facts, const char *result)
{
    const struct facts_invocation *i = facts_explained(facts);

    return facts_property_is(facts, "Result", result) || (i && streq_ptr(i->result, result));
}

unsigned judge_service_type(const struct facts *facts)
{
    return facts->config ? facts->config->service->type : SERVICE_TYPE_SIMPLE;
}

const struct facts_line *judge_manager_said(const struct facts *facts, const char *words)
{
    const struct facts_line *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l;
         (l = facts_next_line(facts, facts_explained(facts), true, &at));)
        if (strstr(strempty(l->text), words))
            found = l;
    return found;
}

const struct facts_exit *judge_main_exit(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);
    const struct facts_exit *found = NULL;

    for (size_t k = 0; i && k < i->n_exits; k++)
        if (streq_ptr(i->exits[k].command, "ExecStart"))
            found = &i->exits[k];
    return found;
}

char *judge_command_text(const struct exec_command *c)
{
    return c ? strv_join(c->argv, " ") : NULL;
}

void judge_exit_evidence(struct finding *f, const struct facts_exit *e)
{
    if (!e)
        return;
    if (e->code == CLD_EXITED)
        find_evidence(f, EVIDENCE_EXIT, "%s exited with status %d", strempty(e->command),
                      e->status);
    else
        find_evidence(f, EVIDENCE_EXIT, "%s was ended by SIG%s", strempty(e->command),
                      signal_name(e->status));
}

/* The last call that failed so: what a program gave up over stands at the end. */
const struct trace_event *judge_last_call(const struct facts *facts, const char *call, int error)
{
    const struct trace_event *found = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];

        if (e->error == error && (!call || streq(e->call, call)) && trace_event_is_telling(e))
            found = e;
    }
    return found;
}

bool judge_is_set(const struct facts *facts, const char *directive)
{
    auto_free char *value = facts_setting(facts, "Service", directive);

    return value && *value;
}

const struct exec_command *judge_main_command(const struct facts *facts)
{
    return facts->config ? facts->config->service->exec_start : NULL;
}

/* The values of a directive as the files have them: the parsed ones have lost what was refused. */
char **judge_raw_settings(const struct facts *facts, const char *directive)
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
char *judge_raw_setting(const struct facts *facts, const char *directive)
{
    auto_strv char **values = judge_raw_settings(facts, directive);
    size_t n = strv_length(values);

    return n > 0 ? strdup(values[n - 1]) : NULL;
}
