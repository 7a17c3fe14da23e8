/*
 * Leases: a loop that is not the home carries out plain reads and writes of a LUN by itself
 * (docs/threads.md). For target/ only.
 *
 * The home grants a loop a lease on a LUN: with it the loop gets a LUN of its own, a *shadow*, that
 * has what reading and writing need (the backing store, capacity, mode parameters), and on which
 * commands run by the same code as at home. One by one the home admits nexuses, saying whether they
 * may read, or write. A nexus of which there is anything to tell (a unit attention, a reservation
 * of somebody else) is not admitted: its commands go home, as do all others.
 *
 * Before anything is done at home that a reading or writing nexus could notice, all leases of the
 * LUN are *recalled*. A loop that is told so uses its lease no more: commands that wait for data
 * are sent home with what has come for them, those at work end, and then the lease is *returned*.
 * When all are, the home is alone with the LUN, and goes on.
 *
 *   home                                      loop
 *   offer      --- grant, admit ------->      commands run on the shadow
 *   recall     --- recall ------------->      no more of them begin
 *              <-- execute, data -------      those that wait for data
 *   all back   <-- returned ------------      when the last one has ended
 *
 * While there are leases the loops, and the home, keep out of each other's way on the medium by
 * marks (marks.h).
 */
#ifndef TARGET_LEASE_H
#define TARGET_LEASE_H

#include "target/command.h"
#include "target/marks.h"
#include "target/remote.h"

/* No lease is granted so long after a command that had to have the LUN to itself: a stream of such
 * commands finds it at home. */
#ifndef SCSI_LEASE_QUIET_MS /* 0: leases come and go all the time (the lab's stress) */
#define SCSI_LEASE_QUIET_MS 10
#endif

enum scsi_lease_access {
	SCSI_LEASE_READ = 1 << 0,
	SCSI_LEASE_WRITE = 1 << 1,
};

/* One loop's on one LUN. */
struct scsi_lease {
	/* Of the home. */
	struct scsi_lease *next; /* leases->all */
	struct scsi_lun *lun;
	struct scsi_link *link;
	struct scsi_target *there; /* the loop's remote target */
	bool out;		   /* granted, and not yet returned */
	uint64_t generation;	   /* another one at each grant */
	/* Each is on its way at most once: grant, recall and returned follow upon each other. */
	struct scsi_letter grant, recall, returned, gone;
	/* What the grant says: written by the home while the lease is not out. */
	struct scsi_lun_config config;
	struct backing *backing;
	struct scsi_mode mode;
	struct scsi_access_group access[SCSI_PORTS_MAX];
	struct sbc_marks *marks;
	uint64_t blocks;
	uint32_t block_size, block_shift;
	/* What the return says. */
	struct scsi_log_work work[SCSI_LOG_KINDS];
	/* Of the loop. */
	struct scsi_lun *shadow; /* NULL: there was no memory */
	bool held;		 /* commands may begin */
	bool recalled;
	struct scsi_lease *shadow_next; /* target->shadows */
};

/* Of one LUN, at home. */
struct scsi_leases {
	struct scsi_lease *all;
	unsigned out;
	bool recalling;
	uint64_t quiet_until_ms;
	uint64_t generations;	   /* handed out so far */
	struct scsi_task *waiting; /* for the recall (dormant_next) */
	struct sbc_marks *marks;
};

/* lease_home.c: the home's side. */

/* A command has come from another loop, from that nexus there: if the loop could have carried it
 * out by itself, next time it does. */
void scsi_lease_consider(const struct scsi_task *task, struct scsi_nexus *origin);
/* True: the command has to have the LUN to itself, and waits until all leases are returned. */
bool scsi_lease_holds_up(struct scsi_task *task);
/* One that waits so will not begin. */
void scsi_lease_forget_task(struct scsi_task *task);
/* All leases are recalled. True: they are not back yet. */
bool scsi_lun_recall(struct scsi_lun *lun);
/* The drain waits for that, too. */
void scsi_lease_drain(struct scsi_drain *drain);
/* The LUN goes, and none is out: the loops are told to forget it. */
void scsi_lease_dismiss(struct scsi_lun *lun);
/* No loop is left, or none knows of it. */
void scsi_lease_free(struct scsi_lun *lun);

/* lease.c: the loop's side. */

/* Does the command begin here? Then its LUN is set. */
bool scsi_lease_serves(struct scsi_task *task);
/* One that nothing works for goes home; its LUN is to be settled then. False: no memory, and
 * nothing has happened. */
bool scsi_lease_send_home(struct scsi_task *task);
/* A command of the shadow has ended. */
void scsi_lease_settle(struct scsi_lease *lease);
/* Before the function goes home: what it is about goes there first. */
void scsi_lease_stop_for(const struct scsi_tmf *tmf);
/* Has the nexus commands on its own loop on that LUN? */
bool scsi_lease_is_busy(const struct scsi_nexus *nexus, const uint8_t lun_bytes[8]);
/* The remote target goes. */
void scsi_lease_free_shadows(struct scsi_target *target);

/* Letters down. */
void scsi_lease_on_grant(struct scsi_letter *letter);
void scsi_lease_on_admit(struct scsi_letter *letter);
void scsi_lease_on_recall(struct scsi_letter *letter);
void scsi_lease_on_gone(struct scsi_letter *letter);
/* Letter up. */
void scsi_lease_on_returned(struct scsi_letter *letter);

struct scsi_admission {
	struct scsi_letter letter;
	struct scsi_lease *lease;
	struct scsi_nexus *nexus; /* the loop's */
	unsigned access;	  /* enum scsi_lease_access */
	uint64_t epoch;
};

#define lease_of(letter_pointer, member)                                                    \
	((struct scsi_lease *)(void *)((char *)(letter_pointer)-offsetof(struct scsi_lease, \
									 member)))

/* What a plain READ or WRITE needs; 0: it is none. */
static inline unsigned scsi_lease_access_of(const struct scsi_task *task)
{
	if (task->attribute != SCSI_ATTRIBUTE_SIMPLE && task->attribute != SCSI_ATTRIBUTE_UNTAGGED)
		return 0;
	switch (task->cdb[0]) {
	case 0x08:
	case 0x28:
	case 0x88:
	case 0xa8:
		return SCSI_LEASE_READ;
	case 0x0a:
	case 0x2a:
	case 0x8a:
	case 0xaa:
		return SCSI_LEASE_WRITE;
	default:
		return 0;
	}
}

#endif
