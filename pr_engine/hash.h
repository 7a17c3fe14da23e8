/*
 * SipHash-1-3: a keyed hash, so that nobody who does not know the key can choose names that all
 * fall on the same place of a hash index.
 */
#ifndef PR_ENGINE_HASH_H
#define PR_ENGINE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t pr_hash(const uint64_t key[2], const void *data, size_t len);

#endif
