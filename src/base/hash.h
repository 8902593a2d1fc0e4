/* base/hash.h -- keyed hashing (SipHash-2-4, Aumasson and Bernstein 2012), as hash maps and the
 * journal file format (JOURNAL_FILE_FORMAT, keyed hash) use it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const void *data, size_t n, const uint8_t key[static 16]);

/* The same under a key that is random for the life of the process. */
uint64_t hash_bytes(const void *data, size_t n);
