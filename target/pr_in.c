/*
 * PERSISTENT RESERVE IN (SPC-4 6.15), answered from the committed state: what a crash could take
 * back is never shown.
 */
#include <stdlib.h>
#include <string.h>

#include "target/command.h"
#include "target/pr_commit.h"
#include "target/transport_id.h"

#define HEADER_LEN	      8	 /* PRGENERATION and ADDITIONAL LENGTH */
#define STATUS_DESCRIPTOR_LEN 24 /* of READ FULL STATUS, without its TransportID */
#define R_HOLDER	      0x01

/*
 * The answer as long as it really is (`total`), of which only what the initiator has room for is
 * kept: a full list of 65,536 registrations is never built for an allocation length of 8.
 */
struct answer {
	uint8_t *data;
	size_t room;
	uint64_t total;
};

static void answer_put(struct answer *answer, const void *bytes, size_t len)
{
	if (answer->total < answer->room) {
		size_t left = answer->room - (size_t)answer->total;

		memcpy(answer->data + answer->total, bytes, len < left ? len : left);
	}
	answer->total += len;
}

static void answer_begin(struct answer *answer, const struct pr_state *state)
{
	uint8_t header[HEADER_LEN] = {0};

	put_be32(header, pr_state_generation(state));
	answer_put(answer, header, sizeof(header));
}

/* ADDITIONAL LENGTH counts the whole answer, however much of it is cut off. */
static void answer_end(struct answer *answer)
{
	uint8_t length[4];

	put_be32(length, (uint32_t)(answer->total - HEADER_LEN));
	for (size_t i = 0; i < sizeof(length); i++)
		if (4 + i < answer->room)
			answer->data[4 + i] = length[i];
}

/* SPC-4 6.15.2. */
static void read_keys(const struct pr_state *state, struct answer *answer)
{
	const struct pr_registration *registration = pr_state_first(state);

	answer_begin(answer, state);
	for (; registration && answer->total < answer->room;
	     registration = pr_state_next(state, registration)) {
		uint8_t key[8];

		put_be64(key, registration->key);
		answer_put(answer, key, sizeof(key));
	}
	answer->total = HEADER_LEN + 8 * (uint64_t)pr_state_count(state);
	answer_end(answer);
}

static uint8_t scope_and_type(const struct pr_reservation *reservation)
{
	return (uint8_t)((unsigned)reservation->scope << 4 | (unsigned)reservation->type);
}

/* SPC-4 6.15.3. Under the all-registrants types there is no one holder, and the key is 0. */
static void read_reservation(const struct pr_state *state, struct answer *answer)
{
	struct pr_reservation reservation = pr_state_reservation(state);
	uint8_t descriptor[16] = {0};

	answer_begin(answer, state);
	if (reservation.type != PR_TYPE_NONE) {
		if (reservation.holder_id != 0)
			put_be64(descriptor, pr_state_by_id(state, reservation.holder_id)->key);
		descriptor[13] = scope_and_type(&reservation);
		answer_put(answer, descriptor, sizeof(descriptor));
	}
	answer_end(answer);
}

static bool is_holder(const struct pr_reservation *reservation,
		      const struct pr_registration *registration)
{
	return pr_type_is_all_registrants(reservation->type) ||
	       (reservation->type != PR_TYPE_NONE && reservation->holder_id == registration->id);
}

/* SPC-4 6.15.5: one full status descriptor. */
static void put_status(struct answer *answer, const struct pr_reservation *reservation,
		       const struct pr_registration *registration)
{
	uint8_t descriptor[STATUS_DESCRIPTOR_LEN + TRANSPORT_ID_MAX] = {0};
	size_t id_len =
		transport_id_build(&registration->nexus, descriptor + STATUS_DESCRIPTOR_LEN);

	put_be64(descriptor, registration->key);
	if (is_holder(reservation, registration)) {
		descriptor[12] = R_HOLDER;
		descriptor[13] = scope_and_type(reservation);
	}
	put_be16(descriptor + 18, registration->nexus.relative_target_port_id);
	put_be32(descriptor + 20, (uint32_t)id_len);
	answer_put(answer, descriptor, STATUS_DESCRIPTOR_LEN + id_len);
}

static void read_full_status(const struct pr_state *state, struct answer *answer)
{
	struct pr_reservation reservation = pr_state_reservation(state);
	const struct pr_registration *registration = pr_state_first(state);

	answer_begin(answer, state);
	for (; registration; registration = pr_state_next(state, registration)) {
		if (answer->total < answer->room)
			put_status(answer, &reservation, registration);
		else
			answer->total +=
				STATUS_DESCRIPTOR_LEN + transport_id_len(&registration->nexus);
	}
	answer_end(answer);
}

static void report_capabilities(const struct scsi_lun *lun, struct answer *answer)
{
	uint8_t data[PR_CAPABILITIES_LEN];

	pr_profile_capabilities(lun->config.profile, pr_state_aptpl(pr_commit_state(lun->pr)),
				data);
	answer_put(answer, data, sizeof(data));
}

static void fill_answer(const struct scsi_task *task, struct answer *answer)
{
	const struct pr_state *state = pr_commit_state(task->lun->pr);

	switch ((enum pr_in_action)task->command->service_action) {
	case PR_IN_READ_KEYS:
		read_keys(state, answer);
		return;
	case PR_IN_READ_RESERVATION:
		read_reservation(state, answer);
		return;
	case PR_IN_REPORT_CAPABILITIES:
		report_capabilities(task->lun, answer);
		return;
	case PR_IN_READ_FULL_STATUS:
		read_full_status(state, answer);
		return;
	}
}

enum scsi_result scsi_persistent_reserve_in(struct scsi_task *task)
{
	uint16_t allocation_length = get_be16(task->cdb + 7);
	struct answer answer = {.room = allocation_length};

	if (!scsi_task_alloc_in(task, allocation_length))
		return SCSI_DONE;
	answer.data = task->data_in;
	fill_answer(task, &answer);
	if (answer.total < allocation_length)
		scsi_task_cut_in(task, (uint32_t)answer.total);
	scsi_task_good(task);
	return SCSI_DONE;
}
