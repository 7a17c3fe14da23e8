/*
 * In front of each buffer stands whether it is one of the equal pieces. What is far shorter than
 * those is not worth one.
 */
#include "target/buffer.h"

#include <stdbool.h>
#include <stdlib.h>

#define HEAD_LEN   16 /* bytes: the data behind it is as aligned as malloc's */
#define WORTH_HALF (SCSI_BUFFER_KEPT_MAX / 2)

static bool is_piece(size_t len)
{
	return SPARE_KEEPS && len > WORTH_HALF && len <= SCSI_BUFFER_KEPT_MAX;
}

uint8_t *scsi_buffer_take(struct spare_list *spares, size_t len)
{
	bool piece = is_piece(len);
	uint8_t *buffer;

	if (len > SIZE_MAX - HEAD_LEN)
		return NULL;
	if (piece)
		buffer = spare_take_raw(spares, HEAD_LEN + SCSI_BUFFER_KEPT_MAX);
	else
		buffer = malloc(HEAD_LEN + len);
	if (!buffer)
		return NULL;
	buffer[0] = piece;
	return buffer + HEAD_LEN;
}

void scsi_buffer_give(struct spare_list *spares, uint8_t *data)
{
	if (!data)
		return;
	uint8_t *buffer = data - HEAD_LEN;
	if (buffer[0])
		spare_give(spares, buffer);
	else
		free(buffer);
}
