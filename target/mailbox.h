/*
 * Letters between event loops (docs/threads.md). Everything that one loop wants of another one goes
 * through the other one's mailbox, in order, and is done there by the letter's own function: so no
 * state has two writers. Nobody ever waits here but for the moment that it takes to link a list.
 *
 * A letter is a member of what it is about: posting one never fails.
 */
#ifndef TARGET_MAILBOX_H
#define TARGET_MAILBOX_H

#include <stdbool.h>

struct scsi_letter {
	void (*deliver)(struct scsi_letter *letter); /* on the loop of the mailbox; may free it */
	/* The mailbox's. */
	struct scsi_letter *next;
};

struct scsi_mailbox;

/* `wake` is called on any thread when something has come into an empty mailbox: somebody is then to
 * call scsi_mailbox_open on the loop. NULL: no memory. */
struct scsi_mailbox *scsi_mailbox_create(void (*wake)(void *context), void *context);
/* It must be empty. */
void scsi_mailbox_free(struct scsi_mailbox **mailbox);

/* Waits until there is something in it. */
void scsi_mailbox_wait(struct scsi_mailbox *mailbox);
/* Delivers what is in it now. True when there was anything. */
bool scsi_mailbox_open(struct scsi_mailbox *mailbox);

/*
 * The way from one loop to another one's mailbox; belongs to the loop that sends. What is posted
 * leaves with the next flush, all at once, so that a turn of the loop costs one wake-up.
 */
struct scsi_line {
	struct scsi_mailbox *to;
	struct scsi_line *next; /* its owner's */
	struct scsi_letter *first, *last;
};

void scsi_line_post(struct scsi_line *line, struct scsi_letter *letter);
void scsi_line_flush(struct scsi_line *line);

/* Posts a letter that is to do this where it arrives. */
static inline void scsi_line_post_for(struct scsi_line *line, struct scsi_letter *letter,
				      void (*deliver)(struct scsi_letter *letter))
{
	letter->deliver = deliver;
	scsi_line_post(line, letter);
}

#endif
