/* cli/analyze.h -- the commands of `reeve analyze`. Each takes its NULL-terminated arguments, as
 * many as its row in analyze.c says, and returns the exit status, or a negative errno, having said
 * what is wrong. */
#pragma once

#include "base/time.h"
#include "cli/systemctl.h"

enum { GRAPH_ALL, GRAPH_ORDER, GRAPH_REQUIRE };

/* What --recursive-errors= takes: whose faults `verify` counts. */
enum { ERRORS_ALL, ERRORS_OWN, ERRORS_DEPENDENCIES };

struct analyze_options {
    struct systemctl ctl; /* scope, root, output, quiet, no_legend, no_pager */
    unsigned iterations;
    usec_t base_time; /* USEC_INFINITY: now */
    usec_t fuzz;
    const char *unit, *instance, *policy, *profile;
    char **from, **to;
    double scale;
    unsigned threshold;
    int graph, recursive_errors;
    bool tldr, offline, table, detailed, no_man, mask;
    bool own_output; /* -o json, in place of --json= */
};

/* As systemd-analyze, what systemd takes; else also times as people write them. */
int analyze_parse_time(const struct analyze_options *o, const char *text, usec_t *ret);

#define ANALYZE(function) int analyze_##function(const struct analyze_options *o, char *const *args)
ANALYZE(architectures);
ANALYZE(blame);
ANALYZE(calendar);
ANALYZE(capability);
ANALYZE(cat_config);
ANALYZE(compare_versions);
ANALYZE(condition);
ANALYZE(critical_chain);
ANALYZE(dot);
ANALYZE(dump);
ANALYZE(exit_status);
ANALYZE(filesystems);
ANALYZE(plot);
ANALYZE(security);
ANALYZE(syscall_filter);
ANALYZE(time);
ANALYZE(timespan);
ANALYZE(timestamp);
ANALYZE(unit_files);
ANALYZE(unit_paths);
ANALYZE(verify);
#undef ANALYZE
