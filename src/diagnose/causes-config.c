/* A configuration that the program does not accept: what it says of a file has to be in the file.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"

#define FILE_MAX ((size_t) 1 << 20)

/* A file, and the words of the program that fit it best. */
struct suspect {
    char *path, *text, *problem; /* problem: what is provably wrong with it; NULL */
    const struct facts_line *line;
    unsigned number; /* of the line meant; 0: not known */
    int score;
};

static void suspect_done(struct suspect *s)
{
    free(s->path);
    free(s->text);
    free(s->problem);
    *s = (struct suspect){};
}

static unsigned line_count(const char *text)
{
    unsigned n = *text != 0;

    for (; *text; text++)
        n += *text == '\n' && text[1];
    return n;
}

/* A new string: the line of that number, without white space around it. */
static char *line_of(const char *text, unsigned number)
{
    for (; number > 1 && text; number--) {
        text = strchr(text, '\n');
        text += text != NULL;
    }
    if (!text)
        return NULL;
    char *copy = strndup(text, strcspn(text, "\n"));
    char *stripped = copy ? strdup(strstrip(copy)) : NULL;
    free(copy);
    return stripped;
}

static unsigned number_of(const char *text, const char *at)
{
    unsigned n = 1;

    for (; text < at; text++)
        n += *text == '\n';
    return n;
}

/* The number of a line that the words name: "line 12", "x.conf:12", "[x.conf:12]"; 0. */
static unsigned named_line(const char *words, const char *name)
{
    const char *at = name ? strstr(words, name) : NULL;

    if (at && at[strlen(name)] == ':')
        return (unsigned) strtoul(at + strlen(name) + 1, NULL, 10);
    for (at = words; (at = strcasestr(at, "line")); at += strlen("line")) {
        const char *p = at + strlen("line");

        p += strspn(p, " #:");
        if (isdigit((unsigned char) *p))
            return (unsigned) strtoul(p, NULL, 10);
    }
    return 0;
}

/* A piece that the words quote and the file has: returns its place in the file, or NULL. */
static const char *quoted_piece(const char *words, const char *text)
{
    static const char quotes[] = "'\"`";

    for (const char *p = words; (p = strpbrk(p, quotes)); p++) {
        size_t n = strcspn(p + 1, quotes);
        auto_free char *piece = p[1 + n] ? strndup(p + 1, n) : NULL;
        const char *found = piece && n >= 3 ? strstr(text, piece) : NULL;

        if (found)
            return found;
    }
    return NULL;
}

static bool complains(const char *words)
{
    static const char *const all[] = { "unknown",   "invalid",     "syntax",    "pars",
                                       "expect",    "unrecogni",   "bad ",      "malformed",
                                       "illegal",   "unresolved",  "not valid", "missing",
                                       "required",  "decod",       "emerg",     "config",
                                       "not allow", "unsupported", "duplicate" };

    for (size_t i = 0; i < ELEMENTSOF(all); i++)
        if (strcasestr(words, all[i]))
            return true;
    return false;
}

/* How well the words fit the file. */
static void weigh(struct suspect *s, const struct facts_line *l)
{
    const char *words = strempty(l->text), *name = path_basename(s->path);
    bool path = strstr(words, s->path), base = strstr(words, name);
    unsigned number = named_line(words, base ? name : NULL);
    const char *piece = quoted_piece(words, s->text);
    int score = (path ? 3 : base ? 2 : 0) + complains(words);

    if (number > line_count(s->text))
        number = 0;
    score += number ? 2 : 0;
    if (piece && (!number || number_of(s->text, piece) == number || path || base)) {
        score += 3;
        number = number ? number : number_of(s->text, piece);
    }
    if (score <= s->score)
        return;
    s->score = score;
    s->line = l;
    s->number = number;
}

/* What is wrong with a file whose format we read ourselves; a new string, or NULL. */
static char *format_problem(const char *path, const char *text)
{
    json_error_t error;
    const char *begin = text + strspn(text, " \t\r\n");

    if (!endswith(path, ".json") || (*begin != '{' && *begin != '['))
        return NULL;
    json_t *j = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (j) {
        json_decref(j);
        return NULL;
    }
    return format("it is no valid JSON: line %d: %s", error.line, error.text);
}

/* Program text and data that programs open on their way are not configuration. */
static bool may_be_configuration(const struct facts *facts, const char *path, char **ret_text)
{
    static const char *const others[] = { ".py",  ".js",  ".rb", ".pl",  ".pm", ".php",  ".so",
                                          ".jar", ".lua", ".sh", ".key", ".go", ".java", ".c",
                                          ".cc",  ".cpp", ".rs", ".ts",  ".mjs" };
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    struct stat st;
    size_t size = 0;

    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (endswith(path, others[i]))
            return false;
    if (*path != '/' || (c && streq(c->path, path)) || stat(path, &st) < 0 ||
        !S_ISREG(st.st_mode) || file_read(path, FILE_MAX, ret_text, &size) < 0)
        return false;
    if (strlen(*ret_text) != size || startswith(*ret_text, "#!")) {
        free(take_ptr(*ret_text));
        return false;
    }
    return true;
}

/* Weighs the file against all that was said; the better one stays in *best. */
static void consider(const struct facts *facts, const char *path, struct suspect *best)
{
    struct suspect s = {};
    size_t at = 0;

    if (streq_ptr(best->path, path) || !may_be_configuration(facts, path, &s.text))
        return;
    s.path = strdup(path);
    s.problem = s.path ? format_problem(path, s.text) : NULL;
    s.score = s.problem ? 5 : 0;
    for (const struct facts_line *l;
         s.path && (l = facts_next_line(facts, facts_explained(facts), false, &at));)
        weigh(&s, l);
    if (s.score > best->score) {
        suspect_done(best);
        *best = s;
        return;
    }
    suspect_done(&s);
}

static void find_suspect(const struct facts *facts, struct suspect *best)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    size_t at = 0;

    for (size_t i = facts->n_trace; i > 0; i--) {
        const struct trace_event *e = &facts->trace[i - 1];

        if (!e->error && e->path && startswith(e->call, "open"))
            consider(facts, e->path, best);
    }
    STRV_FOREACH (a, c ? c->argv : NULL) {
        const char *p = strchr(*a, '/');

        if (p && a != c->argv)
            consider(facts, p, best);
    }
    for (const struct facts_line *l;
         (l = facts_next_line(facts, facts_explained(facts), false, &at));)
        /* A frame of a trace names source files. */
        for (const char *p = *strempty(l->text) == '\t' ? "" : strempty(l->text);
             (p = strchr(p, '/')); p++) {
            size_t n = strcspn(p, " \t\"'`,;:()[]<>");
            auto_free char *path = n > 1 ? strndup(p, n) : NULL;

            if (path)
                consider(facts, path, best);
            p += n > 0 ? n - 1 : 0;
        }
}

/* The command that checks the configuration of a well-known program; a new string, or NULL. */
static char *own_check(const char *program, const char *path)
{
    static const struct {
        const char *program, *check;
    } known[] = {
        { "nginx", "nginx -t -c " },
        { "haproxy", "haproxy -c -f " },
        { "lighttpd", "lighttpd -tt -f " },
        { "sshd", "sshd -t -f " },
        { "named", "named-checkconf " },
        { "apache2", "apache2ctl -t -f " },
        { "httpd", "httpd -t -f " },
        { "dnsmasq", "dnsmasq --test -C " },
        { "php-fpm", "php-fpm -t -y " },
        { "unbound", "unbound-checkconf " },
        { "squid", "squid -k parse -f " },
        { "chronyd", "chronyd -p -f " },
        { "prometheus", "promtool check config " },
        { "caddy", "caddy validate --config " },
        { "smbd", "testparm -s " },
        { "dhcpd", "dhcpd -t -cf " },
        { "slapd", "slaptest -f " },
        { "rsyslogd", "rsyslogd -N1 -f " },
        { "keepalived", "keepalived -t -f " },
        { "varnishd", "varnishd -C -f " },
        { "traefik", "traefik --configFile=" },
    };

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (streq(known[i].program, path_basename(program)))
            return format("%s%s", known[i].check, path);
    return NULL;
}

void judge_config_invalid(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    _cleanup_(suspect_done) struct suspect s = {};

    if (!e || e->code != CLD_EXITED || e->status >= 200 || facts->recorded)
        return;
    find_suspect(facts, &s);
    if (!s.path || s.score < 3)
        return;
    auto_free char *line = s.number ? line_of(s.text, s.number) : NULL;
    find(f,
         s.problem        ? SURE_PROVEN
         : !facts->traced ? SURE_LIKELY
         : s.score >= 5   ? SURE_PROVEN - 0.02
                          : SURE_PROVEN - 0.1,
         "%s is not accepted: %s", s.path,
         s.problem ? s.problem
         : s.line  ? strempty(s.line->text)
                   : "");
    find_fact(f, "path", s.path);
    if (s.number)
        find_fact_number(f, "line", s.number);
    if (s.problem)
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", s.path, s.problem);
    find_line(f, s.line);
    if (line)
        find_evidence(f, EVIDENCE_PROBE, "%s:%u: %s", s.path, s.number, line);
    find_evidence(f, EVIDENCE_EXIT, "%s exited with status %d", strempty(e->command), e->status);
    if (line)
        find_fix(f, "correct line %u of %s", s.number, s.path);
    else
        find_fix(f, "correct %s", s.path);
    auto_free char *check = c ? own_check(c->path, s.path) : NULL;
    if (check)
        find_fix_command(f, "its own check", "%s", check);
    find_prevent(f, check ? "ExecStartPre=%s" : "ExecStartPre=reeve preflight --file=%s",
                 check ? check : s.path);
}
