/* launch/bpf.h -- small eBPF programs attached to a unit's cgroup (systemd.resource-control(5)):
 * DeviceAllow= and DevicePolicy=, IPAddressAllow= and IPAddressDeny=, SocketBindAllow= and
 * SocketBindDeny=, RestrictNetworkInterfaces=, IPAccounting=. Loaded by bpf(2) and verified by the
 * kernel. */
#pragma once

#include <stdint.h>

#include "launch/cgroup.h"

/* IPAccounting=: what was let through so far. */
struct ip_traffic {
    uint64_t packets, bytes;
};
#define NO_TRAFFIC ((struct ip_traffic){ UINT64_MAX, UINT64_MAX })
enum traffic { TRAFFIC_OUT, TRAFFIC_IN, TRAFFIC_MAX };

/* Replaces what was attached before, but goes on counting; a `fresh` cgroup has nothing. What
 * cannot be had is told to `refused`. `slices`: as for cgroup_apply(). */
void bpf_apply(int cgroup_fd, bool fresh, const struct unit_config *config,
               const struct unit_config *const *slices, cgroup_refused refused, void *userdata);

/* 0, or -ENODATA where nothing is counted, or another negative errno. */
int bpf_read_traffic(int cgroup_fd, enum traffic direction, struct ip_traffic *ret);
