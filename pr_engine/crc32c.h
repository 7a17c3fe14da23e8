/*
 * CRC32C (Castagnoli), as iSCSI digests (RFC 7143 13.1) and the journal use it.
 * crc32c(0, "123456789", 9) == 0xe3069283. Pass the result back in to continue over more bytes.
 * isa-l's where it is there at build time, else a table.
 */
#ifndef PR_ENGINE_CRC32C_H
#define PR_ENGINE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
