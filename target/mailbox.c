#include "target/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct scsi_mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled; /* for scsi_mailbox_wait */
	struct scsi_letter *first, *last;
	void (*wake)(void *context);
	void *context;
};

struct scsi_mailbox *scsi_mailbox_create(void (*wake)(void *context), void *context)
{
	struct scsi_mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (!mailbox)
		return NULL;
	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_cond_init(&mailbox->filled, NULL);
	mailbox->wake = wake;
	mailbox->context = context;
	return mailbox;
}

void scsi_mailbox_free(struct scsi_mailbox **mailbox)
{
	if (!*mailbox)
		return;
	assert(!(*mailbox)->first);
	pthread_cond_destroy(&(*mailbox)->filled);
	pthread_mutex_destroy(&(*mailbox)->lock);
	free(*mailbox);
	*mailbox = NULL;
}

bool scsi_mailbox_open(struct scsi_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct scsi_letter *letter = mailbox->first;
	mailbox->first = mailbox->last = NULL;
	pthread_mutex_unlock(&mailbox->lock);

	bool any = letter != NULL;
	while (letter) {
		struct scsi_letter *next = letter->next;

		letter->deliver(letter);
		letter = next;
	}
	return any;
}

void scsi_line_post(struct scsi_line *line, struct scsi_letter *letter)
{
	letter->next = NULL;
	if (line->last)
		line->last->next = letter;
	else
		line->first = letter;
	line->last = letter;
}

void scsi_line_flush(struct scsi_line *line)
{
	struct scsi_mailbox *mailbox = line->to;

	if (!line->first)
		return;
	pthread_mutex_lock(&mailbox->lock);
	bool was_empty = !mailbox->first;
	if (was_empty)
		mailbox->first = line->first;
	else
		mailbox->last->next = line->first;
	mailbox->last = line->last;
	pthread_mutex_unlock(&mailbox->lock);
	line->first = line->last = NULL;
	/* Who has found it filled knows that somebody else has woken its loop. */
	if (!was_empty)
		return;
	pthread_cond_signal(&mailbox->filled);
	mailbox->wake(mailbox->context);
}

void scsi_mailbox_wait(struct scsi_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	while (!mailbox->first)
		pthread_cond_wait(&mailbox->filled, &mailbox->lock);
	pthread_mutex_unlock(&mailbox->lock);
}
