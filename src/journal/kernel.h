/* journal/kernel.h -- the kernel's messages, as /dev/kmsg gives them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define KERNEL_KEYS_MAX 16

struct kernel_record {
    int priority; /* facility and level */
    uint64_t number;
    usec_t at; /* since boot */
    char *text;
    size_t length;
    struct kernel_key {
        const char *text; /* "KEY=value" */
        size_t length;
    } keys[KERNEL_KEYS_MAX];
    size_t n_keys;
};

/* Takes "PRIORITY,NUMBER,USEC,FLAGS[,...];text" and the lines " KEY=value" after it apart, in place
 * (the text has "\xNN" for what is no printable character). Returns 0 or -EBADMSG. */
int kernel_record_parse(char *data, size_t n, struct kernel_record *ret);
