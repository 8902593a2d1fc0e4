/* unit/manager-config.h -- system.conf, user.conf and their drop-ins (systemd-system.conf(5)): what
 * concerns the manager itself, and the presets of units. */
#pragma once

#include <stdbool.h>

#include "unit/types.h"

struct directive;
struct unit_message;
struct unit_presets;

/* A member for each row of manager.directives, and what reading had to say. */
struct manager_config {
#define ROW(name, type, member, preset, standing, class, summary) ctype_##type member;
#define ALIAS(old, name)
#include "unit/manager.directives"
#undef ROW
#undef ALIAS
    char **files; /* those that were read, in order */
    struct unit_message *messages;
    unsigned n_messages;
};

struct manager_config_options {
    bool user;
    const char *root; /* folder that stands for /; NULL for / */
};

/* Reads the first system.conf (user.conf) of /etc/systemd, /run/systemd, /usr/local/lib/systemd and
 * /usr/lib/systemd, then all of the .conf.d folders by name. What cannot be read or used is told in
 * messages and left out. 0 or -ENOMEM. */
int manager_config_read(const struct manager_config_options *options, struct manager_config **ret);
struct manager_config *manager_config_free(struct manager_config *c);

/* The rows, for completion, the reference page and `show` of the manager: *position starts at 0;
 * NULL at the end. directive_property() names such a row as well. */
const struct directive *manager_directive_next(unsigned *position);
/* Whether systemd's manager has it as a property of that name. */
bool manager_setting_is_property(const struct directive *d);
const void *manager_config_value(const struct manager_config *c, const struct directive *d);

/* The presets of units that follow from it; NULL where memory is out. */
struct unit_presets *manager_config_presets(const struct manager_config *c, bool user);
