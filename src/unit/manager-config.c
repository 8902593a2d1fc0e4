#include "unit/manager-config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/directive.h"
#include "unit/file.h"
#include "unit/presets.h"
#include "unit/specifier.h"
#include "unit/value.h"

#define CONFIG_SIZE_MAX (1u << 20)

#define ROW(name_, type_name, member, preset_text, standing_, class_, summary_) \
    { .name = #name_, \
      .type = &type_##type_name, \
      .preset = preset_text, \
      .summary = summary_, \
      .offset = offsetof(struct manager_config, member), \
      .standing = STANDING_##standing_, \
      .class = CLASS_##class_ },
#define ALIAS(old, name_) { .name = #old, .alias_name = #name_ },
static const struct directive rows[] = {
#include "unit/manager.directives"
};

const struct directive *manager_directive_next(unsigned *position)
{
    while (*position < ELEMENTSOF(rows)) {
        const struct directive *d = &rows[(*position)++];

        if (!d->alias_name)
            return d;
    }
    return NULL;
}

bool manager_setting_is_property(const struct directive *d)
{
    return streq(d->name, "CtrlAltDelBurstAction") ||
           (startswith(d->name, "Default") && !endswith(d->name, "Sec") &&
            !streq(d->name, "DefaultEnvironment") && !streq(d->name, "DefaultSmackProcessLabel"));
}

const void *manager_config_value(const struct manager_config *c, const struct directive *d)
{
    return (const char *) c + d->offset;
}

static const struct directive *find_row(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (streq(rows[i].name, name))
            return rows[i].alias_name ? find_row(rows[i].alias_name) : &rows[i];
    return NULL;
}

struct manager_config *manager_config_free(struct manager_config *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (rows[i].type && rows[i].type->clear)
            rows[i].type->clear((char *) c + rows[i].offset);
    for (unsigned i = 0; i < c->n_messages; i++)
        unit_message_done(&c->messages[i]);
    free(c->messages);
    strv_free(c->files);
    free(c);
    return NULL;
}

static int new_config(struct manager_config **ret)
{
    struct manager_config *c = new0(struct manager_config, 1);
    int r = c ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++)
        if (rows[i].type)
            value_init(rows[i].type, (char *) c + rows[i].offset);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++) {
        struct assignment a = { .directive = &rows[i], .group = c };

        if (!rows[i].type || !*rows[i].preset)
            continue;
        r = rows[i].type->parse(&a, rows[i].type, rows[i].preset, (char *) c + rows[i].offset);
        assert(r == -ENOMEM || a.n_faults == 0);
    }
    if (r < 0) {
        manager_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct reading {
    struct manager_config *config;
    struct specifier_context specifiers;
    const char *file;
    bool ignored_section;
};

static void add_message(struct reading *x, int level, unsigned line, const char *name,
                        const char *remedy, const char *text)
{
    struct manager_config *c = x->config;
    struct unit_message *bigger = realloc(c->messages, (c->n_messages + 1) * sizeof *bigger);

    if (!bigger)
        return;
    c->messages = bigger;
    if (unit_message_init(&c->messages[c->n_messages], level, x->file, line, "Manager", name,
                          remedy, text) >= 0)
        c->n_messages++;
}

static void report_fault(struct assignment *a, int level, const char *remedy, const char *text)
{
    add_message(a->report_userdata, level, a->line, a->directive->name, remedy, text);
}

static int read_assignment(struct reading *x, unsigned line, const char *name, const char *value)
{
    const struct directive *d = find_row(name);
    struct assignment a = { .directive = d,
                            .group = x->config,
                            .specifiers = &x->specifiers,
                            .line = line,
                            .report = report_fault,
                            .report_userdata = x };

    if (!d) {
        if (!startswith(name, "X-"))
            add_message(x, LOG_WARNING, line, name, NULL, "unknown setting, ignored");
        return 0;
    }
    void *member = (char *) x->config + d->offset;
    if (!*value && !(d->type->flags & VALUE_PARSES_EMPTY)) {
        /* In these files an empty assignment restores the preset. */
        value_reset(d->type, member);
        if (!*d->preset)
            return 0;
        value = d->preset;
    }
    if (d->standing == STANDING_NOT_YET || d->standing == STANDING_REFUSED)
        add_message(x, LOG_WARNING, line, name, NULL,
                    "the setting is not implemented, nothing is done for it");
    int r = d->type->parse(&a, d->type, value, member);
    return r == -ENOEXEC ? 0 : r;
}

static int read_line(void *userdata, enum file_line kind, unsigned line, const char *section,
                     const char *name, const char *value)
{
    struct reading *x = userdata;

    switch (kind) {
    case FILE_SECTION:
        x->ignored_section = !streq(section, "Manager");
        if (x->ignored_section && !startswith(section, "X-"))
            add_message(x, LOG_WARNING, line, NULL, "settings belong in [Manager]",
                        "unknown section; all in it is ignored");
        return 0;
    case FILE_ASSIGNMENT:
        if (!*section)
            add_message(x, LOG_WARNING, line, name, "put it below [Manager]",
                        "the setting is outside of any section, ignored");
        return x->ignored_section || !*section ? 0 : read_assignment(x, line, name, value);
    case FILE_FAULT:
        add_message(x, LOG_WARNING, line, NULL, NULL, value);
        return 0;
    }
    assert_unreachable();
}

/* 1 if there was such a file. */
static int read_config_file(struct reading *x, const char *path)
{
    auto_free char *text = NULL;
    size_t size;
    int r = file_read(path, CONFIG_SIZE_MAX, &text, &size);

    if (r == -ENOENT || r == -ENOMEM)
        return r == -ENOENT ? 0 : r;
    x->file = path;
    if (r < 0) {
        add_message(x, LOG_WARNING, 0, NULL, NULL, strerror(-r));
        return 1;
    }
    r = strv_add(&x->config->files, path);
    if (r < 0)
        return r;
    x->ignored_section = false;
    r = file_parse(text, size, read_line, x);
    return r == -ENOMEM ? r : 1;
}

static int compare_basenames(const void *a, const void *b)
{
    return strcmp(path_basename(*(char *const *) a), path_basename(*(char *const *) b));
}

static int add_dropins(const char *folder, char ***files)
{
    DIR *d = opendir(folder);
    int r = 0;

    if (!d)
        return 0;
    for (struct dirent *de; r >= 0 && (de = readdir(d));) {
        bool known = *de->d_name == '.' || !endswith(de->d_name, ".conf");

        STRV_FOREACH (f, *files)
            known = known || streq(path_basename(*f), de->d_name);
        if (!known)
            r = strv_addf(files, "%s/%s", folder, de->d_name);
    }
    closedir(d);
    return r;
}

static int config_folders(const struct manager_config_options *o, char ***ret)
{
    static const char *const folders[] = { "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                           "/usr/lib/systemd" };
    auto_strv char **found = NULL;
    int r = 0;

    if (o->user && !o->root) {
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        if (path_is_absolute(config))
            r = strv_addf(&found, "%s/systemd", config);
        else if (path_is_absolute(home))
            r = strv_addf(&found, "%s/.config/systemd", home);
    }
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(folders); i++)
        r = strv_addf(&found, "%s%s", strempty(o->root), folders[i]);
    if (r >= 0)
        *ret = take_ptr(found);
    return r;
}

static int read_all(const struct manager_config_options *o, struct manager_config *c)
{
    const char *name = o->user ? "user.conf" : "system.conf";
    struct reading x = { .config = c,
                         .specifiers = { .name = "-.slice", .root = o->root, .user = o->user } };
    auto_strv char **folders = NULL, **dropins = NULL;
    int r = config_folders(o, &folders);

    for (char **f = folders; r == 0 && f && *f; f++) {
        auto_free char *path = path_join(*f, name, NULL);

        r = path ? read_config_file(&x, path) : -ENOMEM;
    }
    for (char **f = folders; r >= 0 && f && *f; f++) {
        auto_free char *path = format("%s/%s.d", *f, name);

        r = path ? add_dropins(path, &dropins) : -ENOMEM;
    }
    if (dropins)
        qsort(dropins, strv_length(dropins), sizeof *dropins, compare_basenames);
    for (char **f = dropins; r >= 0 && f && *f; f++)
        r = read_config_file(&x, *f);
    return r < 0 ? r : 0;
}

int manager_config_read(const struct manager_config_options *options, struct manager_config **ret)
{
    struct manager_config *c = NULL;
    int r = new_config(&c);

    if (r >= 0)
        r = read_all(options, c);
    if (r < 0) {
        manager_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

static int copy_output(const struct exec_stdio *from, struct exec_stdio *to)
{
    return type_exec_output.copy(to, from);
}

static void set_limits(const struct manager_config *c, bool user, struct limits_config *l)
{
    *l = (struct limits_config){
        .limit_cpu = c->default_limit_cpu,
        .limit_fsize = c->default_limit_fsize,
        .limit_data = c->default_limit_data,
        .limit_stack = c->default_limit_stack,
        .limit_core = c->default_limit_core,
        .limit_rss = c->default_limit_rss,
        .limit_nofile = c->default_limit_nofile,
        .limit_as = c->default_limit_as,
        .limit_nproc = c->default_limit_nproc,
        .limit_memlock = c->default_limit_memlock,
        .limit_locks = c->default_limit_locks,
        .limit_sigpending = c->default_limit_sigpending,
        .limit_msgqueue = c->default_limit_msgqueue,
        .limit_nice = c->default_limit_nice,
        .limit_rtprio = c->default_limit_rtprio,
        .limit_rttime = c->default_limit_rttime,
    };
    if (user)
        return;
    /* What systemd is compiled with. A user's manager hands its own limits on. */
    if (!l->limit_nofile.set)
        l->limit_nofile = (struct rlimit_value){ .soft = 1024, .hard = 524288, .set = true };
    if (!l->limit_memlock.set)
        l->limit_memlock = (struct rlimit_value){ .soft = 8 << 20, .hard = 8 << 20, .set = true };
}

struct unit_presets *manager_config_presets(const struct manager_config *c, bool user)
{
    struct unit_presets *p = unit_presets_new(user);

    if (!p)
        return NULL;
    struct unit_section *unit = p->groups[GROUP_UNIT];
    struct service_config *service = p->groups[GROUP_SERVICE];
    struct exec_config *exec = p->groups[GROUP_EXEC];
    struct cgroup_config *cgroup = p->groups[GROUP_CGROUP];

    unit->start_limit_interval_sec = c->default_start_limit_interval_sec;
    unit->start_limit_burst = c->default_start_limit_burst;
    service->restart_sec = c->default_restart_sec;
    service->timeout_start_sec = c->default_timeout_start_sec;
    service->timeout_stop_sec = c->default_timeout_stop_sec;
    service->timeout_abort_sec = c->default_timeout_abort_sec;
    service->oom_policy = c->default_oom_policy;
    exec->oom_score_adjust = c->default_oom_score_adjust;
    cgroup->cpu_accounting = c->default_cpu_accounting;
    cgroup->io_accounting = c->default_io_accounting;
    cgroup->block_io_accounting = c->default_block_io_accounting;
    cgroup->ip_accounting = c->default_ip_accounting;
    cgroup->memory_accounting = c->default_memory_accounting;
    cgroup->tasks_accounting = c->default_tasks_accounting;
    cgroup->tasks_max = c->default_tasks_max;
    cgroup->memory_pressure_watch = c->default_memory_pressure_watch;
    cgroup->memory_pressure_threshold_sec = c->default_memory_pressure_threshold_sec;
    set_limits(c, user, p->groups[GROUP_LIMITS]);
    ((struct socket_config *) p->groups[GROUP_SOCKET])->timeout_sec = c->default_timeout_start_sec;
    ((struct mount_config *) p->groups[GROUP_MOUNT])->timeout_sec = c->default_timeout_start_sec;
    ((struct swap_config *) p->groups[GROUP_SWAP])->timeout_sec = c->default_timeout_start_sec;
    ((struct scope_config *) p->groups[GROUP_SCOPE])
        ->timeout_stop_sec = c->default_timeout_stop_sec;
    ((struct timer_config *) p->groups[GROUP_TIMER])->accuracy_sec = c->default_timer_accuracy_sec;
    if (copy_output(&c->default_standard_output, &exec->standard_output) < 0 ||
        copy_output(&c->default_standard_error, &exec->standard_error) < 0)
        return unit_presets_unref(p);
    return p;
}
