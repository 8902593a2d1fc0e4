/* journal/spill.h -- unfinished lines in memory that outlives the collector.
 *
 * The part of a line that was read from a stream, and whose rest has not come yet, is in no journal
 * and no longer in the socket. It is kept in a memory file that the manager holds as well, one slot
 * a stream, so that the next collector finds it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPILL_TEXT_MAX (128u * 1024 - 64)

struct spill {
    int fd;         /* the caller's; -1: nothing is kept */
    uint64_t *keys; /* of each slot, 0 where it is free */
    size_t n, allocated;
};

/* Takes the descriptor and finds what is in it. */
int spill_open(struct spill *s, int fd);
void spill_close(struct spill *s);

/* Adds text to the slot *slot (-1: a free one is taken), of which `have` bytes were kept before. On
 * failure what was kept before stays. */
int spill_add(struct spill *s, int *slot, uint64_t key, pid_t pid, size_t have, const void *text,
              size_t n);
/* Frees the slot; *slot is -1 then. */
void spill_clear(struct spill *s, int *slot);

/* What a former process kept for this key: the slot, or -1. *ret_text is the caller's. */
int spill_claim(struct spill *s, uint64_t key, char **ret_text, size_t *ret_n, pid_t *ret_pid);
/* Frees every slot whose key `in_use` denies. */
void spill_sweep(struct spill *s, bool (*in_use)(uint64_t key, void *userdata), void *userdata);
