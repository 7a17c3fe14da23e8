#include "tests/property/agree.h"

#include <stdarg.h>
#include <string.h>

#include "pr_engine/state.h"

bool differ(char *words, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(words, WORDS_MAX, format, args);
	va_end(args);
	return false;
}

static bool same_identity(const struct model_identity *m, const struct pr_nexus_id *t)
{
	return strcmp(m->name, t->initiator_name) == 0 && memcmp(m->isid, t->isid, 6) == 0 &&
	       m->port == t->relative_target_port_id;
}

bool state_agrees(const struct model *m, const struct scsi_lun *lun, char *words)
{
	const struct pr_state *state = scsi_lun_pr_state(lun);
	struct pr_reservation reservation = pr_state_reservation(state);
	const char *broken = pr_state_check(state);

	if (broken)
		return differ(words, "the state is unsound: %s", broken);
	if (pr_state_generation(state) != m->generation)
		return differ(words, "generation %u, expected %u", pr_state_generation(state),
			      m->generation);
	if (pr_state_aptpl(state) != m->aptpl)
		return differ(words, "APTPL %d, expected %d", pr_state_aptpl(state), m->aptpl);
	if (pr_state_count(state) != m->registration_count)
		return differ(words, "%u registrations, expected %u", pr_state_count(state),
			      m->registration_count);
	const struct pr_registration *r = pr_state_first(state);
	for (unsigned i = 0; i < m->registration_count; i++) {
		if (!r || r->key != m->registrations[i].key ||
		    !same_identity(&m->registrations[i].who, &r->nexus))
			return differ(words, "registration %u is not what was expected", i);
		if (m->holder == (int)i && reservation.holder_id != r->id)
			return differ(words, "registration %u does not hold the reservation", i);
		r = pr_state_next(state, r);
	}
	if ((uint8_t)reservation.type != m->type || reservation.scope != 0)
		return differ(words, "reservation of type %u, expected %u",
			      (unsigned)reservation.type, m->type);
	struct pr_nexus_id owner;
	bool spc2 = scsi_lun_spc2_owner(lun, &owner);
	if (spc2 != (m->spc2_owner >= 0) ||
	    (spc2 && !same_identity(&m->nexuses[m->spc2_owner].who, &owner)))
		return differ(words, "SPC-2 reservation: %d, expected nexus %d", spc2,
			      m->spc2_owner);
	return true;
}

static bool sense_agrees(const struct model_answer *a, const uint8_t *sense, size_t len,
			 char *words)
{
	if (len < 18 || (sense[0] & 0x7f) != 0x70 || sense[7] < 10)
		return differ(words, "%zu bytes of sense data, not of the fixed format", len);
	if ((sense[2] & 0x0f) != a->key || sense[12] != a->asc ||
	    (sense[13] != a->ascq && !a->any_reset))
		return differ(words, "sense %X/%02X/%02X, expected %X/%02X/%02X", sense[2] & 0x0f,
			      sense[12], sense[13], a->key, a->asc, a->ascq);
	if (a->pointer >= 0 && (int32_t)model_be(sense + 15, 3) != a->pointer)
		return differ(words, "field pointer %02x %02x %02x, expected %06x", sense[15],
			      sense[16], sense[17], (unsigned)a->pointer);
	return true;
}

static bool data_agrees(const struct model_answer *a, const struct scsi_task *task, char *words)
{
	if (task->transfer_len != a->wanted_len || task->data_in_len != a->data_len)
		return differ(words, "%u bytes of Data-In of %llu, expected %zu of %llu",
			      task->data_in_len, (unsigned long long)task->transfer_len,
			      a->data_len, (unsigned long long)a->wanted_len);
	for (size_t i = 0; i < a->data_len; i++)
		if (task->data_in[i] != a->data[i])
			return differ(words, "Data-In byte %zu is %02x, expected %02x", i,
				      task->data_in[i], a->data[i]);
	return true;
}

bool answer_agrees(const struct model_answer *a, const struct bench_task *t, char *words)
{
	const struct scsi_task *task = &t->task;

	bool waits = t->state == BENCH_WAITING || (t->state == BENCH_RUNNING && t->hangs);
	if (a->waits || waits) {
		if (a->waits != waits)
			return differ(words, "waits for data or disk: %d, expected %d", waits,
				      a->waits);
		return true;
	}
	if (t->state != BENCH_COMPLETED)
		return differ(words, "the command never ended");
	bool check = task->status == SCSI_STATUS_CHECK_CONDITION;
	if (task->status != a->status)
		return differ(words,
			      "status %02X (sense %X/%02X/%02X), expected %02X (%X/%02X/%02X)",
			      task->status, check ? task->sense[2] & 0x0f : 0,
			      check ? task->sense[12] : 0, check ? task->sense[13] : 0, a->status,
			      a->key, a->asc, a->ascq);
	if (check)
		return sense_agrees(a, task->sense, task->sense_len, words);
	if (task->sense_len != 0)
		return differ(words, "sense data with status %02X", task->status);
	if (a->status == MODEL_CONFLICT && task->data_in_len != 0)
		return differ(words, "Data-In with RESERVATION CONFLICT");
	if (a->sense_is_data)
		return sense_agrees(a, task->data_in, task->data_in_len, words);
	return !a->data_known || data_agrees(a, task, words);
}

/* One open task of nexus n: did a PREEMPT AND ABORT end it as it should? */
static bool abort_agrees(const struct model_answer *a, const struct bench_task *t, unsigned n,
			 unsigned caller, char *words)
{
	/* How the caller hears of its own aborted commands is not told. */
	if (t->state == BENCH_ABORTED && t->send_status != a->aborted_with_status && n != caller)
		return differ(words, "a command of nexus %u aborted %s status", n,
			      a->aborted_with_status ? "without" : "with");
	if (t->state == BENCH_ABORTED && t->send_status &&
	    t->task.status != SCSI_STATUS_TASK_ABORTED)
		return differ(words, "a command aborted with status %02X", t->task.status);
	if (t->state == BENCH_COMPLETED && t->task.status != SCSI_STATUS_GOOD)
		return differ(words, "an accepted command ended with status %02X", t->task.status);
	return true;
}

bool aborts_agree(const struct model_answer *a, const struct model *after,
		  const struct bench *bench, unsigned caller, bool drained, char *words)
{
	for (unsigned n = 0; n < bench->setup->nexus_count; n++) {
		unsigned aborted = 0, waiting = 0, hanging = 0;
		for (const struct bench_task *t = bench->nexuses[n].open; t; t = t->next) {
			aborted += t->state == BENCH_ABORTED;
			waiting += t->state == BENCH_WAITING;
			/* When the disk went on, so did the reads of those who were spared. */
			hanging += t->state == BENCH_RUNNING || t->state == BENCH_COMPLETED;
			if (!abort_agrees(a, t, n, caller, words))
				return false;
		}
		const struct model_nexus *expected = &after->nexuses[n];
		if (aborted != a->aborted[n] || waiting != expected->waiting_writes ||
		    hanging != expected->hanging_reads)
			return differ(words,
				      "nexus %u: %u commands aborted, %u wait for data, %u for the "
				      "disk; expected %u, %u and %u",
				      n, aborted, waiting, hanging, a->aborted[n],
				      expected->waiting_writes, expected->hanging_reads);
	}
	if (drained != (a->aborted_reads > 0))
		return differ(words, drained ? "was answered only when the disk went on"
					     : "was answered before the disk had let go");
	return true;
}
