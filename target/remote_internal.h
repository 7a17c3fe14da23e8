/*
 * Commands, nexuses and functions on their way between a loop and the home. For target/ only.
 *
 * One command:
 *
 *   loop (remote.c)                          home (remote_home.c)
 *   target_execute      --- execute -->      target_execute of its double
 *                       <-- want -----       ops->want_data
 *   ops->begin          <-- gate -----       its turn has come (fault rules alone)
 *   its verdict         --- pass ----->      target_task_go_on
 *   data_out_ready      --- data ----->      target_data_out_ready
 *   ops->complete       <-- end ------       ops->complete, or aborted
 *
 * The data of a WRITE that have all come with it are sent along: then `want` is not.
 *
 * The double is a scsi_task of its own, so the two loops share no field: the loop writes it before
 * it is sent and reads it when it has ended. A letter of the loop may cross the `end`; it then
 * finds `ended`, and does nothing: its nexus may be gone. Whoever releases the command knows from
 * two counters whether such a letter is still on its way: then the home frees the double, behind
 * it.
 */
#ifndef TARGET_REMOTE_INTERNAL_H
#define TARGET_REMOTE_INTERNAL_H

#include "target/command.h"
#include "target/remote.h"

struct remote_nexus {
	struct scsi_nexus *local; /* the loop's */
	struct scsi_link *link;
	struct scsi_target *home;
	struct pr_nexus_id id;
	struct scsi_lun_mask visible;
	enum scsi_nexus_end why;
	struct scsi_nexus *nexus; /* the home's; NULL: it could not be opened */
	struct scsi_letter open, close, closed;
};

/* What a command ends with that never began. */
struct remote_answer {
	enum scsi_status status;
	uint8_t sense[SCSI_SENSE_MAX];
	uint8_t sense_len;
	uint8_t *data_in;
	uint32_t data_in_len;
	uint64_t transfer_len;
};

struct remote_task {
	struct scsi_link *link;
	struct spare_list *spares;  /* the loop's */
	struct remote_nexus *nexus; /* gone, it may be, when it has ended */
	struct scsi_target *home;
	struct scsi_task *origin; /* the loop's */
	struct scsi_task task;	  /* its double */
	struct scsi_letter execute, room, data, forget, pass;
	struct scsi_letter want, end, gate;
	/* Of the loop, for the letters up. */
	unsigned posted; /* letters that name it */
	bool asked_for_room, failed;
	bool gated; /* it has ops->begin */
	enum scsi_gate verdict;
	struct remote_answer answer; /* ENDED: what it ends with; its data are the double's */
	uint8_t *data_out;
	/* It began on the loop (lease.h), under that epoch of its nexus. */
	bool began;
	uint64_t epoch;
	uint32_t eager_len; /* its data come unasked, so many bytes; 0: when they are wanted */
	uint8_t key, asc, ascq;
	/* Of the home, for the letters down. */
	bool asked; /* ops->begin; before it came home, perhaps */
	unsigned taken, taken_at_end;
	bool has_room, has_data, ended;
	bool wants_data, data_came, passed;
	bool aborted, send_status;
	/* What `want` says. The double itself may be aborted while that letter is on its way. */
	uint32_t wanted_len;
	uint64_t wanted_room, wanted_transfer_len;
};

struct remote_tmf {
	struct scsi_link *link;
	struct remote_nexus *nexus;
	struct remote_task *referenced;
	struct scsi_tmf *origin;
	struct scsi_tmf tmf;
	struct scsi_letter up, down;
};

/* What is only told: the home has no answer to it. */
enum remote_note_kind {
	REMOTE_NOTE_CLEARED, /* scsi_nexus_note_cleared */
	REMOTE_NOTE_FULL,    /* a command that ended in TASK SET FULL */
	REMOTE_NOTE_QUERIES, /* scsi_nexus_set_queries */
};

struct remote_note {
	struct remote_nexus *nexus;
	enum remote_note_kind kind;
	bool queries;
	uint8_t lun_bytes[8];
	struct scsi_letter up;
};

#define remote_of(letter_pointer, type, member) \
	((type *)(void *)((char *)(letter_pointer)-offsetof(type, member)))

/* remote.c: the loop's side, called by the functions of target.h of the same names. */
bool remote_nexus_open(struct scsi_nexus *nexus);
void remote_nexus_close(struct scsi_nexus *nexus, enum scsi_nexus_end why);
void remote_nexus_note(struct scsi_nexus *nexus, enum remote_note_kind kind,
		       const uint8_t lun_bytes[8], bool queries);
void remote_execute(struct scsi_task *task);
/* A command that began on the loop goes on at home. False: no memory, and nothing has happened. */
bool remote_go_on(struct scsi_task *task, uint64_t epoch);
void remote_begin(struct scsi_task *task);
void remote_data_in_room(struct scsi_task *task);
bool remote_data_out_prepare(struct scsi_task *task);
void remote_data_out_ready(struct scsi_task *task);
void remote_data_out_failed(struct scsi_task *task, uint8_t asc, uint8_t ascq);
void remote_release(struct scsi_task *task);
void remote_manage(struct scsi_tmf *tmf);

/* Letters up: delivered at the home (remote_home.c). */
void remote_home_open(struct scsi_letter *letter);
void remote_home_close(struct scsi_letter *letter);
void remote_home_note(struct scsi_letter *letter);
void remote_home_execute(struct scsi_letter *letter);
void remote_home_room(struct scsi_letter *letter);
void remote_home_data(struct scsi_letter *letter);
void remote_home_pass(struct scsi_letter *letter);
void remote_home_forget(struct scsi_letter *letter);
void remote_home_manage(struct scsi_letter *letter);

/* Letters down: delivered on the loop (remote.c). */
void remote_loop_closed(struct scsi_letter *letter);
void remote_loop_want(struct scsi_letter *letter);
void remote_loop_gate(struct scsi_letter *letter);
void remote_loop_end(struct scsi_letter *letter);
void remote_loop_managed(struct scsi_letter *letter);

#endif
