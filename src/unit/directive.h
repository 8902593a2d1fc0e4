/* unit/directive.h -- the directive table: one row for each setting of every unit type.
 *
 * The rows are in the *.directives files, one file a group:
 *
 *   ROW(Name, type, member, preset, standing, class, summary)
 *   ROW_AS(Name, "Property", type, ...)    `systemctl show` calls it otherwise
 *   SHOWN("Property", type, member)         another property of what a row has the memory of
 *   FIELD(type, member, preset, "Property") a member that several directives write to,
 *   ITEM(Name, type, member, standing, class, summary)  and one of those
 *   ALIAS(OldName, Name)                   an old name that files still use
 *   ALIAS_UNIT(OldName, Name)              the same for a setting that now is in [Unit]
 *
 * Standing: HONOURED; ACCEPTED, means nothing here and loses nothing; REFUSED, cannot be had and
 * the reason is in docs/architecture.md; NOT_YET. Loading warns of the last two. Class, of
 * sandboxing: IDENTITY and VIEW are never skipped, HARDENING may be where the surroundings refuse
 * (docs/architecture.md, "Classes of sandboxing"); NONE for the rest.
 *
 * The preset is text for the row's own type; "" is the type's unset value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "unit/config.h"

struct value_type;

struct directive {
    const char *name, *property; /* property NULL: as the name; a FIELD has no name */
    const struct value_type *type;
    const char *preset, *summary;
    const struct directive *alias_of; /* filled in at first use */
    const char *alias_name;           /* ALIAS: the name it stands for, else NULL */
    uint16_t offset;                  /* in its group's struct */
    unsigned char group;              /* enum config_group */
    unsigned char standing, class;
    bool is_field, is_item, is_shown, alias_in_unit;
};

extern const struct directive directives[];
extern const unsigned n_directives;

/* Whether the row is what the member's memory is parsed, copied and freed by. */
static inline bool directive_owns(const struct directive *d)
{
    return d->type && !d->is_item && !d->is_shown;
}

/* The row for NAME= in [section] of a unit of this type, with aliases resolved; NULL if there is
 * none. *ret_alias, if not NULL, is set to the old name's row where an old name was used. */
const struct directive *directive_find(enum unit_type type, const char *section, const char *name,
                                       const struct directive **ret_alias);

/* By name alone, as transient properties and set-property name it: in the type's own sections.
 * Takes the property's name as well ("RestartUSec"). */
const struct directive *directive_find_property(enum unit_type type, const char *name);

/* Walks all rows of a unit type in the table's order: start with *position = 0, NULL at the end.
 * Aliases are left out; fields that items share come once, as the FIELD row. */
const struct directive *directive_next(enum unit_type type, unsigned *position);

/* Whether [section] may be in a file of that type; its name for a group ("Service" for GROUP_EXEC
 * of a service); the manual page, "systemd.exec(5)". */
bool section_known(enum unit_type type, const char *section);
const char *directive_section(const struct directive *d, enum unit_type type);
const char *directive_man_page(const struct directive *d);

/* The name that `systemctl show` gives it. */
const char *directive_property(const struct directive *d);

/* Where its value is, in the unit's own group or in the presets. */
static inline const void *directive_value(const struct unit_config *c, const struct directive *d)
{
    const void *const *groups = (const void *const *) (const void *) &c->unit;

    return (const char *) groups[d->group] + d->offset;
}

/* The nearest names for what was written, for "did you mean". At most n; returns how many. */
unsigned directive_nearest(enum unit_type type, const char *section, const char *name,
                           const struct directive **ret, unsigned n);

struct specifier_context;

/* Parses `text` into the unit: what a file's line NAME=text does. Specifiers are resolved where the
 * directive takes them, with `specifiers`; NULL takes the text as it is. An empty text resets. What
 * is wrong is recorded as a message of the unit at file:line. Returns 0 (also when the value was
 * refused and ignored, as systemd does), -ENOEXEC where systemd refuses the unit for it, -ENOMEM.
 */
int directive_assign(struct unit_config *c, const struct directive *d, const char *text,
                     const struct specifier_context *specifiers, unsigned file, unsigned line);

/* As above, for properties set by request: wrong values are -EINVAL and change nothing. */
int directive_set(struct unit_config *c, const struct directive *d, const char *text);

/* Back to the preset, as if no file had set it. */
int directive_unset(struct unit_config *c, const struct directive *d);

/* The value as `systemctl show` prints it after "Property="; appends nothing for an empty one.
 * Lists that systemctl prints over several lines (ExecStart=, EnvironmentFiles=) are separated by
 * newlines. */
void directive_format(const struct unit_config *c, const struct directive *d, struct strbuf *out);

/* The value as lines of a unit file, "Name=value\n", which parse to the same value. Nothing for the
 * unset value. */
void directive_format_file(const struct unit_config *c, const struct directive *d,
                           struct strbuf *out);

/* Whether a unit that sets it cannot be started: who its processes are, or what they see, would be
 * another thing than was asked for. */
static inline bool directive_forbids_start(const struct directive *d)
{
    return (d->standing == STANDING_NOT_YET || d->standing == STANDING_REFUSED) &&
           (d->class == CLASS_IDENTITY || d->class == CLASS_VIEW);
}

/* Whether it has no effect where there are no cgroups. What only sorts units, or counts, loses
 * nothing there that one would rely on. */
bool directive_needs_cgroup(const struct directive *d);

/* Whether the value is the preset, whoever gave it. */
bool directive_is_preset(const struct unit_config *c, const struct directive *d);

bool directive_equal(const struct unit_config *a, const struct unit_config *b,
                     const struct directive *d);

/* Whether a file or request gave it a value (an empty assignment after the last one: no). */
bool directive_is_set(const struct unit_config *c, const struct directive *d);

/* Which assignments its value comes from: those after the last reset, in order. Returns how many of
 * at most n were written to ret. `overridden`: instead those that no longer count. */
unsigned directive_provenance(const struct unit_config *c, const struct directive *d,
                              bool overridden, const struct provenance **ret, unsigned n);
