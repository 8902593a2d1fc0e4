/* manager/transient.h -- units, and settings of units, that are made by request.
 *
 * A unit made by request is a file in the transient folder of the search path
 * (/run/systemd/transient), as in systemd: what reads unit files reads it as any other, and it
 * outlives daemon-reload, daemon-reexec and a crash. It is removed when the unit is forgotten. */
#pragma once

#include "manager/manager.h"

struct transient_request {
    const char *name;
    const char *like;         /* the context of this unit comes first; NULL */
    char *const *assignments; /* "Name=value", without specifiers, in order; NULL */
    int *stdio;               /* three descriptors, which are taken over, or NULL */
};

/* Writes the file and loads the unit. Returns 0, or a negative errno and *e. */
int manager_make_transient(struct manager *m, struct transient_request *q, struct unit **ret,
                           struct op_error *e);
/* The unit is forgotten: so are its files. */
void transient_remove(const struct unit *u);
/* What an earlier boot has left. */
void transient_remove_all(struct manager *m);

/* Sets "CPUWeight=20" and the like; all or none. Where they are to be kept, drop-ins are written,
 * one for each, in the folders that systemd has for them; a transient unit's are beside it. Returns
 * 0, or a negative errno and *e. */
enum properties_keep { PROPERTIES_UNTIL_RELOAD, PROPERTIES_RUNTIME, PROPERTIES_PERSISTENT };
int unit_set_properties(struct unit *u, char *const *assignments, enum properties_keep keep,
                        struct op_error *e);

/* u->stdio: three descriptors that its commands get in place of StandardInput= and so on. */
void unit_close_stdio(struct unit *u);
