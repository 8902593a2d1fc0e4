#include "unit/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"
#include "unit/cycle.h"
#include "unit/directive.h"
#include "unit/file.h"
#include "unit/load.h"
#include "unit/name.h"
#include "unit/value.h"

struct line {
    struct unit_config *config;
    const char *file;
    unsigned number;
    const char *section, *name, *value;
};

void unit_check_code(struct unit_config *c, unsigned before, const char *code)
{
    for (unsigned i = before; i < c->n_messages; i++)
        c->messages[i].code = code;
}

static void warn(const struct line *l, const char *code, const char *remedy, const char *text)
{
    unsigned before = l->config->n_messages;

    unit_config_message(l->config, LOG_WARNING, l->file, l->number, l->section, l->name, remedy,
                        "%s", text);
    unit_check_code(l->config, before, code);
}

static bool is_command(const char *name)
{
    return startswith(name, "Exec") && !streq(name, "ExecSearchPath") && !streq(name, "ExecPaths");
}

/* A "#" or ";" that stands by itself or begins a word behind the value: people mean a comment. */
static void check_comment(const struct line *l)
{
    bool free_text = streq(l->name, "Description") || startswith(l->name, "X-");

    for (const char *p = l->value; *p && !free_text; p++)
        if (*p == '#' && p > l->value && isspace((unsigned char) p[-1]) &&
            (!p[1] || isspace((unsigned char) p[1]))) {
            warn(l, "inline-comment", "put the comment on a line of its own",
                 "there are no comments behind values: the rest of the line is part of the value");
            return;
        }
}

/* The first word looks like NAME=value. */
static bool is_assignment(const char *word)
{
    size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && word[n] == '=' && !isdigit((unsigned char) *word);
}

static bool is_shell(const char *program)
{
    static const char *const shells[] = { "sh",  "bash", "dash",    "zsh",
                                          "ksh", "ash",  "busybox", "env" };

    for (size_t i = 0; i < ELEMENTSOF(shells); i++)
        if (streq(path_basename(program), shells[i]))
            return true;
    return false;
}

static const char *shell_token(const char *word)
{
    static const char *const whole[] = { "&&", "||", "|", "&", ">", ">>", "<", "2>&1", "&>", "2>" };

    for (size_t i = 0; i < ELEMENTSOF(whole); i++)
        if (streq(word, whole[i]))
            return whole[i];
    if (startswith(word, "2>") || startswith(word, ">/") || startswith(word, ">>/"))
        return "a redirection";
    return strstr(word, "$(") ? "$(...)" : strchr(word, '`') ? "`...`" : NULL;
}

static void check_program(const struct line *l, const char *program)
{
    static const char *const builtins[] = { "cd",   "export", "source", ".",
                                            "exec", "ulimit", "set",    "if" };

    if (is_assignment(program)) {
        warn(l, "env-prefix", "set the variable with Environment=",
             "NAME=value before a command is shell syntax: here it is taken for the program");
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(builtins); i++)
        if (streq(builtins[i], program))
            warn(l, "shell-builtin",
                 "use WorkingDirectory=, Environment= and the like, or /bin/sh -c '...'",
                 "the command is one that only a shell knows");
}

static void check_command(const struct line *l)
{
    auto_strv char **words = NULL;
    const char *value = l->value + strspn(l->value, "-@:+!");

    if (quote_split(value, &words, NULL, QUOTE_UNQUOTE | QUOTE_RELAX) <= 0)
        return;
    check_program(l, words[0]);
    for (char **w = words + 1; *w; w++) {
        const char *token = shell_token(*w);
        auto_free char *text = NULL;

        if (startswith(*w, "~/"))
            warn(l, "tilde",
                 "write the whole path, or %h for the home folder of the manager's user",
                 "nothing expands ~ here");
        if (!token || is_shell(words[0]))
            continue;
        text = format(
            "%s is shell syntax: no shell reads this line, the program gets it as an argument",
            token);
        warn(l, "shell-syntax",
             "write /bin/sh -c '...', or use StandardOutput= and several Exec lines",
             strempty(text));
        return;
    }
}

static bool has_variable(const char *value)
{
    for (const char *p = strchr(value, '$'); p; p = strchr(p + 1, '$'))
        if (isalpha((unsigned char) p[1]) || p[1] == '{' || p[1] == '(')
            return true;
    return false;
}

/* Settings in which people write $HOME and the like in vain. */
static void check_variables(const struct line *l)
{
    bool path = streq(l->name, "WorkingDirectory") || streq(l->name, "EnvironmentFile") ||
                streq(l->name, "PIDFile") || streq(l->name, "User") || streq(l->name, "Group") ||
                streq(l->name, "RootDirectory");

    if (!has_variable(l->value))
        return;
    if (streq(l->name, "Environment"))
        warn(l, "variable", "write the value out, or set it in the program's own start",
             "variables are not expanded in Environment=: the value has the $ in it");
    else if (path)
        warn(l, "variable", "write the value out, or use a specifier as %h or %t",
             "variables are not expanded in this setting");
}

static void check_percent(const struct line *l)
{
    if (is_command(l->name) && strstr(l->value, "+%") && !strstr(l->value, "+%%"))
        warn(l, "percent", "write %% for a literal percent sign",
             "%Y and the like are specifiers here, not formats of a date");
}

static int check_line(void *userdata, enum file_line kind, unsigned number, const char *section,
                      const char *name, const char *value)
{
    struct line *l = userdata;

    if (kind != FILE_ASSIGNMENT || startswith(section, "X-") || !*value)
        return 0;
    l->number = number;
    l->section = section;
    l->name = name;
    l->value = value;
    check_comment(l);
    if (is_command(name))
        check_command(l);
    check_variables(l);
    check_percent(l);
    return 0;
}

static int check_file(struct unit_config *c, const char *path)
{
    struct line l = { .config = c, .file = path };
    auto_free char *text = NULL;
    size_t size;
    int r = file_read(path, 16u << 20, &text, &size);

    if (r < 0)
        return r == -ENOMEM ? r : 0;
    r = file_parse(text, size, check_line, &l);
    return r == -ENOMEM ? r : 0;
}

/* References. */

/* Where the name was written, for the message. */
static const struct provenance *where(const struct unit_config *c, const char *directive)
{
    const struct directive *d = directive_find_property((enum unit_type) c->type, directive);
    const struct provenance *p = NULL;

    return d && directive_provenance(c, d, false, &p, 1) > 0 ? p : NULL;
}

static void tell(struct unit_config *c, int level, const char *code, const char *directive,
                 const char *remedy, const char *text)
{
    unsigned before = c->n_messages;
    const struct provenance *p = directive ? where(c, directive) : NULL;
    const struct directive *d = directive
                                    ? directive_find_property((enum unit_type) c->type, directive)
                                    : NULL;

    unit_config_message(c, level, p ? unit_config_file(c, p->file) : c->fragment_path,
                        p ? p->line : 0, d ? directive_section(d, (enum unit_type) c->type) : NULL,
                        directive, remedy, "%s", text);
    unit_check_code(c, before, code);
}

/* Units of these types come to be without a file. */
static bool needs_file(const char *name)
{
    int type = unit_name_type(name);

    return type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TARGET ||
           type == UNIT_TIMER || type == UNIT_PATH;
}

static void check_names(struct unit_loader *l, struct unit_config *c, const char *directive,
                        char *const *names, int level)
{
    STRV_FOREACH (n, names) {
        struct unit_file f;

        if (!needs_file(*n) || streq(*n, c->name) || unit_loader_find(l, *n, &f) > 0)
            continue;
        auto_free char *text = format("there is no unit %s", *n);
        tell(c, level, "unit-missing", directive,
             "install what brings it, correct the name, or leave it out", strempty(text));
    }
}

static void check_references(struct unit_loader *l, struct unit_config *c)
{
    const struct unit_section *u = c->unit;

    check_names(l, c, "Requires", u->requires, LOG_WARNING);
    check_names(l, c, "Requisite", u->requisite, LOG_WARNING);
    check_names(l, c, "BindsTo", u->binds_to, LOG_WARNING);
    check_names(l, c, "OnFailure", u->on_failure, LOG_WARNING);
    check_names(l, c, "Wants", u->wants, LOG_NOTICE);
    check_names(l, c, "PartOf", u->part_of, LOG_NOTICE);
    if (strv_contains(u->after, "network-online.target") &&
        !strv_contains(u->wants, "network-online.target") &&
        !strv_contains(u->requires, "network-online.target"))
        tell(c, LOG_NOTICE, "network-online", "After", "add Wants=network-online.target",
             "After=network-online.target alone does not start that target");
}

/* The unit that a timer, path or socket starts. */
static void check_triggered(struct unit_loader *l, struct unit_config *c)
{
    const char *named = c->type == UNIT_TIMER  ? c->timer->unit
                        : c->type == UNIT_PATH ? c->path->unit
                                               : c->socket->service;
    auto_free char *name = NULL, *prefix = NULL;
    struct unit_file f;

    if (named)
        name = strdup(named);
    else if (c->type == UNIT_SOCKET && c->socket->accept && unit_name_prefix(c->name, &prefix) >= 0)
        name = format("%s@.service", prefix);
    else
        unit_name_change_suffix(c->name, ".service", &name);
    if (!name || unit_loader_find(l, name, &f) > 0)
        return;
    auto_free char *text = format("it starts %s, which does not exist", name);
    tell(c, LOG_WARNING, "triggered-missing", c->type == UNIT_SOCKET ? "Service" : "Unit",
         c->type == UNIT_SOCKET && c->socket->accept
             ? "with Accept=yes there has to be a template of that name"
             : "write that unit, or name another",
         strempty(text));
}

static void check_service(struct unit_config *c)
{
    const struct service_config *s = c->service;

    if (s->type == SERVICE_TYPE_FORKING && !s->pid_file)
        tell(c, LOG_NOTICE, "forking-pid-file", "Type",
             "add PIDFile=, or keep the program in the foreground and use Type=exec",
             "without PIDFile= the main process of a forking service has to be guessed");
    if (s->type == SERVICE_TYPE_ONESHOT && s->restart != RESTART_NO && s->remain_after_exit)
        tell(c, LOG_NOTICE, "oneshot-restart", "Restart", NULL,
             "a oneshot with RemainAfterExit=yes is restarted only if it fails");
    if (s->watchdog_sec > 0 && s->restart == RESTART_NO)
        tell(c, LOG_NOTICE, "watchdog-restart", "WatchdogSec",
             "add Restart=on-watchdog or on-failure",
             "when the watchdog runs out the service is killed and stays down");
    if (c->exec->ambient_capabilities & ~c->exec->capability_bounding_set)
        tell(c, LOG_WARNING, "ambient-bounding", "AmbientCapabilities",
             "name them in CapabilityBoundingSet= as well",
             "ambient capabilities that the bounding set does not have cannot be had");
}

/* Targets of the other kind of manager, which never get there. */
static void check_install(struct unit_config *c)
{
    static const char *const of_system[] = { "multi-user.target", "graphical.target",
                                             "sysinit.target", "network-online.target" };
    static const char *const of_users[] = { "graphical-session.target",
                                            "graphical-session-pre.target" };
    const char *const *wrong = c->user ? of_system : of_users;
    size_t n = c->user ? ELEMENTSOF(of_system) : ELEMENTSOF(of_users);

    for (size_t i = 0; i < n; i++) {
        if (!strv_contains(c->install->wanted_by, wrong[i]))
            continue;
        auto_free char *text = format("%s belongs to %s's manager: the unit is never started by it",
                                      wrong[i], c->user ? "the system" : "a user");
        tell(c, LOG_WARNING, "install-manager", "WantedBy",
             c->user ? "write WantedBy=default.target" : "write WantedBy=multi-user.target",
             strempty(text));
    }
}

/* Where a start of the unit would not be possible, whatever the machine is. */
static int check_start(struct unit_loader *l, struct unit_config *c)
{
    auto_strv char **cycle = NULL;
    int r = unit_find_cycle(l, c, &cycle);

    if (r < 0 || !cycle)
        return r;
    auto_free char *chain = strv_join(cycle, " after ");
    auto_free char *text = chain ? format("ordering cycle: %s", chain) : NULL;
    tell(c, LOG_ERR, "ordering-cycle",
         strv_contains(c->unit->before, cycle[1]) ? "Before" : "After",
         "take one of these orders out: the manager drops a job of the cycle, or refuses the start",
         strempty(text));
    return 0;
}

const char *unit_check_trigger(const struct unit_config *c)
{
    const struct timer_config *t = c->timer;

    if (c->type == UNIT_TIMER && !t->timers && !t->on_clock_change && !t->on_timezone_change)
        return "the timer has no OnCalendar=, OnBootSec= or other time";
    if (c->type == UNIT_PATH && !c->path->paths)
        return "the path unit has no PathExists=, PathChanged= or the like";
    if (c->type == UNIT_SOCKET && !c->socket->listen)
        return "the socket has no ListenStream= or the like";
    return NULL;
}

static int load(struct unit_loader *l, const char *text, struct unit_config **ret)
{
    const char *name = path_basename(text);
    auto_free char *instance = NULL;

    if (unit_name_is_valid(name, UNIT_NAME_TEMPLATE)) {
        int r = unit_name_with_instance(name, "i", &instance);

        if (r < 0)
            return r;
        name = instance;
    }
    if (!strchr(text, '/'))
        return unit_load(l, name, ret);
    if (access(text, F_OK) < 0)
        return -errno;
    return unit_load_file(l, text, name, false, ret);
}

int unit_check(struct unit_loader *l, const char *name_or_path, struct unit_config **ret)
{
    struct unit_config *c;
    int r = load(l, name_or_path, &c);

    if (r < 0)
        return r;
    if (c->fragment_path)
        r = check_file(c, c->fragment_path);
    STRV_FOREACH (d, c->dropin_paths)
        if (r >= 0)
            r = check_file(c, *d);
    if (r < 0) {
        unit_config_free(c);
        return r;
    }
    if (c->load_state == LOAD_LOADED) {
        check_references(l, c);
        check_install(c);
        r = check_start(l, c);
        if (unit_check_trigger(c))
            tell(c, LOG_ERR, "no-trigger", NULL, "write what is to set it off",
                 unit_check_trigger(c));
        if (c->type == UNIT_SERVICE)
            check_service(c);
        if (c->type == UNIT_TIMER || c->type == UNIT_PATH || c->type == UNIT_SOCKET)
            check_triggered(l, c);
    }
    if (r == -ENOMEM) {
        unit_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}
