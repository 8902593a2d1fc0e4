/* journal/spill.h -- unfinished lines in memory that outlives the collector.
 *
 * The part of a line that was read from a stream, and whose rest has not come yet, is in no journal
 * and no longer in the socket. It is kept in a memory file that the manager holds as well, so that
 * the next collector finds it.
 *
 * Taking a batch out of the socket and changing what is kept are two steps, and a collector can be
 * killed between them. So what was kept before the batch stays until the batch is taken, what is to
 * be kept after it is written next to it, and both name the batch: the next collector looks whether
 * the socket still begins with it, and knows which of the two holds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPILL_TEXT_MAX (128u * 1024 - 64)

struct spill {
    int fd;         /* the caller's; -1: nothing is kept */
    uint64_t *keys; /* of each slot, 0 where it is free */
    size_t n, allocated, first_free;
};

/* A batch of bytes, told by its beginning. */
struct spill_batch {
    uint32_t n; /* of the bytes that the hash is over */
    uint64_t hash;
};
#define SPILL_BATCH_MAX 4096
struct spill_batch spill_batch_of(const void *data, size_t n);

/* Takes the descriptor and finds what is in it. */
int spill_open(struct spill *s, int fd);
void spill_close(struct spill *s);

/* Keeps the text in a slot of its own, as what holds once the batch is taken. */
int spill_keep(struct spill *s, uint64_t key, pid_t pid, const void *text, size_t n,
               struct spill_batch batch, int *ret_slot);
/* What is in the slot holds only until the batch is taken. */
int spill_until(struct spill *s, int slot, struct spill_batch batch);
/* Frees the slot; *slot is -1 then. */
void spill_clear(struct spill *s, int *slot);

/* What a former process kept for this key, given what its socket begins with now (as much of
 * SPILL_BATCH_MAX bytes as there is); other slots of the key are freed. Returns the slot, or -1.
 * *ret_text is the caller's. */
int spill_claim(struct spill *s, uint64_t key, const void *head, size_t head_n, char **ret_text,
                size_t *ret_n, pid_t *ret_pid);
/* Frees every slot whose key `in_use` denies. */
void spill_sweep(struct spill *s, bool (*in_use)(uint64_t key, void *userdata), void *userdata);
