/* unit/name.h -- names of units (systemd.unit(5)). */
#pragma once

#include <stdbool.h>

#include "unit/enums.h"

#define UNIT_NAME_MAX 256 /* with the NUL */

enum unit_name_form {
    UNIT_NAME_PLAIN = 1 << 0,    /* foo.service */
    UNIT_NAME_INSTANCE = 1 << 1, /* foo@bar.service */
    UNIT_NAME_TEMPLATE = 1 << 2, /* foo@.service */
    UNIT_NAME_ANY = UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE | UNIT_NAME_TEMPLATE,
};

/* Whether the text is a name of one of the forms. */
bool unit_name_is_valid(const char *name, unsigned forms);

/* enum unit_type of a name or file name by its suffix, or -EINVAL. */
int unit_name_type(const char *name);

/* Returns UNIT_NAME_INSTANCE and a new string (ret may be NULL), UNIT_NAME_TEMPLATE or _PLAIN with
 * *ret NULL; -EINVAL for no unit name, -ENOMEM. */
int unit_name_instance(const char *name, char **ret);

/* foo@bar.service -> foo@.service. -EINVAL for a plain name. */
int unit_name_template(const char *name, char **ret);

/* foo@.service and "bar" -> foo@bar.service; also replaces the instance of an instance. */
int unit_name_with_instance(const char *template, const char *instance, char **ret);

/* What is before the "@" or the suffix ("foo"), and what is before the suffix ("foo@bar"). */
int unit_name_prefix(const char *name, char **ret);
int unit_name_prefix_and_instance(const char *name, char **ret);

/* foo.socket and ".service" -> foo.service. */
int unit_name_change_suffix(const char *name, const char *suffix, char **ret);

/* "/var/lib" and ".mount" -> var-lib.mount, and back. -EINVAL. */
int unit_name_from_path(const char *path, const char *suffix, char **ret);
int unit_name_to_path(const char *name, char **ret);

/* What people write on the command line: "nginx" -> nginx.service, "/var/lib" -> var-lib.mount,
 * "/dev/sda" -> dev-sda.device, other characters escaped. With `glob`, texts with *, ? or [ stay,
 * with the suffix added where there is none. `suffix` is that of bare names (".service").
 * Returns 1 if the result differs from what was written, else 0; -EINVAL, -ENOMEM. */
int unit_name_mangle(const char *text, bool glob, const char *suffix, char **ret);

/* The slice that a slice is in: "a-b.slice" -> "a.slice", "a.slice" -> "-.slice"; NULL for
 * "-.slice". -EINVAL for no slice name. */
int slice_name_parent(const char *slice, char **ret);
bool slice_name_is_valid(const char *name);

/* The slice of a unit without Slice= (systemd.resource-control(5), Slice=; systemd.slice(5)):
 * "system-foo.slice" for an instance of foo@.service, else "system.slice"; for a user's manager
 * "app-foo.slice" and "app.slice". Slices: their parent. NULL in *ret where it has none (targets,
 * devices, timers, paths, automounts, "-.slice"). */
int unit_default_slice(const char *name, bool user, char **ret);
