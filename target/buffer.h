/*
 * Memory for the data of commands. What a small READ or WRITE moves comes from a list of equal
 * pieces, so that in a steady state nothing is allocated; any other length is malloc's. One thread
 * a list; a buffer may be taken from one list and given to another.
 */
#ifndef TARGET_BUFFER_H
#define TARGET_BUFFER_H

#include "target/spare.h"

#define SCSI_BUFFER_KEPT_MAX ((size_t)4096) /* bytes of a piece; SPARE_MAX of them are kept */

/* `len` bytes of any value; NULL: no memory. */
uint8_t *scsi_buffer_take(struct spare_list *spares, size_t len);
/* NULL does nothing. */
void scsi_buffer_give(struct spare_list *spares, uint8_t *data);

#endif
