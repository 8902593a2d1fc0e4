/* unit/check.h -- what is wrong, or likely not meant, in a unit's files, told without a look at the
 * machine that they are for: `reeve check --static`. */
#pragma once

struct unit_config;
struct unit_loader;

/* Loads the unit of that name, or, if it has a "/", the file, a template as its instance "i", and
 * adds to what loading had to say (unit_config.messages) what follows from the text alone: shell
 * syntax in command lines, comments after values, variables where none are expanded, settings that
 * contradict each other; and which units it refers to do not exist (systemd.unit(5)).
 * LOG_ERR: the unit cannot be used; LOG_WARNING: something is ignored or is not what it seems;
 * LOG_NOTICE: worth a look. The config is the caller's. Returns 0, -EINVAL (no unit name), -ENOENT,
 * -ENOMEM. */
int unit_check(struct unit_loader *l, const char *name_or_path, struct unit_config **ret);

/* Gives the messages from `before` on the stable id of their kind of finding, a static string. */
void unit_check_code(struct unit_config *c, unsigned before, const char *code);

/* What a timer, path or socket lacks without which nothing ever sets it off, so that managers
 * refuse it; NULL for one that lacks nothing, and for other units. */
const char *unit_check_trigger(const struct unit_config *c);
