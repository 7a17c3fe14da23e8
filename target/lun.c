/*
 * Logical units: bringing one online, who it is, and what is told about it.
 */
#include "target/lun.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "pr_engine/bytes.h"
#include "target/lease.h"
#include "target/lent.h"
#include "target/mode.h"
#include "target/pr_commit.h"
#include "target/saved.h"
#include "target/sbc.h"

#define REGISTRATIONS_LIMIT 65536
#define HISTORY_LIMIT	    4096

void scsi_lun_config_init(struct scsi_lun_config *config)
{
	*config = (struct scsi_lun_config){
		.block_size = 512,
		.physical_exponent = 3,
		.profile = &pr_profile_dlt_s4,
		.registrations_max = 16384,
		.history_max = 1024,
		.transfer_max = 8 * 1024 * 1024,
		.thin = true,
		.atomic_granularity = 1,
		.write_cache = true,
		.vendor = "HOLDFAST",
		.product = "VIRTUAL DISK",
		.revision = "0100",
	};
}

static bool lun_config_is_valid(const struct scsi_lun_config *config)
{
	if (config->number > SCSI_LUN_MAX || !config->backing || !config->profile)
		return false;
	if (config->block_size != 512 && config->block_size != 4096)
		return false;
	if (config->physical_exponent > 15 || config->backing->size < config->block_size)
		return false;
	if (config->registrations_max < 1 || config->registrations_max > REGISTRATIONS_LIMIT)
		return false;
	if (config->atomic_granularity < 1 ||
	    config->atomic_granularity > SBC_ATOMIC_GRANULARITY_MAX)
		return false;
	return config->history_max <= HISTORY_LIMIT &&
	       config->transfer_max >= SCSI_TRANSFER_MAX_MIN;
}

/* ---- identity ----------------------------------------------------------------------------------
 */

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/*
 * 64 bits that are the same at every start (the instance id is kept in the state directory) and
 * differ between instances, targets, LUNs and uses. This is part of what initiators remember a disk
 * by: it must never change.
 */
static uint64_t lun_identity(const struct scsi_lun *lun, uint64_t use)
{
	const struct scsi_target *target = lun->target;
	uint64_t x = mix(use + 1);

	for (size_t i = 0; i < sizeof(target->config.instance_id); i++)
		x = mix(x ^ target->config.instance_id[i]);
	for (const char *c = target->name; *c; c++)
		x = mix(x ^ (uint8_t)*c);
	return mix(x ^ (0x100u + lun->number));
}

static void lun_set_identity(struct scsi_lun *lun)
{
	if (lun->config.serial[0])
		memcpy(lun->serial, lun->config.serial, sizeof(lun->serial));
	else
		snprintf(lun->serial, sizeof(lun->serial), "%016llx%016llx",
			 (unsigned long long)lun_identity(lun, 0),
			 (unsigned long long)lun_identity(lun, 1));
	lun->serial[sizeof(lun->serial) - 1] = '\0';
	/* SPC-4 7.8.6.6.5: NAA 3h, locally assigned; the other 60 bits are ours. */
	put_be64(lun->naa, lun_identity(lun, 2));
	lun->naa[0] = (uint8_t)(0x30 | (lun->naa[0] & 0x0f));
}

/* ---- coming and going ---------------------------------------------------------------------------
 */

/* All but the reservations; no memory is the only failure. */
static struct scsi_lun *lun_create(struct scsi_target *target, const struct scsi_lun_config *config)
{
	struct scsi_lun *lun = calloc(1, sizeof(*lun));

	if (!lun)
		return NULL;
	lun->target = target;
	lun->number = config->number;
	lun->config = *config;
	lun->backing = config->backing;
	lun->block_size = config->block_size;
	lun->block_shift = config->block_size == 512 ? 9 : 12;
	lun->blocks = config->backing->size >> lun->block_shift;
	lun->log.since_ms = scsi_target_now_ms(target);
	lun_set_identity(lun);
	return lun;
}

/* The caller keeps backing and store. */
static void lun_discard(struct scsi_lun *lun)
{
	struct scsi_nexus *nexus, *next;

	HASH_ITER(hh, lun->target->nexuses, nexus, next)
	if (nexus->luns[lun->number])
		scsi_lun_detach(lun, nexus);
	pr_commit_free(&lun->pr);
	scsi_lun_erase_free(lun);
	scsi_lun_intent_drop(lun);
	free(lun);
}

static bool lun_attach_all(struct scsi_lun *lun)
{
	struct scsi_nexus *nexus, *next;

	HASH_ITER(hh, lun->target->nexuses, nexus, next)
	if (!scsi_lun_attach(lun, nexus))
		return false;
	return true;
}

/* All but the journal. What cannot fail any more once it has begun comes last. */
static int lun_prepare(struct scsi_lun *lun)
{
	int error = scsi_lun_erase_restore(lun);

	if (error == 0)
		error = scsi_lun_intent_restore(lun);
	if (error == 0 && (!lun_attach_all(lun) || !scsi_lun_erase_resume(lun)))
		error = -ENOMEM;
	return error;
}

int scsi_target_add_lun(struct scsi_target *target, const struct scsi_lun_config *config,
			struct pr_journal_report *ret_report)
{
	struct pr_journal_report report = {0};

	if (ret_report)
		*ret_report = report;
	if (!lun_config_is_valid(config))
		return -EINVAL;
	if (target->luns[config->number])
		return -EEXIST;
	if (scsi_target_is_removing_lun(target, config->number))
		return -EBUSY;
	struct scsi_lun *lun = lun_create(target, config);
	if (!lun)
		return -ENOMEM;
	int error = pr_commit_create(lun, &report, &lun->pr);
	if (error == 0) {
		error = scsi_saved_load(lun);
		scsi_mode_reset(lun);
		if (error == 0)
			error = lun_prepare(lun);
		if (error != 0) /* it is not the journal that failed */
			report = (struct pr_journal_report){0};
	}
	if (ret_report)
		*ret_report = report;
	if (error != 0) {
		lun_discard(lun);
		return error;
	}
	scsi_lun_intent_redo(lun);
	scsi_target_raise_luns_changed(target, lun->number);
	target->luns[config->number] = lun;
	scsi_lun_show(lun);
	return 0;
}

/* A LUN that is on its way in or out is not shown. */
void scsi_lun_show(const struct scsi_lun *lun)
{
	struct scsi_target *target = lun->target;
	struct scsi_lun_shown *shown = &target->shown[lun->number];
	bool is_there = target->luns[lun->number] == lun;

	if (target->luns[lun->number] && !is_there)
		return;
	atomic_store_explicit(&shown->transfer_max, is_there ? lun->config.transfer_max : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&shown->block_shift, lun->block_shift, memory_order_relaxed);
	atomic_store_explicit(&shown->descriptor_sense, is_there && lun->mode.descriptor_sense,
			      memory_order_relaxed);
}

uint32_t scsi_target_transfer_max(const struct scsi_target *target, const uint8_t lun_bytes[8])
{
	uint16_t number;

	if (!scsi_lun_number_decode(lun_bytes, &number))
		return 0;
	return atomic_load_explicit(&target->shown[number].transfer_max, memory_order_relaxed);
}

uint64_t scsi_target_block_bytes(const struct scsi_target *target, const uint8_t lun_bytes[8],
				 uint32_t blocks)
{
	uint16_t number;

	if (!scsi_lun_number_decode(lun_bytes, &number))
		return 0;
	return (uint64_t)blocks << atomic_load_explicit(&target->shown[number].block_shift,
							memory_order_relaxed);
}

bool scsi_lun_is_idle(const struct scsi_lun *lun)
{
	return pr_commit_is_idle(lun->pr) && !lun->behind.running &&
	       !scsi_lun_erase_is_running(lun) && !lun->intents.owner;
}

void scsi_lun_free(struct scsi_lun **lun)
{
	if (!*lun)
		return;
	assert(!(*lun)->nexuses && !(*lun)->drains && !(*lun)->dropped);
	scsi_lent_settle_all(*lun);
	scsi_lease_free(*lun);
	pr_commit_free(&(*lun)->pr);
	scsi_lun_erase_free(*lun);
	if ((*lun)->config.medium_store)
		(*lun)->config.medium_store->ops->close((*lun)->config.medium_store);
	if ((*lun)->config.store)
		(*lun)->config.store->ops->close((*lun)->config.store);
	if ((*lun)->config.saved_store)
		(*lun)->config.saved_store->ops->close((*lun)->config.saved_store);
	(*lun)->backing->ops->close((*lun)->backing);
	free(*lun);
	*lun = NULL;
}

bool scsi_lun_attach(struct scsi_lun *lun, struct scsi_nexus *nexus)
{
	if (!scsi_nexus_may_see(nexus, lun->number))
		return true;
	struct scsi_lun_nexus *lun_nexus = calloc(1, sizeof(*lun_nexus));
	if (!lun_nexus)
		return false;
	lun_nexus->nexus = nexus;
	lun_nexus->lun = lun;
	lun_nexus->epoch = ++lun->target->epochs;
	lun_nexus->standing = pr_state_standing(pr_commit_state(lun->pr), &nexus->id);
	DL_APPEND(lun->nexuses, lun_nexus);
	nexus->luns[lun->number] = lun_nexus;
	return true;
}

void scsi_lun_detach(struct scsi_lun *lun, struct scsi_nexus *nexus)
{
	struct scsi_lun_nexus *lun_nexus = nexus->luns[lun->number];

	assert(!lun_nexus->tasks);
	scsi_drain_cancel(&lun_nexus->closing);
	if (lun->spc2_owner == lun_nexus)
		lun->spc2_owner = NULL;
	DL_DELETE(lun->nexuses, lun_nexus);
	nexus->luns[lun->number] = NULL;
	free(lun_nexus->copies);
	free(lun_nexus->echo);
	free(lun_nexus);
}

void scsi_lun_raise(struct scsi_lun *lun, enum scsi_unit_attention ua,
		    const struct scsi_nexus *except)
{
	struct scsi_lun_nexus *lun_nexus;

	DL_FOREACH(lun->nexuses, lun_nexus)
	if (lun_nexus->nexus != except)
		scsi_lun_nexus_raise(lun_nexus, ua);
}

void scsi_target_raise_luns_changed(struct scsi_target *target, uint16_t number)
{
	struct scsi_nexus *nexus, *next;

	HASH_ITER(hh, target->nexuses, nexus, next)
	for (unsigned i = 0; i <= SCSI_LUN_MAX && scsi_nexus_may_see(nexus, number); i++)
		if (nexus->luns[i] && target->luns[i])
			scsi_lun_nexus_raise(nexus->luns[i], SCSI_UA_REPORTED_LUNS_CHANGED);
}

/* ---- for status output --------------------------------------------------------------------------
 */

const char *scsi_lun_target_name(const struct scsi_lun *lun)
{
	return lun->target->name;
}

uint16_t scsi_lun_number(const struct scsi_lun *lun)
{
	return lun->number;
}

const struct pr_profile *scsi_lun_profile(const struct scsi_lun *lun)
{
	return lun->config.profile;
}

const struct pr_state *scsi_lun_pr_state(const struct scsi_lun *lun)
{
	return pr_commit_state(lun->pr);
}

bool scsi_lun_spc2_owner(const struct scsi_lun *lun, struct pr_nexus_id *ret_owner)
{
	if (!lun->spc2_owner)
		return false;
	*ret_owner = lun->spc2_owner->nexus->id;
	return true;
}

uint64_t scsi_lun_blocks(const struct scsi_lun *lun)
{
	return lun->blocks;
}

uint32_t scsi_lun_block_size(const struct scsi_lun *lun)
{
	return lun->block_size;
}

const char *scsi_lun_backing_name(const struct scsi_lun *lun)
{
	return lun->backing->ops->name;
}

const char *scsi_lun_serial(const struct scsi_lun *lun)
{
	return lun->serial;
}

struct pr_journal_counters scsi_lun_journal_counters(const struct scsi_lun *lun)
{
	return pr_commit_counters(lun->pr);
}
