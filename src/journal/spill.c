#include "journal/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define SLOT_SIZE ((off_t) 128 * 1024)

struct slot_head {
    uint64_t key;
    uint32_t length;
    int32_t pid;
};

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
    for (size_t i = 0; i < s->n; i++) {
        if (s->keys[i] == 0)
            return (int) i;
    }
    if (!grow(&s->keys, &s->allocated, s->n + 1))
        return -ENOMEM;
    return (int) s->n++;
}

static int write_at(int fd, const void *data, size_t n, off_t at)
{
    ssize_t k = pwrite(fd, data, n, at);

    return k < 0 ? -errno : (size_t) k == n ? 0 : -ENOSPC;
}

int spill_add(struct spill *s, int *slot, uint64_t key, pid_t pid, size_t have, const void *text,
              size_t n)
{
    if (s->fd < 0)
        return 0;
    if (have + n > SPILL_TEXT_MAX)
        return -EMSGSIZE;
    int at = *slot >= 0 ? *slot : free_slot(s);
    if (at < 0)
        return at;
    /* The text first, then the head that makes it count: a process killed in between has added
     * nothing. */
    struct slot_head head = { .key = key, .length = (uint32_t) (have + n), .pid = pid };
    int r = write_at(s->fd, text, n, slot_at(at) + (off_t) (sizeof head + have));
    if (r >= 0)
        r = write_at(s->fd, &head, sizeof head, slot_at(at));
    if (r < 0)
        return r;
    s->keys[at] = key;
    *slot = at;
    return 0;
}

void spill_clear(struct spill *s, int *slot)
{
    static const struct slot_head empty;

    if (*slot < 0)
        return;
    (void) write_at(s->fd, &empty, sizeof empty, slot_at(*slot));
    /* Gives the memory back; the head is zero either way. */
    (void) fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, slot_at(*slot), SLOT_SIZE);
    s->keys[*slot] = 0;
    *slot = -1;
}

int spill_claim(struct spill *s, uint64_t key, char **ret_text, size_t *ret_n, pid_t *ret_pid)
{
    for (size_t i = 0; i < s->n; i++) {
        struct slot_head head;

        if (s->keys[i] != key)
            continue;
        if (pread(s->fd, &head, sizeof head, slot_at((int) i)) != sizeof head ||
            head.length > SPILL_TEXT_MAX)
            return -1;
        char *text = malloc(head.length + 1);
        if (!text)
            return -1;
        ssize_t n = pread(s->fd, text, head.length, slot_at((int) i) + (off_t) sizeof head);
        if (n <= 0) {
            free(text);
            return -1;
        }
        *ret_text = text;
        *ret_n = (size_t) n;
        *ret_pid = head.pid;
        return (int) i;
    }
    return -1;
}

void spill_sweep(struct spill *s, bool (*in_use)(uint64_t key, void *userdata), void *userdata)
{
    for (size_t i = 0; i < s->n; i++) {
        int slot = (int) i;

        if (s->keys[i] != 0 && !in_use(s->keys[i], userdata))
            spill_clear(s, &slot);
    }
}
