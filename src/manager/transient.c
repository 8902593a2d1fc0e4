#include "manager/transient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/directive.h"
#include "unit/effective.h"
#include "unit/load.h"
#include "unit/name.h"
#include "unit/value.h"

#define HEADER \
    "# This is a transient unit file, created programmatically via the systemd API. Do not " \
    "edit.\n"

/* The text of the file while it grows. */
struct draft {
    struct strbuf text;
    enum unit_type type;
    const char *section; /* that the last line is in */
    bool has_command;    /* an ExecStart= was written */
};

static void draft_section(struct draft *x, const struct directive *d)
{
    const char *section = directive_section(d, x->type);

    if (!x->section || !streq(x->section, section))
        strbuf_addf(&x->text, "%s[%s]\n", x->section ? "\n" : "", section);
    x->section = section;
}

static void draft_value(struct draft *x, const struct unit_config *c, const struct directive *d)
{
    draft_section(x, d);
    directive_format_file(c, d, &x->text);
}

/* Splits "CPUWeight=20", finds its row, and sets it in a config of its own, so that what is wrong
 * is found before anything is done. */
static int parse_assignment(const char *unit, const char *assignment,
                            const struct directive **ret_directive, const char **ret_value,
                            struct unit_config **ret, struct op_error *e)
{
    size_t length = strcspn(assignment, "=");
    auto_free char *key = memdup0(assignment, length);
    struct unit_config *c;

    if (!key)
        return -ENOMEM;
    const struct directive *d = assignment[length] ? directive_find_property(
                                                         (enum unit_type) unit_name_type(unit), key)
                                                   : NULL;
    if (!d || !d->name || d->group == GROUP_INSTALL)
        return op_error_set(e, -EINVAL, "UnknownAssignment", "Unknown assignment: %s", assignment);
    int r = unit_config_new(unit, NULL, &c);
    if (r < 0)
        return r;
    r = directive_set(c, d, assignment + length + 1);
    if (r < 0) {
        unit_config_free(c);
        return op_error_set(e, r, "InvalidArgs", "Failed to parse %s: %s", assignment,
                            strerror(-r));
    }
    *ret_directive = d;
    *ret_value = assignment + length + 1;
    *ret = c;
    return 0;
}

/* What is written is what was understood. */
static int draft_assignment(struct draft *x, const char *name, const char *assignment,
                            struct op_error *e)
{
    const struct directive *d;
    struct unit_config *c;
    const char *value;
    int r = parse_assignment(name, assignment, &d, &value, &c, e);

    if (r < 0)
        return r;
    if (!*value) {
        draft_section(x, d);
        format_line(&x->text, d->name, "");
    } else {
        bool commands = d->type == &type_commands && streq(d->name, "ExecStart");

        /* systemd writes them so. */
        if (commands && !x->has_command) {
            draft_section(x, d);
            strbuf_add(&x->text, "ExecStart=\n");
        }
        x->has_command |= commands;
        draft_value(x, c, d);
    }
    unit_config_free(c);
    return 0;
}

/* All that decides how a command of the unit runs: user, folders, sandbox, limits, resources. */
static int draft_context(struct draft *x, const struct unit *like, struct op_error *e)
{
    static const uint32_t groups = 1u << GROUP_EXEC | 1u << GROUP_LIMITS | 1u << GROUP_SANDBOX |
                                   1u << GROUP_CGROUP | 1u << GROUP_KILL;
    const struct unit_config *c = like->config;
    const struct directive *d;
    unsigned position = 0;

    if (like->load_state != LOAD_LOADED || !c)
        return unit_check_load_state(like, e);
    if (!like->ops->has_processes)
        return op_error_set(e, -EINVAL, "InvalidArgs",
                            "%s has no context that a command can run in.", like->id);
    /* Of a unit that runs, its /tmp and its network are shared, not made anew. */
    if (active_or_activating(unit_active_state(like)))
        strbuf_addf(&x->text, "[Unit]\nJoinsNamespaceOf=%s\n\n", like->id);
    while ((d = directive_next(x->type, &position)))
        if (1u << d->group & groups && directive_is_set(c, d))
            draft_value(x, c, d);
    /* The folders stay the unit's own, whoever leaves first. */
    if (c->exec->runtime_directory)
        strbuf_add(&x->text, "RuntimeDirectoryPreserve=yes\n");
    if (c->sandbox->dynamic_user && !c->exec->user) {
        auto_free char *name = effective_user_name(like->id);

        if (!name)
            return -ENOMEM;
        strbuf_addf(&x->text, "User=%s\n", name);
    }
    return 0;
}

/* Nothing on disk and nothing that runs has this name. */
static bool is_free(const struct unit *u)
{
    return (u->load_state == LOAD_NOT_FOUND || u->load_state == LOAD_STUB) && !u->job &&
           inactive_or_failed(unit_active_state(u)) && !(u->config && u->config->fragment_path);
}

/* `path` "": there is no such folder for this manager; NULL: memory is out. */
static int write_text(const char *path, const struct strbuf *text, struct op_error *e)
{
    int r = !path || text->failed ? -ENOMEM : !*path ? -EOPNOTSUPP : mkdir_parents(path, 0755);

    if (r >= 0)
        r = file_replace(path, strbuf_text(text), text->length, 0644);
    if (r < 0)
        return op_error_set(e, r, "Failed", "Cannot write %s: %s", strempty(path), strerror(-r));
    return 0;
}

static int write_file(struct unit *u, const struct draft *x, struct op_error *e)
{
    struct unit_loader *l = u->manager->loader;
    const char *folder = unit_loader_paths(l)->transient;
    auto_free char *path = folder ? path_join(folder, u->id, NULL) : NULL;
    int r = write_text(folder ? path : "", &x->text, e);

    if (r >= 0)
        r = unit_loader_reread(l);
    if (r < 0)
        return r;
    (void) unit_reread(u);
    manager_dispatch_load_queue(u->manager);
    r = unit_check_load_state(u, e);
    if (r < 0) {
        (void) unlink(path);
        (void) unit_loader_reread(l);
        (void) unit_reread(u);
        manager_dispatch_load_queue(u->manager);
    }
    return r;
}

int manager_make_transient(struct manager *m, struct transient_request *q, struct unit **ret,
                           struct op_error *e)
{
    auto_strbuf struct strbuf owner = { 0 };
    struct unit *u, *like = NULL;
    int r = manager_load_unit(m, q->name, &u, e);

    if (r < 0)
        return r;
    if (!u->ops->can_transient)
        return op_error_set(e, -EINVAL, "NotSupported",
                            "Unit type %s does not support transient units.",
                            unit_type_to_string(u->type));
    if (!is_free(u))
        return op_error_set(e, -EEXIST, "UnitExists",
                            "Unit %s was already loaded or has a fragment file.", q->name);
    if (q->like)
        r = manager_load_unit(m, q->like, &like, e);
    struct draft x = { .type = (enum unit_type) u->type };
    strbuf_add(&x.text, HEADER);
    if (r >= 0 && like)
        r = draft_context(&x, like, e);
    for (char *const *a = q->assignments; r >= 0 && a && *a; a++)
        r = draft_assignment(&x, u->id, *a, e);
    owner = x.text;
    if (r >= 0)
        r = write_file(u, &x, e);
    if (r < 0)
        return op_error_set(e, r, "Failed", "%s", strerror(-r));
    u->stdio = take_ptr(q->stdio);
    *ret = u;
    return 0;
}

void transient_remove(const struct unit *u)
{
    const struct unit_paths *paths = unit_loader_paths(u->manager->loader);

    if (!u->transient || !u->config || !paths->transient)
        return;
    auto_free char *folder = format("%s/%s.d", paths->transient, u->id);
    if (u->config->fragment_path)
        (void) unlink(u->config->fragment_path);
    if (folder)
        (void) remove_all(folder);
}

void transient_remove_all(struct manager *m)
{
    const char *folder = unit_loader_paths(m->loader)->transient;

    if (folder && !m->test)
        (void) remove_all(folder);
}

void unit_close_stdio(struct unit *u)
{
    for (int i = 0; u->stdio && i < 3; i++)
        close_fd(u->stdio[i]);
    free(take_ptr(u->stdio));
}

/* ---- set-property ---- */

static bool may_be_changed(const struct directive *d)
{
    static const char *const fixed[] = { "Slice", "Delegate", "DelegateSubgroup",
                                         "DisableControllers" };

    for (size_t i = 0; i < ELEMENTSOF(fixed); i++)
        if (streq(d->name, fixed[i]))
            return false;
    return d->group == GROUP_CGROUP || streq(d->name, "Description");
}

static int check_change(const struct unit *u, const char *assignment, struct op_error *e)
{
    const struct directive *d;
    struct unit_config *c;
    const char *value;
    int r = parse_assignment(u->id, assignment, &d, &value, &c, e);

    if (r < 0)
        return r;
    unit_config_free(c);
    if (!may_be_changed(d))
        return op_error_set(e, -EROFS, "PropertyReadOnly",
                            "Cannot set property %s, or unknown property.", d->name);
    return 0;
}

static int write_change(const struct unit *u, const struct directive *d, const char *value,
                        enum properties_keep keep, struct op_error *e)
{
    const struct unit_paths *paths = unit_loader_paths(u->manager->loader);
    const char *folder = u->transient                 ? paths->transient
                         : keep == PROPERTIES_RUNTIME ? paths->runtime_control
                                                      : paths->persistent_control;
    auto_free char *path = folder ? format("%s/%s.d/50-%s.conf", folder, u->id, d->name) : NULL;
    auto_strbuf struct strbuf text = { 0 };
    size_t length = strlen(value);
    bool is_list = d->group == GROUP_CGROUP && d->type->clear && d->type->format_file;

    strbuf_addf(&text,
                "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n"
                "# or an equivalent operation. Do not edit.\n[%s]\n",
                directive_section(d, (enum unit_type) u->type));
    /* The file is to say all of a list; and a share is of the machine that it is read on. */
    if (is_list || !*value)
        format_line(&text, d->name, "");
    if (*value && value[length - 1] == '%')
        format_line(&text, d->name, value);
    else if (*value)
        directive_format_file(u->config, d, &text);
    return write_text(folder ? path : "", &text, e);
}

static int change(struct unit *u, const char *assignment, enum properties_keep keep,
                  struct op_error *e)
{
    const struct directive *d;
    struct unit_config *c;
    const char *value;
    int r = parse_assignment(u->id, assignment, &d, &value, &c, e);

    if (r < 0)
        return r;
    unit_config_free(c);
    r = directive_set(u->config, d, value);
    return r < 0 || keep == PROPERTIES_UNTIL_RELOAD ? r : write_change(u, d, value, keep, e);
}

int unit_set_properties(struct unit *u, char *const *assignments, enum properties_keep keep,
                        struct op_error *e)
{
    struct unit_loader *l = u->manager->loader;
    int r = unit_check_load_state(u, e);

    STRV_FOREACH (a, assignments)
        if (r >= 0)
            r = check_change(u, *a, e);
    if (r < 0)
        return r;
    STRV_FOREACH (a, assignments)
        if (r >= 0)
            r = change(u, *a, keep, e);
    /* The unit needs no reload for these files. */
    if (keep != PROPERTIES_UNTIL_RELOAD && unit_loader_reread(l) >= 0)
        (void) unit_find_drop_ins(l, u->config);
    if (u->ops->reloaded)
        u->ops->reloaded(u);
    unit_apply_resources_below(u);
    unit_changed(u);
    return r;
}
