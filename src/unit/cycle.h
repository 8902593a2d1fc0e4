/* unit/cycle.h -- ordering that contradicts itself, found in the files alone. */
#pragma once

struct unit_config;
struct unit_loader;

/* Loads what the unit pulls in (Requires=, Requisite=, BindsTo=, Wants=, Upholds=, and so on down),
 * and looks for a circle among these units by After=, Before= and the ordering that they have by
 * default. *ret is NULL, or the names along the circle, each ordered after the one that follows it,
 * the first name again at the end; a new strv. Returns 0 or -ENOMEM. */
int unit_find_cycle(struct unit_loader *l, const struct unit_config *c, char ***ret);

/* The same walk: names that the unit cannot be started without and that have no file (or are
 * masked), "UNIT NAME" each; a new strv, NULL if there are none. */
int unit_find_missing(struct unit_loader *l, const struct unit_config *c, char ***ret);
