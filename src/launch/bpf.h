/* launch/bpf.h -- small eBPF programs attached to a unit's cgroup (systemd.resource-control(5)):
 * DeviceAllow= and DevicePolicy=, IPAddressAllow= and IPAddressDeny=, SocketBindAllow= and
 * SocketBindDeny=, RestrictNetworkInterfaces=. Loaded by bpf(2) and verified by the kernel. */
#pragma once

#include "launch/cgroup.h"

/* Replaces what was attached before; a `fresh` cgroup has nothing. What cannot be had is told to
 * `refused`. `slices`: as for cgroup_apply(). */
void bpf_apply(int cgroup_fd, bool fresh, const struct unit_config *config,
               const struct cgroup_config *const *slices, cgroup_refused refused, void *userdata);
