#include "unit/directive.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/map.h"
#include "unit/effective.h"
#include "unit/value.h"

#define FIELD(type_name, member, preset_text, property_name) \
    { .property = property_name, \
      .type = &type_##type_name, \
      .preset = preset_text, \
      .offset = offsetof(STRUCT, member), \
      .group = GROUP, \
      .is_field = true },
#define ROW(name_, type_name, member, preset_text, standing_, class_, summary_) \
    ROW_AS(name_, NULL, type_name, member, preset_text, standing_, class_, summary_)
#define ROW_AS(name_, property_, type_name, member, preset_text, standing_, class_, summary_) \
    { .name = #name_, \
      .property = property_, \
      .type = &type_##type_name, \
      .preset = preset_text, \
      .summary = summary_, \
      .offset = offsetof(STRUCT, member), \
      .group = GROUP, \
      .standing = STANDING_##standing_, \
      .class = CLASS_##class_ },
#define ITEM(name_, type_name, member, standing_, class_, summary_) \
    { .name = #name_, \
      .type = &type_##type_name, \
      .summary = summary_, \
      .offset = offsetof(STRUCT, member), \
      .group = GROUP, \
      .standing = STANDING_##standing_, \
      .class = CLASS_##class_, \
      .is_item = true },
#define SHOWN(property_name, type_name, member) \
    { .property = property_name, \
      .type = &type_##type_name, \
      .preset = "", \
      .offset = offsetof(STRUCT, member), \
      .group = GROUP, \
      .is_field = true, \
      .is_shown = true },
#define ALIAS(old, name_) { .name = #old, .alias_name = #name_, .group = GROUP },
#define ALIAS_UNIT(old, name_) \
    { .name = #old, .alias_name = #name_, .group = GROUP, .alias_in_unit = true },

const struct directive directives[] = {
#define STRUCT struct unit_section
#define GROUP GROUP_UNIT
#include "unit/unit.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct install_section
#define GROUP GROUP_INSTALL
#include "unit/install.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct service_config
#define GROUP GROUP_SERVICE
#include "unit/service.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct exec_config
#define GROUP GROUP_EXEC
#include "unit/exec.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct limits_config
#define GROUP GROUP_LIMITS
#include "unit/limits.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct sandbox_config
#define GROUP GROUP_SANDBOX
#include "unit/sandbox.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct kill_config
#define GROUP GROUP_KILL
#include "unit/kill.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct cgroup_config
#define GROUP GROUP_CGROUP
#include "unit/cgroup.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct socket_config
#define GROUP GROUP_SOCKET
#include "unit/socket.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct timer_config
#define GROUP GROUP_TIMER
#include "unit/timer.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct path_config
#define GROUP GROUP_PATH
#include "unit/path.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct mount_config
#define GROUP GROUP_MOUNT
#include "unit/mount.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct automount_config
#define GROUP GROUP_AUTOMOUNT
#include "unit/automount.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct swap_config
#define GROUP GROUP_SWAP
#include "unit/swap.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct scope_config
#define GROUP GROUP_SCOPE
#include "unit/scope.directives"
#undef STRUCT
#undef GROUP
#define STRUCT struct reeve_config
#define GROUP GROUP_REEVE
#include "unit/reeve.directives"
#undef STRUCT
#undef GROUP
};
const unsigned n_directives = ELEMENTSOF(directives);

#define BIT(group) (1u << (group))
#define PROCESS_GROUPS \
    (BIT(GROUP_EXEC) | BIT(GROUP_LIMITS) | BIT(GROUP_SANDBOX) | BIT(GROUP_KILL) | BIT(GROUP_CGROUP))
#define ANY_TYPE (-1)

/* The sections, the type of unit that has each, and the groups of settings in it. */
static const struct section {
    const char *name;
    int type;
    uint32_t groups;
} sections[] = {
    { "Unit", ANY_TYPE, BIT(GROUP_UNIT) },
    { "Install", ANY_TYPE, BIT(GROUP_INSTALL) },
    { "Service", UNIT_SERVICE, BIT(GROUP_SERVICE) | PROCESS_GROUPS },
    { "X-Reeve", UNIT_SERVICE, BIT(GROUP_REEVE) },
    { "Socket", UNIT_SOCKET, BIT(GROUP_SOCKET) | PROCESS_GROUPS },
    { "Mount", UNIT_MOUNT, BIT(GROUP_MOUNT) | PROCESS_GROUPS },
    { "Swap", UNIT_SWAP, BIT(GROUP_SWAP) | PROCESS_GROUPS },
    { "Automount", UNIT_AUTOMOUNT, BIT(GROUP_AUTOMOUNT) },
    { "Timer", UNIT_TIMER, BIT(GROUP_TIMER) },
    { "Path", UNIT_PATH, BIT(GROUP_PATH) },
    { "Slice", UNIT_SLICE, BIT(GROUP_CGROUP) },
    { "Scope", UNIT_SCOPE, BIT(GROUP_SCOPE) | BIT(GROUP_KILL) | BIT(GROUP_CGROUP) },
};

static const struct section *find_section(enum unit_type type, const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(sections); i++)
        if ((sections[i].type == ANY_TYPE || sections[i].type == (int) type) &&
            streq(sections[i].name, name))
            return &sections[i];
    return NULL;
}

/* The groups of settings that a unit of the type has besides [Install]. */
static uint32_t groups_of(enum unit_type type)
{
    uint32_t groups = BIT(GROUP_UNIT);

    for (size_t i = 0; i < ELEMENTSOF(sections); i++)
        if (sections[i].type == (int) type)
            groups |= sections[i].groups;
    return groups;
}

bool section_known(enum unit_type type, const char *section)
{
    return find_section(type, section);
}

/* One index a group, from names to rows; made at first use. Without memory for it the rows are
 * searched one by one. */
static struct map name_index[CONFIG_GROUP_MAX];

static void build_index(void)
{
    static bool built;

    if (built)
        return;
    built = true;
    for (unsigned i = 0; i < n_directives; i++)
        if (directives[i].name && map_put(&name_index[directives[i].group], directives[i].name,
                                          (void *) &directives[i]) < 0) {
            for (unsigned g = 0; g < CONFIG_GROUP_MAX; g++)
                map_done(&name_index[g]);
            return;
        }
}

static const struct directive *find_in_group(unsigned group, const char *name)
{
    build_index();
    if (name_index[GROUP_UNIT].n > 0)
        return map_get(&name_index[group], name);
    for (unsigned i = 0; i < n_directives; i++)
        if (directives[i].group == group && directives[i].name && streq(directives[i].name, name))
            return &directives[i];
    return NULL;
}

static const struct directive *find_in_groups(uint32_t groups, const char *name)
{
    for (unsigned g = 0; g < CONFIG_GROUP_MAX; g++) {
        const struct directive *d = groups & BIT(g) ? find_in_group(g, name) : NULL;

        if (d)
            return d;
    }
    return NULL;
}

static const struct directive *resolve_alias(const struct directive *d,
                                             const struct directive **ret)
{
    if (ret)
        *ret = d && d->alias_name ? d : NULL;
    if (!d || !d->alias_name)
        return d;
    return find_in_group(d->alias_in_unit ? GROUP_UNIT : d->group, d->alias_name);
}

const struct directive *directive_find(enum unit_type type, const char *section, const char *name,
                                       const struct directive **ret_alias)
{
    const struct section *s = find_section(type, section);

    return resolve_alias(s ? find_in_groups(s->groups, name) : NULL, ret_alias);
}

const struct directive *directive_find_property(enum unit_type type, const char *name)
{
    uint32_t groups = groups_of(type);
    const struct directive *d = find_in_groups(groups, name);

    if (d)
        return resolve_alias(d, NULL);
    for (unsigned i = 0; i < n_directives; i++)
        if (groups & BIT(directives[i].group) && directives[i].property &&
            streq(directives[i].property, name))
            return &directives[i];
    return NULL;
}

const struct directive *directive_next(enum unit_type type, unsigned *position)
{
    uint32_t groups = groups_of(type);

    while (*position < n_directives) {
        const struct directive *d = &directives[(*position)++];

        if (groups & BIT(d->group) && !d->is_item && !d->alias_name)
            return d;
    }
    return NULL;
}

const char *directive_section(const struct directive *d, enum unit_type type)
{
    for (size_t i = 0; i < ELEMENTSOF(sections); i++)
        if ((sections[i].type == ANY_TYPE || sections[i].type == (int) type) &&
            sections[i].groups & BIT(d->group))
            return sections[i].name;
    return "Unit";
}

const char *directive_man_page(const struct directive *d)
{
    static const char *const pages[CONFIG_GROUP_MAX] = {
        [GROUP_UNIT] = "systemd.unit(5)",           [GROUP_INSTALL] = "systemd.unit(5)",
        [GROUP_SERVICE] = "systemd.service(5)",     [GROUP_EXEC] = "systemd.exec(5)",
        [GROUP_LIMITS] = "systemd.exec(5)",         [GROUP_SANDBOX] = "systemd.exec(5)",
        [GROUP_KILL] = "systemd.kill(5)",           [GROUP_CGROUP] = "systemd.resource-control(5)",
        [GROUP_SOCKET] = "systemd.socket(5)",       [GROUP_TIMER] = "systemd.timer(5)",
        [GROUP_PATH] = "systemd.path(5)",           [GROUP_MOUNT] = "systemd.mount(5)",
        [GROUP_AUTOMOUNT] = "systemd.automount(5)", [GROUP_SWAP] = "systemd.swap(5)",
        [GROUP_SCOPE] = "systemd.scope(5)",         [GROUP_REEVE] = "reeve-guard(1)",
    };

    return pages[d->group];
}

const char *directive_property(const struct directive *d)
{
    return d->property ? d->property : d->name;
}

unsigned directive_nearest(enum unit_type type, const char *section, const char *name,
                           const struct directive **ret, unsigned n)
{
    const struct section *s = section ? find_section(type, section) : NULL;
    uint32_t groups = s ? s->groups : groups_of(type) | BIT(GROUP_INSTALL);
    unsigned limit = (unsigned) strlen(name) < 6 ? 1 : strlen(name) < 12 ? 2 : 3, found = 0;

    for (unsigned distance = 0; distance <= limit && found < n; distance++)
        for (unsigned i = 0; i < n_directives && found < n; i++)
            if (groups & BIT(directives[i].group) && directives[i].name &&
                !directives[i].alias_name &&
                edit_distance(name, directives[i].name, limit, true) == distance)
                ret[found++] = &directives[i];
    return found;
}

/* Values. */

static bool same_member(const struct directive *a, const struct directive *b)
{
    return a->group == b->group && a->offset == b->offset;
}

/* TimeoutSec= of a service counts for TimeoutStopSec= as well. */
static bool assigns(const struct directive *assigned, const struct directive *d)
{
    if (same_member(assigned, d))
        return true;
    return assigned->type == &type_timeout_both && d->group == GROUP_SERVICE &&
           d->offset == offsetof(struct service_config, timeout_stop_sec);
}

static int add_provenance(struct unit_config *c, const struct directive *d, unsigned file,
                          unsigned line, bool reset)
{
    if (c->n_provenance == UINT16_MAX)
        return 0;
    if (c->n_provenance == c->allocated_provenance) {
        size_t want = c->allocated_provenance < 8 ? 8 : (size_t) c->allocated_provenance * 3 / 2;
        want = MIN(want, (size_t) UINT16_MAX);
        struct provenance *p = realloc(c->provenance, want * sizeof *p);
        if (!p)
            return -ENOMEM;
        c->provenance = p;
        c->allocated_provenance = (uint16_t) want;
    }
    c->provenance[c->n_provenance++] = (struct provenance){ .directive = (uint16_t) (d -
                                                                                     directives),
                                                            .file = (uint16_t) file,
                                                            .line = line & 0x7fffffff,
                                                            .reset = reset };
    return 0;
}

/* What a setting that is not acted on does to the unit is said where it is made. */
static void tell_standing(struct unit_config *c, const struct directive *d, const char *file,
                          unsigned line)
{
    const char *section = directive_section(d, (enum unit_type) c->type);
    const char *what = d->standing == STANDING_NOT_YET   ? "directive not implemented yet"
                       : d->standing == STANDING_REFUSED ? "directive not supported"
                                                         : NULL;

    if (what)
        unit_config_message(
            c, LOG_WARNING, file, line, section, d->name, NULL, "%s: the unit %s", what,
            directive_forbids_start(d) ? "does not start with it" : "runs without it");
}

/* Parses into the unit's own group. *ret_faults counts what was wrong. */
static int assign(struct assignment *a, const struct directive *d, const char *text)
{
    const struct value_type *type = d->type;
    void *value = (char *) a->group + d->offset;

    if (*text || type->flags & VALUE_PARSES_EMPTY)
        return type->parse(a, type, text, value);
    if (type->flags & VALUE_IGNORES_EMPTY && d->group != GROUP_INSTALL)
        return 0;
    if (type->flags & VALUE_REFUSES_EMPTY)
        return assignment_fault(a, "give it a value, or leave the line out",
                                "an empty value is not allowed here");
    value_reset(type, value);
    return 0;
}

int directive_assign(struct unit_config *c, const struct directive *d, const char *text,
                     const struct specifier_context *specifiers, unsigned file, unsigned line)
{
    struct assignment a = { .config = c,
                            .directive = d,
                            .group = unit_config_own(c, (enum config_group) d->group),
                            .specifiers = specifiers,
                            .file = unit_config_file(c, file),
                            .line = line };

    if (!a.group)
        return -ENOMEM;
    int r = assign(&a, d, text);
    if (r < 0)
        return r;
    bool is_list = d->type->clear && !(d->type->flags & VALUE_REFUSES_EMPTY);
    if (a.n_faults > 0 && !is_list)
        return 0;
    if (!*text && d->type->flags & VALUE_IGNORES_EMPTY && d->group != GROUP_INSTALL)
        return 0;
    if (d->standing != STANDING_HONOURED && *text && !directive_is_preset(c, d))
        tell_standing(c, d, a.file, line);
    return add_provenance(c, d, file, line, !*text);
}

int directive_set(struct unit_config *c, const struct directive *d, const char *text)
{
    union {
        uint64_t align;
        char bytes[64];
    } old;
    struct assignment a = { .config = c,
                            .directive = d,
                            .group = unit_config_own(c, (enum config_group) d->group),
                            .silent = true };
    const struct value_type *type = d->type;

    if (!a.group)
        return -ENOMEM;
    assert(type->size <= sizeof old);
    void *value = (char *) a.group + d->offset;
    if (type->copy) {
        int r = type->copy(&old, value);
        if (r < 0)
            return r;
    } else {
        memcpy(&old, value, type->size);
    }

    int r = assign(&a, d, text);
    if (r >= 0 && a.n_faults == 0)
        r = add_provenance(c, d, PROVENANCE_REQUEST, 0, !*text);
    if (r >= 0 && a.n_faults == 0) {
        if (type->clear)
            type->clear(&old);
        return 0;
    }
    if (type->clear)
        type->clear(value);
    memcpy(value, &old, type->size);
    return r == -ENOMEM ? r : -EINVAL;
}

int directive_unset(struct unit_config *c, const struct directive *d)
{
    void *group = unit_config_own(c, (enum config_group) d->group);
    const char *preset = unit_presets_group(c->presets, (enum config_group) d->group);
    union {
        uint64_t align;
        char bytes[64];
    } copy;

    if (!group)
        return -ENOMEM;
    assert(d->type->size <= sizeof copy);
    if (d->type->copy) {
        int r = d->type->copy(&copy, preset + d->offset);
        if (r < 0)
            return r;
    } else {
        memcpy(&copy, preset + d->offset, d->type->size);
    }
    void *value = (char *) group + d->offset;
    if (d->type->clear)
        d->type->clear(value);
    memcpy(value, &copy, d->type->size);

    unsigned n = 0;
    for (unsigned i = 0; i < c->n_provenance; i++)
        if (!same_member(&directives[c->provenance[i].directive], d))
            c->provenance[n++] = c->provenance[i];
    c->n_provenance = (uint16_t) n;
    return 0;
}

/* What other settings imply for this one: it is shown as it is in force. */
static const void *effective_value(const struct unit_config *c, const void *value,
                                   struct effective *e)
{
    effective_settings(c, true, e);
    const void *const implied[][2] = {
        { &c->exec->capability_bounding_set, &e->bounding },
        { &c->exec->no_new_privileges, &e->no_new_privileges },
        { &c->sandbox->restrict_suid_sgid, &e->restrict_suid_sgid },
        { &c->sandbox->remove_ipc, &e->remove_ipc },
        { &c->sandbox->private_tmp, &e->private_tmp },
        { &c->sandbox->protect_system, &e->protect_system },
        { &c->sandbox->protect_home, &e->protect_home },
        { &c->cgroup->device_policy, &e->device_policy },
    };

    for (size_t i = 0; i < ELEMENTSOF(implied); i++)
        if (value == implied[i][0])
            return implied[i][1];
    return value;
}

void directive_format(const struct unit_config *c, const struct directive *d, struct strbuf *out)
{
    struct effective e;
    const void *value = effective_value(c, directive_value(c, d), &e);

    bool root = c->exec->root_directory || c->sandbox->root_image;
    const ctype_tristate *t = value;
    ctype_tristate effective = -1;

    /* What unset values come to. */
    if (d->type == &type_signal_optional && *(const int *) value == 0)
        value = &c->kill->kill_signal;
    if (d->type == &type_tristate && *t < 0) {
        if (t == &c->exec->set_login_environment)
            effective = c->exec->user || c->sandbox->dynamic_user || c->sandbox->pam_name;
        else if (t == &c->sandbox->mount_apivfs)
            effective = root;
        else if (t == &c->sandbox->bind_log_sockets)
            effective = c->exec->log_namespace ||
                        (c->sandbox->mount_apivfs >= 0 ? c->sandbox->mount_apivfs : root);
        value = &effective;
    }
    ctype_numa_policy policy = effective_numa_policy(c->exec);
    if (value == &c->exec->numa_policy)
        value = &policy;
    if (c->sandbox->dynamic_user && ((value == &c->exec->user && !c->exec->user) ||
                                     (value == &c->exec->group && !c->exec->group))) {
        auto_free char *name = effective_user_name(c->name);

        strbuf_add(out, c->exec->user ? c->exec->user : strempty(name));
        return;
    }
    if (value == &c->unit->description && !c->unit->description) {
        strbuf_add(out, c->name);
        return;
    }
    d->type->format(d->type, value, out);
}

void directive_format_file(const struct unit_config *c, const struct directive *d,
                           struct strbuf *out)
{
    const void *value = directive_value(c, d);

    if (d->type->format_file) {
        d->type->format_file(d->type, d->name ? d->name : "", value, out);
        return;
    }
    if (!d->name)
        return; /* shown beside the row that is written */
    auto_strbuf struct strbuf text = {};
    d->type->format(d->type, value, &text);
    if (text.length > 0)
        format_line(out, d->name, strbuf_text(&text));
}

bool directive_needs_cgroup(const struct directive *d)
{
    return d->group == GROUP_CGROUP && d->standing == STANDING_HONOURED && d->name &&
           !streq(d->name, "Slice") && !endswith(d->name, "Accounting");
}

bool directive_is_preset(const struct unit_config *c, const struct directive *d)
{
    const char *preset = unit_presets_group(c->presets, (enum config_group) d->group);

    return value_equal(d->type, directive_value(c, d), preset + d->offset);
}

bool directive_equal(const struct unit_config *a, const struct unit_config *b,
                     const struct directive *d)
{
    return value_equal(d->type, directive_value(a, d), directive_value(b, d));
}

bool directive_is_set(const struct unit_config *c, const struct directive *d)
{
    for (unsigned i = c->n_provenance; i > 0; i--)
        if (assigns(&directives[c->provenance[i - 1].directive], d))
            return !c->provenance[i - 1].reset;
    return false;
}

unsigned directive_provenance(const struct unit_config *c, const struct directive *d,
                              bool overridden, const struct provenance **ret, unsigned n)
{
    bool is_list = d->type->clear && d->type->size == sizeof(void *) && d->type->format_file;
    unsigned first = 0, found = 0;

    /* `first`: where the assignments that count begin. */
    for (unsigned i = 0; i < c->n_provenance; i++)
        if (assigns(&directives[c->provenance[i].directive], d) &&
            (!is_list || c->provenance[i].reset))
            first = is_list ? i + 1 : i;
    for (unsigned i = overridden ? 0 : first; i < (overridden ? first : c->n_provenance); i++)
        if (assigns(&directives[c->provenance[i].directive], d) && !c->provenance[i].reset) {
            if (found < n)
                ret[found] = &c->provenance[i];
            found++;
        }
    return MIN(found, n);
}
