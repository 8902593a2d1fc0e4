/* diagnose/report.h -- a verdict for machines and for people. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "diagnose/cause.h"

/* The document of `reeve why -o json`; NULL where memory is out. The caller's. */
json_t *report_json(const struct facts *facts, const struct verdict *v);

struct report_style {
    bool colour;
    bool markdown; /* for a ticket */
    unsigned width;
};

/* The same on one screen. */
void report_print(FILE *to, const struct facts *facts, const struct verdict *v,
                  const struct report_style *style);

/* "port-in-use: TCP ... is held by nginx": one line for `status` and `start`; NULL if there is no
 * cause. A new string. */
char *report_line(const struct verdict *v);
