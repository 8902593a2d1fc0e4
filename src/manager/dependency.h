/* manager/dependency.h -- the kinds of dependency between units, and what each kind does.
 *
 * Every edge is known to both of its ends: Requires= at the one is RequiredBy= at the other. What
 * the manager does with an edge is not asked of its kind but of its atoms ("starting this one pulls
 * that one in", "when that one stops, this one is stopped"), so that a kind is one row of a table.
 * Sources: systemd.unit(5), "MAPPING OF UNIT PROPERTIES TO THEIR INVERSES" and each option's text.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum dependency_kind {
    DEP_REQUIRES,
    DEP_REQUISITE,
    DEP_WANTS,
    DEP_BINDS_TO,
    DEP_PART_OF,
    DEP_UPHOLDS,
    DEP_REQUIRED_BY,
    DEP_REQUISITE_OF,
    DEP_WANTED_BY,
    DEP_BOUND_BY,
    DEP_CONSISTS_OF,
    DEP_UPHELD_BY,
    DEP_CONFLICTS,
    DEP_CONFLICTED_BY,
    DEP_BEFORE,
    DEP_AFTER,
    DEP_ON_SUCCESS,
    DEP_ON_SUCCESS_OF,
    DEP_ON_FAILURE,
    DEP_ON_FAILURE_OF,
    DEP_TRIGGERS,
    DEP_TRIGGERED_BY,
    DEP_PROPAGATES_RELOAD_TO,
    DEP_RELOAD_PROPAGATED_FROM,
    DEP_PROPAGATES_STOP_TO,
    DEP_STOP_PROPAGATED_FROM,
    DEP_JOINS_NAMESPACE_OF,
    DEP_REFERENCES,
    DEP_REFERENCED_BY,
    DEP_IN_SLICE,
    DEP_SLICE_OF,
    DEPENDENCY_KIND_MAX,
};

#define DEP_BIT(kind) (UINT32_C(1) << (kind))
static_assert(DEPENDENCY_KIND_MAX <= 32, "a set of kinds is 32 bits");

/* What an edge of this kind does, seen from the end that has it. */
enum dependency_atom {
    ATOM_PULL_IN_START = 1 << 0,           /* our start starts the other, and fails with it */
    ATOM_PULL_IN_START_IGNORED = 1 << 1,   /* our start starts the other; its failure is ignored */
    ATOM_PULL_IN_VERIFY = 1 << 2,          /* our start needs the other active already */
    ATOM_PULL_IN_STOP = 1 << 3,            /* our start stops the other; failing is fatal */
    ATOM_PULL_IN_STOP_IGNORED = 1 << 4,    /* our start stops the other, if that can be */
    ATOM_PROPAGATE_STOP = 1 << 5,          /* our stop stops the other */
    ATOM_PROPAGATE_STOP_GRACEFUL = 1 << 6, /* the same, unless it is to be started anyway */
    ATOM_PROPAGATE_RESTART = 1 << 7,       /* our restart restarts the other if it runs */
    ATOM_PROPAGATES_RELOAD_TO = 1 << 8,
    ATOM_RETROACTIVE_START_REPLACE = 1 << 9,  /* we came up without a job: start the other */
    ATOM_RETROACTIVE_START_FAIL = 1 << 10,    /* the same, if nothing speaks against it */
    ATOM_RETROACTIVE_STOP_ON_START = 1 << 11, /* we came up without a job: stop the other */
    ATOM_RETROACTIVE_STOP_ON_STOP = 1 << 12,  /* we went down without a job: stop the other */
    ATOM_CANNOT_BE_ACTIVE_WITHOUT = 1 << 13,  /* the other went down: stop us */
    ATOM_CHECK_BOUND = 1 << 14,               /* we went down: the other may be bound to us */
    ATOM_CHECK_UNNEEDED = 1 << 15,          /* we went down: the other may not be needed any more */
    ATOM_CHECK_UPHELD = 1 << 16,            /* we came up: the other is to be up as well */
    ATOM_START_STEADILY = 1 << 17,          /* the other being up, we are to be up */
    ATOM_PINS = 1 << 18,                    /* the other being up, we are needed */
    ATOM_PROPAGATE_START_FAILURE = 1 << 19, /* our start failed: so does the other's */
    ATOM_PROPAGATE_STOP_FAILURE = 1 << 20,  /* our stop failed: so does the other's start */
    ATOM_PROPAGATE_INACTIVE_START_AS_FAILURE = 1
                                               << 21, /* our start was skipped: the other's fails */
    ATOM_TARGET_ORDERS = 1 << 22,     /* we being a target, it is ordered after the other */
    ATOM_ORDERED_BY_TARGET = 1 << 23, /* the other being a target, it is ordered after us */
    ATOM_ON_FAILURE = 1 << 24,
    ATOM_ON_SUCCESS = 1 << 25,
    ATOM_TRIGGERS = 1 << 26,
    ATOM_TRIGGERED_BY = 1 << 27,
    ATOM_BEFORE = 1 << 28,
    ATOM_AFTER = 1 << 29,
    ATOM_JOINS_NAMESPACE_OF = 1 << 30,
};

struct dependency_info {
    const char *name; /* property: "Requires", "RequiredBy" ... */
    enum dependency_kind inverse;
    uint32_t atoms;
};

extern const struct dependency_info dependency_infos[DEPENDENCY_KIND_MAX];

/* All kinds (as DEP_BIT()s) whose atoms contain any of the given ones. */
uint32_t dependency_kinds_with(uint32_t atoms);
/* The atoms of a set of kinds. */
uint32_t dependency_atoms(uint32_t kinds);

struct unit;

/* One pair of units and all that holds between them. Both ends point to the same edge. */
struct edge {
    struct unit *end[2];
    uint32_t kinds[2]; /* kinds[i] is seen from end[i]; the other is its inverse */
};

struct edge_list {
    struct edge **edges;
    uint32_t n, allocated;
};

/* The memory alone: no end may know it any more. */
void edge_free(struct edge *e);

/* Adds `kind` from u to other and its inverse. A dependency of a unit on itself is no edge (0).
 * Returns 1 if it is new, 0 if it was there, -ENOMEM. */
int dependency_add(struct unit *u, enum dependency_kind kind, struct unit *other);
/* Gives back the room that was made for more edges than have come. */
void dependency_shrink(struct unit *u);
/* Whether u has an edge of any of the kinds to other. */
bool dependency_has(const struct unit *u, uint32_t kinds, const struct unit *other);
/* Drops all edges of u, at both ends. */
void dependency_drop_all(struct unit *u);
/* Moves the edges of `from` to `to` (merging of aliases). -ENOMEM leaves some moved. */
int dependency_move(struct unit *from, struct unit *to);

/* Walks the units that u has an edge of any of `kinds` to: start with *position = 0, NULL at the
 * end. Edges may be added, not removed, meanwhile. */
struct unit *dependency_next(const struct unit *u, uint32_t kinds, uint32_t *position);

#define UNIT_FOREACH_KIND(other, u, kinds_) \
    for (uint32_t dep_i = 0; ((other) = dependency_next((u), (kinds_), &dep_i));)
#define UNIT_FOREACH_ATOM(other, u, atoms_) \
    UNIT_FOREACH_KIND(other, u, dependency_kinds_with(atoms_))
