/* unit/virt.h -- what this system runs in: architecture, virtual machine, container. */
#pragma once

#include <stdbool.h>

/* The names that ConditionArchitecture= and %a use ("x86-64"). */
const char *architecture_name(void);

/* The container manager by the names of systemd-detect-virt(1) ("docker", "podman", "lxc",
 * "systemd-nspawn", "wsl", "proot", "pouch", "container-other"), or NULL outside of one. Found out
 * once. `root` is where /run and /proc are read, NULL for /. */
const char *virt_container(void);

/* The virtual machine ("kvm", "qemu", "vmware", "microsoft", "oracle", "xen" ...), or NULL. */
const char *virt_machine(void);

/* The inner one: container, else machine, else NULL. */
const char *virt_any(void);

/* Whether the process is in a user namespace other than the initial one. */
bool virt_in_user_namespace(void);
