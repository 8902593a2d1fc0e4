/* journal/file-verify.h -- whether a journal file is sound throughout. */
#pragma once

#include "journal/file-read.h"

struct verify_report {
    uint64_t offset; /* of the damage, 0 where the file is sound */
    char text[160];  /* what is wrong */
    uint64_t n_entries, n_data;
};

/* Reads the whole file: each object, all hashes, all lists, all counters. Seals are not checked.
 * Returns 0; -EBADMSG, with what is wrong in *report; -ENOMEM. */
int journal_file_verify(struct journal_file *f, struct verify_report *report);
