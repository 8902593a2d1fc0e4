/* manager/transaction_private.h -- what transaction.c and order.c share. */
#pragma once

#include <stdbool.h>

#include "manager/job.h"

struct op_error;
struct tjob;

/* `subject` pulls `object` in. */
struct tlink {
    struct tjob *subject, *object;
    struct tlink *next_pulled; /* of subject->pulls */
    struct tlink *next_puller; /* of object->pulled_by */
    bool matters, conflicts;
};

struct tjob {
    struct tunit *at;
    struct tjob *next; /* of the same unit; in the graveyard */
    struct tlink *pulls, *pulled_by;
    enum job_type type;
    unsigned generation;
    bool matters_to_anchor, ignore_order, deleted;
};

/* A unit that takes part; unit->scratch points to it while the transaction lasts. */
struct tunit {
    struct unit *unit;
    struct tunit *next;
    struct tjob *jobs;
    struct tunit *marker; /* order.c: where the search came from */
    unsigned generation;
    enum job_type merged_type;
    struct job *job; /* the real one, when all is settled */
};

struct transaction {
    struct tunit *units;
    struct tjob *anchor;
    struct tjob *graveyard; /* deleted jobs, freed at the end: somebody may still look at them */
    unsigned depth;
};

struct tunit *transaction_unit(const struct unit *u);
struct tunit *transaction_add_unit(struct transaction *tr, struct unit *u);
void transaction_delete_job(struct transaction *tr, struct tjob *j, bool with_dependants);
void transaction_delete_unit(struct transaction *tr, struct tunit *t);
void transaction_move_links(struct tjob *to, struct tjob *from);

/* Looks for a cycle in the order of the jobs, installed ones included. Returns 0 if there is none;
 * -EAGAIN where one was found and a job that the anchor can do without was dropped; -ELOOP where
 * there is no such job. Every edge of the cycle is named with the file and line it comes from. */
int transaction_verify_order(struct transaction *tr, unsigned *generation, struct op_error *e);
