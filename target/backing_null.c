/*
 * The null store: reads zeros, swallows writes. It measures everything but the disk.
 */
#include "target/backing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void null_submit(struct backing *backing, struct backing_request *request)
{
	(void)backing;
	if (request->op == BACKING_READ)
		memset(request->data, 0, request->data_len);
	request->mapped = false; /* EXTENT: nothing is kept anywhere; `len` is right as it is */
	request->error = 0;
	request->done(request);
}

static int null_at_once(struct backing *backing, enum backing_op op, uint64_t offset, uint8_t *data,
			size_t len)
{
	(void)backing;
	(void)offset;
	if (op == BACKING_READ)
		memset(data, 0, len);
	return 0;
}

static void null_close(struct backing *backing)
{
	free(backing);
}

static int null_grow(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	*ret_size = size != 0 ? size : backing->size;
	return 0;
}

static const struct backing_ops null_ops = {
	.name = "null",
	.submit = null_submit,
	.at_once = null_at_once,
	.close = null_close,
	.grow = null_grow,
};

int backing_null_open(uint64_t size, struct backing **ret_backing)
{
	if (size == 0)
		return -EINVAL;

	struct backing *backing = calloc(1, sizeof(*backing));
	if (!backing)
		return -ENOMEM;
	*backing = (struct backing){.ops = &null_ops, .size = size, .volatile_store = true};
	*ret_backing = backing;
	return 0;
}
