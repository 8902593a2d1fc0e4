/* unit/config.h -- what the files of one unit say.
 *
 * Settings are in groups, one struct for each *.directives file, with a member for each row, named
 * as the directive in snake case. A group that the unit does not touch is a pointer to a shared
 * object that holds all presets, so that `c->service->restart_sec` can be read always; the first
 * setting in a group gives the unit its own copy, which units that say the same may share. Groups
 * that belong to another type of unit are the presets as well. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "unit/types.h"

#define FIELD(type, member, preset, property) ctype_##type member;
#define ROW(name, type, member, preset, standing, class, summary) ctype_##type member;
#define ROW_AS(name, property, type, member, preset, standing, class, summary) ctype_##type member;
#define ITEM(name, type, member, standing, class, summary)
#define SHOWN(property, type, member)
#define ALIAS(old, name)
#define ALIAS_UNIT(old, name)

struct unit_section {
#include "unit/unit.directives"
};
struct install_section {
#include "unit/install.directives"
};
struct service_config {
#include "unit/service.directives"
};
struct exec_config {
#include "unit/exec.directives"
};
struct limits_config {
#include "unit/limits.directives"
};
struct sandbox_config {
#include "unit/sandbox.directives"
};
struct kill_config {
#include "unit/kill.directives"
};
struct cgroup_config {
#include "unit/cgroup.directives"
};
struct socket_config {
#include "unit/socket.directives"
};
struct timer_config {
#include "unit/timer.directives"
};
struct path_config {
#include "unit/path.directives"
};
struct mount_config {
#include "unit/mount.directives"
};
struct automount_config {
#include "unit/automount.directives"
};
struct swap_config {
#include "unit/swap.directives"
};
struct scope_config {
#include "unit/scope.directives"
};
struct reeve_config {
#include "unit/reeve.directives"
};

#undef FIELD
#undef ROW
#undef ROW_AS
#undef ITEM
#undef SHOWN
#undef ALIAS
#undef ALIAS_UNIT

/* enum config_group, struct tag, member of struct unit_config. */
#define CONFIG_GROUPS(G) \
    G(GROUP_UNIT, unit_section, unit) \
    G(GROUP_INSTALL, install_section, install) \
    G(GROUP_SERVICE, service_config, service) \
    G(GROUP_EXEC, exec_config, exec) \
    G(GROUP_LIMITS, limits_config, limits) \
    G(GROUP_SANDBOX, sandbox_config, sandbox) \
    G(GROUP_KILL, kill_config, kill) \
    G(GROUP_CGROUP, cgroup_config, cgroup) \
    G(GROUP_SOCKET, socket_config, socket) \
    G(GROUP_TIMER, timer_config, timer) \
    G(GROUP_PATH, path_config, path) \
    G(GROUP_MOUNT, mount_config, mount) \
    G(GROUP_AUTOMOUNT, automount_config, automount) \
    G(GROUP_SWAP, swap_config, swap) \
    G(GROUP_SCOPE, scope_config, scope) \
    G(GROUP_REEVE, reeve_config, reeve)

#define CONFIG_GROUP_ENUM(id, tag, member) id,
enum config_group { CONFIG_GROUPS(CONFIG_GROUP_ENUM) CONFIG_GROUP_MAX };
#undef CONFIG_GROUP_ENUM

/* Where one assignment was made, in the order in which they were read: the last one of a directive
 * that has a single value is in force; a list is made of all after its last reset. */
struct provenance {
    uint16_t directive; /* index in the table of unit/directive.h */
    uint16_t file;      /* for unit_config_file(), or PROVENANCE_REQUEST */
    uint32_t line : 31;
    uint32_t reset : 1; /* an empty assignment */
};
#define PROVENANCE_REQUEST UINT16_MAX /* a property set through the manager, not by a file */

/* What loading has to say. `level` is a priority of syslog(3): LOG_ERR where the unit cannot be
 * used, LOG_WARNING where an assignment was ignored or does not do what it seems to, LOG_NOTICE for
 * old names and the like, LOG_INFO and LOG_DEBUG below. */
struct unit_message {
    int level;
    unsigned line;    /* 0: the whole file or unit */
    char *file;       /* NULL: the unit as a whole */
    char *section;    /* NULL if none */
    char *directive;  /* NULL if none */
    char *text;       /* a sentence without full stop */
    char *remedy;     /* what would be right; NULL if nothing is known */
    const char *code; /* static: the stable id of a finding; NULL: what loading says */
};

/* All strings of a message are in one piece of memory, which `text` is the beginning of. init()
 * copies them; NULL is allowed but for the text. -ENOMEM. */
int unit_message_init(struct unit_message *m, int level, const char *file, unsigned line,
                      const char *section, const char *directive, const char *remedy,
                      const char *text);
void unit_message_done(struct unit_message *m);

/* All presets: those of the rows, changed by the Default*= settings of the manager's configuration.
 * Shared by units and counted. */
struct unit_presets;

struct unit_config {
    char *name;   /* the name that the fragment has, or that was asked for if there is none */
    char **names; /* its other names (aliases), NULL if none */

    char *fragment_path;     /* NULL if there is none, or it is built in */
    char *masked_path;       /* LOAD_MASKED: the link to /dev/null, or the empty file */
    char **dropin_paths;     /* in the order in which they were read */
    char **dependency_paths; /* links in .wants/, .requires/ and .upholds/ folders */
    usec_t fragment_mtime;   /* 0 without a file */
    usec_t dropin_mtime;     /* the newest */

    char *load_error;         /* one line, NULL if none: what `show` has as LoadError= */
    int load_errno;           /* negative errno that belongs to it */
    unsigned char type;       /* enum unit_type */
    unsigned char load_state; /* enum load_state */
    bool builtin;             /* the fragment is one of the program's own (unit/builtin.h) */
    bool transient;
    bool user; /* for a manager of one user */

    uint32_t owned; /* bit GROUP_...: that pointer is no preset, but this unit's own */
    uint16_t n_provenance, allocated_provenance;
    uint16_t n_messages, allocated_messages;
    struct provenance *provenance;
    struct unit_message *messages;

    struct unit_presets *presets;
#define CONFIG_GROUP_MEMBER(id, tag, member) const struct tag *member;
    CONFIG_GROUPS(CONFIG_GROUP_MEMBER)
#undef CONFIG_GROUP_MEMBER
};

/* The presets that the rows give. unit_presets_ref() and _unref() take and return NULL. The groups
 * are read through unit_presets_group(); only unit/manager-config.c changes them, before use. */
struct unit_presets *unit_presets_new(bool user);
struct unit_presets *unit_presets_ref(struct unit_presets *p);
struct unit_presets *unit_presets_unref(struct unit_presets *p);
const void *unit_presets_group(const struct unit_presets *p, enum config_group group);

/* A config with nothing set. `name` has to be a valid unit name; `presets` NULL stands for those of
 * the rows, for the system manager. Returns 0, -EINVAL (no unit name) or -ENOMEM. */
int unit_config_new(const char *name, struct unit_presets *presets, struct unit_config **ret);
struct unit_config *unit_config_free(struct unit_config *c);
/* What the group is where the unit sets nothing in it. */
const void *unit_config_preset(const struct unit_config *c, enum config_group group);

/* The group for writing: copies it first if it is shared. NULL where memory is out. */
void *unit_config_own(struct unit_config *c, enum config_group group);
/* Groups that say the same as those of a unit that was shared lately become one object with them:
 * instances of a template, and units that a program wrote, differ in little. */
void unit_config_share(struct unit_config *c);

/* The file that a provenance speaks of: 0 the fragment, then drop-ins, then dependency links; for a
 * built-in unit "(built in)", for PROVENANCE_REQUEST "(set by request)". */
const char *unit_config_file(const struct unit_config *c, unsigned file);

/* Records a message; takes copies. Out of memory the message is lost and load_error stays. */
void unit_config_message(struct unit_config *c, int level, const char *file, unsigned line,
                         const char *section, const char *directive, const char *remedy,
                         const char *fmt, ...) __attribute__((format(printf, 8, 9)));
