#include "unit/virt.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

const char *architecture_name(void)
{
#if defined(__x86_64__)
    return "x86-64";
#elif defined(__i386__)
    return "x86";
#elif defined(__aarch64__)
    return "arm64";
#elif defined(__arm__)
    return "arm";
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return "ppc64-le";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
    return "riscv64";
#elif defined(__loongarch64)
    return "loongarch64";
#elif defined(__mips64)
    return "mips64-le";
#else
    return "unknown";
#endif
}

/* Containers: names that $container and /run/systemd/container may give. */
static const char *known_container(const char *name)
{
    static const char *const names[] = { "systemd-nspawn", "lxc-libvirt", "lxc", "openvz",
                                         "docker",         "podman",      "rkt", "wsl",
                                         "proot",          "pouch",       "acrn" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (streq(names[i], name))
            return names[i];
    return streq(name, "oci") ? NULL : "container-other";
}

static bool file_contains(const char *path, const char *text)
{
    auto_free char *data = NULL;

    return file_read(path, 1 << 20, &data, NULL) >= 0 && strstr(data, text);
}

/* systemd-detect-virt(1): what leaves a file, or says so in the environment of PID 1. */
static const char *detect_container(void)
{
    auto_free char *text = NULL, *from_pid1 = NULL;
    const char *env;

    if (access("/proc/vz", F_OK) >= 0 && access("/proc/bc", F_OK) < 0)
        return "openvz";
    if (file_contains("/proc/sys/kernel/osrelease", "Microsoft") ||
        file_contains("/proc/sys/kernel/osrelease", "WSL"))
        return "wsl";
    if (file_read_line("/run/host/container-manager", &text) >= 0 ||
        file_read_line("/run/systemd/container", &text) >= 0) {
        const char *known = known_container(text);

        if (known)
            return known;
    } else {
        env = getenv("container");
        if (getpid() != 1 && process_getenv(1, "container", &from_pid1) >= 0)
            env = from_pid1;
        if (!isempty(env) && known_container(env))
            return known_container(env);
    }
    if (access("/run/.containerenv", F_OK) >= 0)
        return "podman";
    return access("/.dockerenv", F_OK) >= 0 ? "docker" : NULL;
}

const char *virt_container(void)
{
    static const char *name;
    static bool known;

    if (!known)
        name = detect_container();
    known = true;
    return name;
}

struct vendor {
    const char *text, *name;
};

static const char *match_vendor(const struct vendor *vendors, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (startswith(text, vendors[i].text))
            return vendors[i].name;
    return NULL;
}

static const char *detect_dmi(void)
{
    static const char *const files[] = { "product_name", "sys_vendor", "board_vendor",
                                         "bios_vendor", "product_version" };
    static const struct vendor vendors[] = {
        { "KVM", "kvm" },
        { "OpenStack", "kvm" },
        { "KubeVirt", "kvm" },
        { "Amazon EC2", "amazon" },
        { "QEMU", "qemu" },
        { "VMware", "vmware" },
        { "VMW", "vmware" },
        { "innotek GmbH", "oracle" },
        { "VirtualBox", "oracle" },
        { "Oracle Corporation", "oracle" },
        { "Xen", "xen" },
        { "Bochs", "bochs" },
        { "Parallels", "parallels" },
        { "BHYVE", "bhyve" },
        { "Hyper-V", "microsoft" },
        { "Apple Virtualization", "apple" },
        { "Google Compute Engine", "google" },
    };

    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        auto_free char *path = format("/sys/class/dmi/id/%s", files[i]), *text = NULL;

        if (path && file_read_line(path, &text) >= 0) {
            const char *name = match_vendor(vendors, ELEMENTSOF(vendors), text);

            if (name)
                return name;
        }
    }
    return NULL;
}

/* The hypervisor's leaf of CPUID. */
static const char *detect_cpuid(void)
{
#if defined(__x86_64__) || defined(__i386__)
    static const struct vendor vendors[] = {
        { "XenVMMXenVMM", "xen" },   { "KVMKVMKVM", "kvm" },       { "Linux KVM Hv", "kvm" },
        { "TCGTCGTCGTCG", "qemu" },  { "VMwareVMware", "vmware" }, { "Microsoft Hv", "microsoft" },
        { "bhyve bhyve ", "bhyve" }, { "QNXQVMBSQG", "qnx" },      { "ACRNACRNACRN", "acrn" },
        { "SRESRESRESRE", "sre" },   { "Apple VZ", "apple" },
    };
    unsigned eax, ebx, ecx, edx;
    char text[13] = "";

    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> 31 & 1))
        return NULL;
    __cpuid(0x40000000, eax, ebx, ecx, edx);
    memcpy(text, &ebx, 4);
    memcpy(text + 4, &ecx, 4);
    memcpy(text + 8, &edx, 4);
    const char *name = match_vendor(vendors, ELEMENTSOF(vendors), text);
    return name ? name : "vm-other";
#else
    return NULL;
#endif
}

static const char *detect_machine(void)
{
    const char *dmi = detect_dmi();

    /* DMI is more exact where it names a product built on another's hypervisor. */
    if (dmi && (streq(dmi, "oracle") || streq(dmi, "xen") || streq(dmi, "amazon") ||
                streq(dmi, "parallels") || streq(dmi, "google")))
        return dmi;
    if (file_contains("/proc/cpuinfo", "User Mode Linux"))
        return "uml";
    if (access("/proc/xen", F_OK) >= 0)
        return "xen";
    const char *cpuid = detect_cpuid();
    if (cpuid && (!streq(cpuid, "vm-other") || !dmi))
        return cpuid;
    if (dmi)
        return dmi;
    if (access("/proc/device-tree/hypervisor/compatible", F_OK) >= 0)
        return file_contains("/proc/device-tree/hypervisor/compatible", "xen") ? "xen" : "vm-other";
    if (file_contains("/proc/sysinfo", "z/VM"))
        return "zvm";
    return NULL;
}

const char *virt_machine(void)
{
    static const char *name;
    static bool known;

    if (!known)
        name = detect_machine();
    known = true;
    return name;
}

const char *virt_any(void)
{
    const char *container = virt_container();

    return container ? container : virt_machine();
}

bool virt_in_user_namespace(void)
{
    auto_free char *map = NULL;
    unsigned inside, outside, count;

    if (file_read_line("/proc/self/uid_map", &map) < 0)
        return false;
    if (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
        return true; /* nothing is mapped */
    return inside != 0 || outside != 0 || count != UINT32_MAX;
}
