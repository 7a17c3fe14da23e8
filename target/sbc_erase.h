/*
 * Erasing a whole medium: what SANITIZE and FORMAT UNIT have in common. It goes on in the
 * background, alone on the medium, through aborts, resets and the end of its session; a restart
 * takes it up where the last record (medium_record.h) says. Private to target/.
 */
#ifndef TARGET_SBC_ERASE_H
#define TARGET_SBC_ERASE_H

#include "target/medium_record.h"
#include "target/sbc.h"

enum sbc_erase_outcome {
	SBC_ERASE_OPEN = 0,
	SBC_ERASE_NOT_BEGUN, /* it could not be remembered, so nothing was touched */
	SBC_ERASE_FAILED,
	SBC_ERASE_DONE,
};

struct sbc_erase {
	struct scsi_lun *lun;
	struct medium_erase_record record; /* what is being done, or has failed */
	enum sbc_erase_outcome outcome;
	bool stopping; /* the LUN goes: leave off between two steps */
	/* The failure that this one is to mend: if it cannot begin, that is what it is again. */
	struct medium_erase_record before;
	struct sbc_io *io;	  /* NULL: it has failed, or was left off */
	struct scsi_task *waiter; /* the command that asked for it, or NULL */
	bool immediate;		  /* it waits for the beginning only */
	uint64_t len;		  /* of the request under way */
	uint64_t pause_ms;	  /* still to be waited for the sake of the rate */
	uint64_t since_store;	  /* bytes done since the record was stored */
};

/*
 * Begins what `record` says (operation, restricted, invert, passes, pattern); the task ends when it
 * has begun durably (`immediate`), or ended. Always SCSI_PENDING, or SCSI_DONE without memory.
 */
enum scsi_result sbc_erase_begin(struct scsi_task *task, const struct medium_erase_record *record,
				 bool immediate);

/* EXIT FAILURE MODE: forgets a failure, durably. Only with one, and none that is restricted. */
enum scsi_result sbc_erase_forget(struct scsi_task *task);

/* SANITIZE and FORMAT UNIT: false, with sense, when `operation` cannot begin now. */
bool sbc_erase_permits(struct scsi_task *task, enum medium_operation operation);

/* For sbc_erase_steps.c. */
struct scsi_task *sbc_erase_take_waiter(struct sbc_erase *erase);
/* NONE: GOOD. NULL: nobody waits. */
void sbc_erase_finish_waiter(struct scsi_task *task, enum scsi_sense sense);

/* sbc_erase_steps.c: where the chains begin, and over how many passes. */
bool sbc_erase_begin_step(struct sbc_io *io);
bool sbc_erase_resume_step(struct sbc_io *io);
bool sbc_erase_forget_step(struct sbc_io *io);
uint8_t sbc_erase_passes(const struct scsi_lun *lun, const struct medium_erase_record *record);

#endif
