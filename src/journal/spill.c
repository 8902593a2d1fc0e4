#include "journal/spill.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"

#define SLOT_SIZE ((off_t) 128 * 1024)

enum slot_kind { SLOT_AFTER, SLOT_BEFORE };

struct slot_head {
    uint64_t key;
    uint32_t length;
    int32_t pid;
    uint32_t kind, batch_n;
    uint64_t batch_hash;
};

struct spill_batch spill_batch_of(const void *data, size_t n)
{
    static const uint8_t key[16] = "reeve-unfinished"; /* the same in every process */

    n = MIN(n, (size_t) SPILL_BATCH_MAX);
    return (struct spill_batch){ (uint32_t) n, siphash24(data, n, key) };
}

static off_t slot_at(int slot)
{
    return slot * SLOT_SIZE;
}

int spill_open(struct spill *s, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    size_t n = (size_t) ((st.st_size + SLOT_SIZE - 1) / SLOT_SIZE);
    struct spill fresh = { .fd = fd };
    if (n > 0 && !grow(&fresh.keys, &fresh.allocated, n))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct slot_head head;

        if (pread(fd, &head, sizeof head, slot_at((int) i)) == sizeof head && head.length > 0 &&
            head.length <= SPILL_TEXT_MAX)
            fresh.keys[i] = head.key;
    }
    fresh.n = n;
    spill_close(s);
    *s = fresh;
    return 0;
}

void spill_close(struct spill *s)
{
    close_fd(s->fd);
    free(s->keys);
    *s = (struct spill){ .fd = -1 };
}

static int free_slot(struct spill *s)
{
    for (size_t i = s->first_free; i < s->n; i++) {
        if (s->keys[i] == 0) {
            s->first_free = i;
            return (int) i;
        }
    }
    if (!grow(&s->keys, &s->allocated, s->n + 1))
        return -ENOMEM;
    s->first_free = s->n;
    return (int) s->n++;
}

static int write_at(int fd, const void *data, size_t n, off_t at)
{
    ssize_t k = pwrite(fd, data, n, at);

    return k < 0 ? -errno : (size_t) k == n ? 0 : -ENOSPC;
}

int spill_keep(struct spill *s, uint64_t key, pid_t pid, const void *text, size_t n,
               struct spill_batch batch, int *ret_slot)
{
    if (s->fd < 0)
        return 0;
    if (n > SPILL_TEXT_MAX)
        return -EMSGSIZE;
    int at = free_slot(s);
    if (at < 0)
        return at;
    /* The text first, then the head that makes it count: a process killed in between has kept
     * nothing. */
    struct slot_head head = {
        .key = key,
        .length = (uint32_t) n,
        .pid = pid,
        .kind = SLOT_AFTER,
        .batch_n = batch.n,
        .batch_hash = batch.hash,
    };
    int r = write_at(s->fd, text, n, slot_at(at) + (off_t) sizeof head);
    if (r >= 0)
        r = write_at(s->fd, &head, sizeof head, slot_at(at));
    if (r < 0)
        return r;
    s->keys[at] = key;
    *ret_slot = at;
    return 0;
}

int spill_until(struct spill *s, int slot, struct spill_batch batch)
{
    const struct {
        uint32_t kind, n;
        uint64_t hash;
    } mark = { SLOT_BEFORE, batch.n, batch.hash };

    static_assert(sizeof mark == sizeof(struct slot_head) - offsetof(struct slot_head, kind),
                  "the end of the head");
    return write_at(s->fd, &mark, sizeof mark,
                    slot_at(slot) + (off_t) offsetof(struct slot_head, kind));
}

void spill_clear(struct spill *s, int *slot)
{
    static const struct slot_head empty;

    if (*slot < 0)
        return;
    (void) write_at(s->fd, &empty, sizeof empty, slot_at(*slot));
    s->keys[*slot] = 0;
    s->first_free = MIN(s->first_free, (size_t) *slot);
    *slot = -1;
}

/* Whether it holds, given what the socket begins with. */
static bool holds(const struct slot_head *head, const void *data, size_t n)
{
    bool taken = n < head->batch_n || spill_batch_of(data, head->batch_n).hash != head->batch_hash;

    return head->kind == SLOT_AFTER ? taken : !taken;
}

static char *slot_text(struct spill *s, int slot, const struct slot_head *head)
{
    char *text = malloc(head->length + 1);

    if (text && pread(s->fd, text, head->length, slot_at(slot) + (off_t) sizeof *head) !=
                    (ssize_t) head->length) {
        free(text);
        return NULL;
    }
    return text;
}

int spill_claim(struct spill *s, uint64_t key, const void *data, size_t n, char **ret_text,
                size_t *ret_n, pid_t *ret_pid)
{
    int found = -1;

    for (size_t i = 0; i < s->n; i++) {
        struct slot_head head;
        int slot = (int) i;

        if (s->keys[i] != key)
            continue;
        char *text = NULL;
        if (found < 0 && pread(s->fd, &head, sizeof head, slot_at(slot)) == sizeof head &&
            head.length <= SPILL_TEXT_MAX && holds(&head, data, n))
            text = slot_text(s, slot, &head);
        if (!text) {
            spill_clear(s, &slot);
            continue;
        }
        *ret_text = text;
        *ret_n = head.length;
        *ret_pid = head.pid;
        found = slot;
    }
    return found;
}

void spill_sweep(struct spill *s, bool (*in_use)(uint64_t key, void *userdata), void *userdata)
{
    for (size_t i = 0; i < s->n; i++) {
        int slot = (int) i;

        if (s->keys[i] != 0 && !in_use(s->keys[i], userdata))
            spill_clear(s, &slot);
    }
}
