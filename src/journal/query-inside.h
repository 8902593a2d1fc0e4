/* journal/query-inside.h -- the inside of query.h, shared by its parts. */
#pragma once

#include "journal/query.h"

struct reader {
    struct journal_file *file;
    struct entry_list all;
    struct match_state *states;
    size_t index;                     /* in `all`, where there is no match */
    uint64_t at;                      /* the next entry in the direction; MATCH_END or 0: none */
    const struct entry_object *entry; /* at `at` */
    bool listed;                      /* `all` was loaded, and the file mapped */
    bool salvaged;                    /* as that of a damaged file */
    bool seen;                        /* by the last rescan */
};

struct folder {
    char *path;
    unsigned flags;
    journal_problem problem;
    void *userdata;
};

enum seek_kind { SEEK_HEAD, SEEK_TAIL, SEEK_REALTIME, SEEK_MONOTONIC, SEEK_CURSOR, SEEK_NONE };

struct journal {
    struct reader **readers;
    size_t n, allocated;
    struct folder *folders;
    size_t n_folders, folders_allocated;
    const char *namespaces;
    journal_problem problem; /* of damaged files */
    void *problem_userdata;
    struct match *match;
    unsigned n_nodes;

    enum seek_kind seek;
    usec_t seek_time;
    struct journal_cursor seek_cursor;

    struct reader **heap; /* those that have an entry, the first to come on top */
    size_t n_heap;
    /* Those whose entries all come later than what is on the heap, by their headers alone: of many
     * files most are never looked into. The next one is the last. */
    struct reader **later;
    size_t n_later;
    bool forward;
    struct reader *current;
    uint64_t current_offset;
    struct position { /* of the current entry, to go on from when the direction changes */
        struct id128 seqnum_id, boot;
        uint64_t seqnum, monotonic, realtime, xor_hash;
        bool valid;
    } position;
};

/* query.c */
void reader_free(struct journal *j, struct reader *r);
/* A new file comes in behind the current entry. */
void reader_join(struct journal *j, struct reader *r);
