/*
 * The digest of lent data, taken where they lie: the one thing that we look at there by ourselves.
 */
#include "pr_engine/crc32c.h"
#include "target/guarded.h"
#include "target/target.h"

struct digest {
	const uint8_t *data;
	size_t len;
	uint32_t crc;
};

static void digest_run(void *context)
{
	struct digest *digest = context;

	digest->crc = crc32c(0, digest->data, digest->len);
}

bool target_data_in_crc32c(const struct scsi_task *task, uint32_t offset, uint32_t len,
			   uint32_t *ret_crc)
{
	struct digest digest = {.data = task->data_in + offset, .len = len};

	if (!guarded_run(&(struct guarded_work){
		    .run = digest_run,
		    .context = &digest,
		    .ranges = {{.start = digest.data, .len = len}},
	    }))
		return false;
	*ret_crc = digest.crc;
	return true;
}
