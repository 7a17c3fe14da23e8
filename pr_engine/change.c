/*
 * Changes as bytes.
 *
 * A change is one byte that names the operation, and its fields, big-endian, with nothing between
 * them. Changes stand back to back; how many bytes belong to a list of them is told by whoever
 * stores it.
 *
 *   01h ADD         id 8, key 8, since 16, relative target port id 2, ISID 6, n 1, name n
 *   02h REMOVE      id 8
 *   03h REMOVE ALL  -
 *   04h SET KEY     id 8, key 8
 *   05h RESERVE     type 1, scope 1, id of the holder 8 (0: all registrants), since 16
 *   06h RELEASE     -
 *   07h APTPL       0 or 1, 1
 *   08h NEXT ID     id 8
 *
 * `since` is the time in milliseconds, 8, and the sequence of the journal record, 8. The name is 1
 * to 223 bytes without any NUL.
 *
 * Bytes are valid when they follow this to the last one: an unknown operation, an APTPL other than
 * 0 or 1, a name that is empty, too long or with a NUL in it, and a change that is cut short make
 * the rest unreadable. Whether a change makes sense is not judged here but by pr_state_apply.
 */
#include <assert.h>

#include "pr_engine/bytes.h"
#include "pr_engine/state.h"

/* The numbers are on disk: they stay what they are. */
static_assert(PR_CHANGE_ADD == 1 && PR_CHANGE_REMOVE == 2 && PR_CHANGE_REMOVE_ALL == 3 &&
		      PR_CHANGE_SET_KEY == 4 && PR_CHANGE_RESERVE == 5 && PR_CHANGE_RELEASE == 6 &&
		      PR_CHANGE_APTPL == 7 && PR_CHANGE_NEXT_ID == 8,
	      "journals hold these numbers");
static_assert(1 + 8 + 8 + 16 + 2 + PR_ISID_LEN + 1 + PR_INITIATOR_NAME_MAX <= PR_CHANGE_ENCODED_MAX,
	      "ADD is the longest");
static_assert(1 + 1 + 1 + 8 + 16 <= PR_CHANGE_SHORT_MAX, "RESERVE is the longest of the others");

/* ---- encode ---- */

static void put_stamp(struct byte_writer *out, const struct pr_stamp *stamp)
{
	byte_writer_be64(out, stamp->time_ms);
	byte_writer_be64(out, stamp->sequence);
}

static void put_nexus(struct byte_writer *out, const struct pr_nexus_id *nexus)
{
	size_t name_len = strnlen(nexus->initiator_name, PR_INITIATOR_NAME_MAX);

	byte_writer_be16(out, nexus->relative_target_port_id);
	byte_writer_bytes(out, nexus->isid, PR_ISID_LEN);
	byte_writer_u8(out, (uint8_t)name_len);
	byte_writer_bytes(out, nexus->initiator_name, name_len);
}

static void put_fields(struct byte_writer *out, const struct pr_change *change)
{
	switch (change->op) {
	case PR_CHANGE_ADD:
		byte_writer_be64(out, change->registration_id);
		byte_writer_be64(out, change->key);
		put_stamp(out, &change->since);
		put_nexus(out, &change->nexus);
		break;
	case PR_CHANGE_SET_KEY:
		byte_writer_be64(out, change->registration_id);
		byte_writer_be64(out, change->key);
		break;
	case PR_CHANGE_RESERVE:
		byte_writer_u8(out, (uint8_t)change->type);
		byte_writer_u8(out, change->scope);
		byte_writer_be64(out, change->registration_id);
		put_stamp(out, &change->since);
		break;
	case PR_CHANGE_APTPL:
		byte_writer_u8(out, change->aptpl);
		break;
	case PR_CHANGE_REMOVE:
	case PR_CHANGE_NEXT_ID:
		byte_writer_be64(out, change->registration_id);
		break;
	case PR_CHANGE_REMOVE_ALL:
	case PR_CHANGE_RELEASE:
		break;
	case PR_CHANGE_INVALID:
		assert(0 && "a change without an operation");
		break;
	}
}

void pr_change_encode(const struct pr_change *change, struct byte_writer *out)
{
	uint8_t bytes[PR_CHANGE_ENCODED_MAX];
	struct byte_writer whole = byte_writer_over(bytes, sizeof(bytes));

	/* By way of a buffer, so that a change that does not fit leaves no half of it behind. */
	byte_writer_u8(&whole, (uint8_t)change->op);
	put_fields(&whole, change);
	byte_writer_bytes(out, bytes, whole.len);
}

/* ---- decode ---- */

static struct pr_stamp get_stamp(struct byte_reader *in)
{
	uint64_t time_ms = byte_reader_be64(in);

	return (struct pr_stamp){.time_ms = time_ms, .sequence = byte_reader_be64(in)};
}

static void get_nexus(struct byte_reader *in, struct pr_nexus_id *ret_nexus)
{
	ret_nexus->relative_target_port_id = byte_reader_be16(in);
	const uint8_t *isid = byte_reader_take(in, PR_ISID_LEN);
	size_t name_len = byte_reader_u8(in);
	const uint8_t *name = byte_reader_take(in, name_len);

	if (in->failed || name_len == 0 || name_len > PR_INITIATOR_NAME_MAX ||
	    memchr(name, '\0', name_len)) {
		in->failed = true;
		return;
	}
	memcpy(ret_nexus->isid, isid, PR_ISID_LEN);
	memcpy(ret_nexus->initiator_name, name, name_len);
}

static void get_fields(struct byte_reader *in, struct pr_change *change)
{
	uint8_t flag;

	switch (change->op) {
	case PR_CHANGE_ADD:
		change->registration_id = byte_reader_be64(in);
		change->key = byte_reader_be64(in);
		change->since = get_stamp(in);
		get_nexus(in, &change->nexus);
		return;
	case PR_CHANGE_SET_KEY:
		change->registration_id = byte_reader_be64(in);
		change->key = byte_reader_be64(in);
		return;
	case PR_CHANGE_RESERVE:
		change->type = (enum pr_type)byte_reader_u8(in);
		change->scope = byte_reader_u8(in);
		change->registration_id = byte_reader_be64(in);
		change->since = get_stamp(in);
		return;
	case PR_CHANGE_APTPL:
		flag = byte_reader_u8(in);
		change->aptpl = flag == 1;
		in->failed |= flag > 1;
		return;
	case PR_CHANGE_REMOVE:
	case PR_CHANGE_NEXT_ID:
		change->registration_id = byte_reader_be64(in);
		return;
	case PR_CHANGE_REMOVE_ALL:
	case PR_CHANGE_RELEASE:
		return;
	case PR_CHANGE_INVALID:
		break;
	}
	in->failed = true;
}

bool pr_change_decode(struct byte_reader *in, struct pr_change *ret_change)
{
	struct pr_change change;

	if (byte_reader_left(in) == 0)
		return false;
	memset(&change, 0, sizeof(change));
	change.op = (enum pr_change_op)byte_reader_u8(in);
	get_fields(in, &change);
	if (in->failed)
		return false;
	*ret_change = change;
	return true;
}
