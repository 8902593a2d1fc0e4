#include "manager/dependency.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "manager/unit.h"

const struct dependency_info dependency_infos[DEPENDENCY_KIND_MAX] = {
    [DEP_REQUIRES] = { "Requires", DEP_REQUIRED_BY,
                       ATOM_PULL_IN_START | ATOM_RETROACTIVE_START_REPLACE | ATOM_CHECK_UNNEEDED |
                           ATOM_TARGET_ORDERS },
    [DEP_REQUISITE] = { "Requisite", DEP_REQUISITE_OF,
                        ATOM_PULL_IN_VERIFY | ATOM_CHECK_UNNEEDED | ATOM_TARGET_ORDERS },
    [DEP_WANTS] = { "Wants", DEP_WANTED_BY,
                    ATOM_PULL_IN_START_IGNORED | ATOM_RETROACTIVE_START_FAIL | ATOM_CHECK_UNNEEDED |
                        ATOM_TARGET_ORDERS },
    [DEP_BINDS_TO] = { "BindsTo", DEP_BOUND_BY,
                       ATOM_PULL_IN_START | ATOM_RETROACTIVE_START_REPLACE |
                           ATOM_CANNOT_BE_ACTIVE_WITHOUT | ATOM_CHECK_UNNEEDED |
                           ATOM_TARGET_ORDERS },
    [DEP_PART_OF] = { "PartOf", DEP_CONSISTS_OF, ATOM_TARGET_ORDERS },
    [DEP_UPHOLDS] = { "Upholds", DEP_UPHELD_BY,
                      ATOM_PULL_IN_START_IGNORED | ATOM_RETROACTIVE_START_REPLACE |
                          ATOM_CHECK_UPHELD | ATOM_CHECK_UNNEEDED | ATOM_TARGET_ORDERS },
    [DEP_REQUIRED_BY] = { "RequiredBy", DEP_REQUIRES,
                          ATOM_PROPAGATE_STOP | ATOM_PROPAGATE_RESTART |
                              ATOM_PROPAGATE_START_FAILURE | ATOM_PINS | ATOM_ORDERED_BY_TARGET },
    [DEP_REQUISITE_OF] = { "RequisiteOf", DEP_REQUISITE,
                           ATOM_PROPAGATE_STOP | ATOM_PROPAGATE_RESTART |
                               ATOM_PROPAGATE_START_FAILURE |
                               ATOM_PROPAGATE_INACTIVE_START_AS_FAILURE | ATOM_PINS |
                               ATOM_ORDERED_BY_TARGET },
    [DEP_WANTED_BY] = { "WantedBy", DEP_WANTS, ATOM_PINS | ATOM_ORDERED_BY_TARGET },
    [DEP_BOUND_BY] = { "BoundBy", DEP_BINDS_TO,
                       ATOM_RETROACTIVE_STOP_ON_STOP | ATOM_PROPAGATE_STOP |
                           ATOM_PROPAGATE_RESTART | ATOM_PROPAGATE_START_FAILURE |
                           ATOM_CHECK_BOUND | ATOM_PINS | ATOM_ORDERED_BY_TARGET },
    [DEP_CONSISTS_OF] = { "ConsistsOf", DEP_PART_OF, ATOM_PROPAGATE_STOP | ATOM_PROPAGATE_RESTART },
    [DEP_UPHELD_BY] = { "UpheldBy", DEP_UPHOLDS,
                        ATOM_START_STEADILY | ATOM_PINS | ATOM_ORDERED_BY_TARGET },
    [DEP_CONFLICTS] = { "Conflicts", DEP_CONFLICTED_BY,
                        ATOM_PULL_IN_STOP | ATOM_RETROACTIVE_STOP_ON_START },
    [DEP_CONFLICTED_BY] = { "ConflictedBy", DEP_CONFLICTS,
                            ATOM_PULL_IN_STOP_IGNORED | ATOM_PROPAGATE_STOP_FAILURE },
    [DEP_BEFORE] = { "Before", DEP_AFTER, ATOM_BEFORE },
    [DEP_AFTER] = { "After", DEP_BEFORE, ATOM_AFTER },
    [DEP_ON_SUCCESS] = { "OnSuccess", DEP_ON_SUCCESS_OF, ATOM_ON_SUCCESS },
    [DEP_ON_SUCCESS_OF] = { "OnSuccessOf", DEP_ON_SUCCESS, 0 },
    [DEP_ON_FAILURE] = { "OnFailure", DEP_ON_FAILURE_OF, ATOM_ON_FAILURE },
    [DEP_ON_FAILURE_OF] = { "OnFailureOf", DEP_ON_FAILURE, 0 },
    [DEP_TRIGGERS] = { "Triggers", DEP_TRIGGERED_BY, ATOM_TRIGGERS },
    [DEP_TRIGGERED_BY] = { "TriggeredBy", DEP_TRIGGERS, ATOM_TRIGGERED_BY },
    [DEP_PROPAGATES_RELOAD_TO] = { "PropagatesReloadTo", DEP_RELOAD_PROPAGATED_FROM,
                                   ATOM_PROPAGATES_RELOAD_TO },
    [DEP_RELOAD_PROPAGATED_FROM] = { "ReloadPropagatedFrom", DEP_PROPAGATES_RELOAD_TO, 0 },
    [DEP_PROPAGATES_STOP_TO] = { "PropagatesStopTo", DEP_STOP_PROPAGATED_FROM,
                                 ATOM_RETROACTIVE_STOP_ON_STOP | ATOM_PROPAGATE_STOP_GRACEFUL },
    [DEP_STOP_PROPAGATED_FROM] = { "StopPropagatedFrom", DEP_PROPAGATES_STOP_TO, 0 },
    [DEP_JOINS_NAMESPACE_OF] = { "JoinsNamespaceOf", DEP_JOINS_NAMESPACE_OF,
                                 ATOM_JOINS_NAMESPACE_OF },
    [DEP_REFERENCES] = { "References", DEP_REFERENCED_BY, 0 },
    [DEP_REFERENCED_BY] = { "ReferencedBy", DEP_REFERENCES, 0 },
    [DEP_IN_SLICE] = { "InSlice", DEP_SLICE_OF, 0 },
    [DEP_SLICE_OF] = { "SliceOf", DEP_IN_SLICE, 0 },
};

uint32_t dependency_kinds_with(uint32_t atoms)
{
    static uint32_t by_atom[32];
    static bool filled;
    uint32_t kinds = 0;

    if (!filled) {
        for (unsigned k = 0; k < DEPENDENCY_KIND_MAX; k++)
            for (uint32_t rest = dependency_infos[k].atoms; rest; rest &= rest - 1)
                by_atom[__builtin_ctz(rest)] |= DEP_BIT(k);
        filled = true;
    }
    for (; atoms; atoms &= atoms - 1)
        kinds |= by_atom[__builtin_ctz(atoms)];
    return kinds;
}

uint32_t dependency_atoms(uint32_t kinds)
{
    uint32_t atoms = 0;

    for (unsigned k = 0; k < DEPENDENCY_KIND_MAX; k++)
        if (kinds & DEP_BIT(k))
            atoms |= dependency_infos[k].atoms;
    return atoms;
}

static struct pool edge_pool = POOL_OF(struct edge);

void edge_free(struct edge *e)
{
    pool_give(&edge_pool, e);
}

static int list_reserve(struct edge_list *l)
{
    if (l->n < l->allocated)
        return 0;

    /* Small at first: most units have a handful of edges, and there are many units. */
    uint32_t want = l->allocated < 4 ? 4 : l->allocated + l->allocated / 2;
    struct edge **edges = reallocarray(l->edges, want, sizeof *edges);
    if (!edges)
        return -ENOMEM;
    l->edges = edges;
    l->allocated = want;
    return 0;
}

void dependency_shrink(struct unit *u)
{
    struct edge_list *l = &u->dependencies;
    struct edge **edges = l->n > 0 && l->n < l->allocated ? realloc(l->edges, l->n * sizeof *edges)
                                                          : NULL;

    if (!edges)
        return;
    l->edges = edges;
    l->allocated = l->n;
}

static void list_remove(struct edge_list *l, const struct edge *e)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->edges[i] == e) {
            l->edges[i] = l->edges[--l->n];
            return;
        }
}

/* Searches the end with fewer edges: thousands of units have an edge to shutdown.target, and each
 * of them only a few. */
static struct edge *find_edge(const struct unit *u, const struct unit *other)
{
    const struct unit *few = u->dependencies.n <= other->dependencies.n ? u : other;
    const struct unit *peer = few == u ? other : u;

    for (uint32_t i = 0; i < few->dependencies.n; i++) {
        struct edge *e = few->dependencies.edges[i];

        if (e->end[0] == peer || e->end[1] == peer)
            return e;
    }
    return NULL;
}

static unsigned side_of(const struct edge *e, const struct unit *u)
{
    return e->end[0] == u ? 0 : 1;
}

static int add_bits(struct unit *u, uint32_t kinds, uint32_t inverse, struct unit *other)
{
    struct edge *e = find_edge(u, other);

    if (!e) {
        if (list_reserve(&u->dependencies) < 0 || list_reserve(&other->dependencies) < 0)
            return -ENOMEM;
        e = pool_take(&edge_pool);
        if (!e)
            return -ENOMEM;
        e->end[0] = u;
        e->end[1] = other;
        u->dependencies.edges[u->dependencies.n++] = e;
        other->dependencies.edges[other->dependencies.n++] = e;
    }

    unsigned side = side_of(e, u);
    bool is_new = kinds & ~e->kinds[side];
    e->kinds[side] |= kinds;
    e->kinds[!side] |= inverse;
    return is_new;
}

int dependency_add(struct unit *u, enum dependency_kind kind, struct unit *other)
{
    if (u == other)
        return 0;
    return add_bits(u, DEP_BIT(kind), DEP_BIT(dependency_infos[kind].inverse), other);
}

bool dependency_has(const struct unit *u, uint32_t kinds, const struct unit *other)
{
    const struct edge *e = u == other ? NULL : find_edge(u, other);

    return e && (e->kinds[side_of(e, u)] & kinds);
}

void dependency_drop_all(struct unit *u)
{
    for (uint32_t i = 0; i < u->dependencies.n; i++) {
        struct edge *e = u->dependencies.edges[i];

        list_remove(&e->end[!side_of(e, u)]->dependencies, e);
        edge_free(e);
    }
    free(u->dependencies.edges);
    u->dependencies = (struct edge_list){ 0 };
}

int dependency_move(struct unit *from, struct unit *to)
{
    for (uint32_t i = 0; i < from->dependencies.n; i++) {
        struct edge *e = from->dependencies.edges[i];
        unsigned side = side_of(e, from);
        struct unit *other = e->end[!side];

        if (other == to)
            continue;
        int r = add_bits(to, e->kinds[side], e->kinds[!side], other);
        if (r < 0)
            return r;
    }
    dependency_drop_all(from);
    return 0;
}

struct unit *dependency_next(const struct unit *u, uint32_t kinds, uint32_t *position)
{
    while (*position < u->dependencies.n) {
        const struct edge *e = u->dependencies.edges[(*position)++];
        unsigned side = side_of(e, u);

        if (e->kinds[side] & kinds)
            return e->end[!side];
    }
    return NULL;
}
