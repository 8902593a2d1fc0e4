/* launch/capability.c -- capability sets by capget(2), capset(2) and prctl(2). */
#include "launch/capability.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/str.h"
#include "unit/value.h"

struct sets {
    uint64_t effective, permitted, inheritable;
};

static int sets_get(struct sets *ret)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { 0 };

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    ret->effective = data[0].effective | (uint64_t) data[1].effective << 32;
    ret->permitted = data[0].permitted | (uint64_t) data[1].permitted << 32;
    ret->inheritable = data[0].inheritable | (uint64_t) data[1].inheritable << 32;
    return 0;
}

static int sets_put(const struct sets *s)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {
        { (uint32_t) s->effective, (uint32_t) s->permitted, (uint32_t) s->inheritable },
        { (uint32_t) (s->effective >> 32), (uint32_t) (s->permitted >> 32),
          (uint32_t) (s->inheritable >> 32) },
    };

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

uint64_t capability_effective_set(void)
{
    struct sets s;

    return sets_get(&s) < 0 ? 0 : s.effective;
}

bool capability_effective(int cap)
{
    return capability_effective_set() >> cap & 1;
}

int capability_drop_bounding(uint64_t keep, int *ret_refused)
{
    struct sets s;
    int r = 0;

    for (int cap = 0; cap <= capability_last(); cap++) {
        if (keep >> cap & 1 || prctl(PR_CAPBSET_READ, cap) == 0)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap) < 0) {
            *ret_refused = cap;
            return -errno;
        }
    }
    r = sets_get(&s);
    if (r < 0 || (s.inheritable & ~keep) == 0)
        return r;
    s.inheritable &= keep;
    return sets_put(&s);
}

int capability_set_ambient(uint64_t set, bool inherit, int *ret_refused)
{
    if (inherit) {
        struct sets s;
        int r = sets_get(&s);

        if (r < 0)
            return r;
        s.inheritable |= set;
        r = sets_put(&s);
        if (r < 0) {
            *ret_refused = __builtin_ctzll(set | UINT64_C(1) << 63);
            return r;
        }
    }
    for (int cap = 0; cap <= capability_last(); cap++) {
        bool wanted = set >> cap & 1;
        int has = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0);

        if (has < 0 && !wanted)
            continue;
        if ((has > 0) == wanted)
            continue;
        if (prctl(PR_CAP_AMBIENT, wanted ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER, cap, 0, 0) <
            0) {
            *ret_refused = cap;
            return -errno;
        }
    }
    return 0;
}

void capability_add_inheritable(uint64_t set)
{
    struct sets s;

    if (sets_get(&s) < 0)
        return;
    s.inheritable |= set;
    (void) sets_put(&s);
}

int capability_reduce(uint64_t keep)
{
    struct sets s;
    int r = sets_get(&s);

    if (r < 0)
        return r;
    s.permitted &= keep;
    s.effective = s.permitted;
    return sets_put(&s);
}

const char *capability_label(int cap)
{
    static char buffer[64];
    const char *name = capability_name(cap);

    snprintf(buffer, sizeof buffer, "%s", strempty(name));
    for (char *p = buffer; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char) (*p - 'a' + 'A');
    return buffer;
}
