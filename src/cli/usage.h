/* cli/usage.h -- command lines that are wrong: one form and one exit status for all verbs. */
#pragma once

#include <getopt.h>

/* getopt_long(), for argv[0] a verb ("run"), "reeve" for the verbs of systemctl, or the name of one
 * of systemd's programs. What is wrong is told, and '?' returned:
 *
 *   reeve run: unrecognized option '--propertie=x'
 *   Did you mean --property? Try 'reeve run --help'.
 *
 * Under the name of one of systemd's programs it is told in its words. A colon at the beginning of
 * short_options is not needed. */
int verb_getopt(int argc, char **argv, const char *short_options, const struct option *options,
                int *index);

/* Tells what is wrong, in the same form. Returns usage_status(). */
int usage_error(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit status for it: EXIT_USAGE; 64 of preflight and guard, which run inside units, where 2 is
 * a service's own; 1 under the name of one of systemd's programs. */
int usage_status(const char *verb);
