/* manager/property.h -- tables of runtime properties that several unit types share (manager.h,
 * "properties"). */
#pragma once

#include "manager/unit.h"

/* Of slices, scopes, and units with processes: cgroup, memory, tasks, traffic. */
extern const struct property_row resource_properties[];
/* Of units with processes: what of systemd.exec(5) is known at run time only. */
extern const struct property_row process_properties[];

static inline bool unit_has_resources(const struct unit *u)
{
    return u->ops->has_processes || u->type == UNIT_SLICE || u->type == UNIT_SCOPE;
}

static inline int property_put_number(struct property_value *v, enum value_kind kind,
                                      uint64_t number)
{
    v->kind = kind;
    v->number = number;
    return 0;
}

/* Text that lives as long as the unit does not change; NULL is empty. */
static inline int property_put_text(struct property_value *v, const char *text)
{
    v->kind = VALUE_STRING;
    v->text = text ? text : "";
    return 0;
}

/* Whose soft values are properties of their own; with the member of struct limits_config. */
#define RESOURCE_LIMITS(ROW) \
    ROW(CPU, cpu) \
    ROW(FSIZE, fsize) \
    ROW(DATA, data) \
    ROW(STACK, stack) \
    ROW(CORE, core) \
    ROW(RSS, rss) \
    ROW(NOFILE, nofile) \
    ROW(AS, as) \
    ROW(NPROC, nproc) \
    ROW(MEMLOCK, memlock) \
    ROW(LOCKS, locks) \
    ROW(SIGPENDING, sigpending) \
    ROW(MSGQUEUE, msgqueue) \
    ROW(NICE, nice) \
    ROW(RTPRIO, rtprio) \
    ROW(RTTIME, rttime)

/* For rows of what is no property, of a text that is never there, of what is never so. */
int property_none(const struct unit *u, struct property_value *v);
int property_empty(const struct unit *u, struct property_value *v);
int property_no(const struct unit *u, struct property_value *v);
