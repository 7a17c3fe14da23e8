/*
 * The journal in words for people.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pr_engine/journal_recover.h"

const char *pr_journal_health_name(enum pr_journal_health health)
{
	switch (health) {
	case PR_JOURNAL_INVALID:
		break;
	case PR_JOURNAL_EMPTY:
		return "empty";
	case PR_JOURNAL_CLEAN:
		return "clean";
	case PR_JOURNAL_TORN_TAIL:
		return "torn tail";
	case PR_JOURNAL_DAMAGED:
		return "damaged";
	case PR_JOURNAL_FOREIGN:
		return "foreign";
	case PR_JOURNAL_TOO_BIG:
		return "too big";
	case PR_JOURNAL_IO_ERROR:
		return "unreadable";
	}
	return "unknown";
}

/* ---- what is wrong with a journal, and what to do ---- */

#define WHAT_TO_DO                                                                    \
	"Put a good copy of the file back; or, if no initiator relies on this LUN's " \
	"reservations any more, move the file away: the LUN then starts with none."

static const char *shown_name(const struct pr_journal_identity *identity)
{
	return identity && identity->target_name[0] ? identity->target_name : "(no name)";
}

static void explain_other_lun(const struct pr_journal_identity *expected,
			      const struct pr_journal_identity *found,
			      struct pr_journal_report *report)
{
	/* Two names of 223 bytes would not leave room for what to do. */
	snprintf(report->explanation, sizeof report->explanation,
		 "The journal belongs to LUN %u of %.160s, not to LUN %u of %.160s. Check "
		 "the state directory and the target's name and LUN in the configuration.",
		 (unsigned)found->lun, shown_name(found), (unsigned)expected->lun,
		 shown_name(expected));
}

static void explain_io(struct pr_journal_report *report)
{
	const char *text = "input/output error";

	if (report->error == -ENOMEM)
		text = "out of memory";
	else if (report->error == -EACCES || report->error == -EPERM)
		text = "permission denied";
	snprintf(report->explanation, sizeof report->explanation,
		 "The journal could not be read or made durable: %s (errno %d). Nothing was "
		 "changed; mend the cause and start again.",
		 text, -report->error);
}

static void explain_counts(enum pr_journal_fault fault, struct pr_journal_report *report)
{
	char *text = report->explanation;
	size_t text_len = sizeof report->explanation;
	uint64_t behind = report->size - report->valid_end;

	switch (fault) {
	case PR_FAULT_CUT_SHORT:
		snprintf(text, text_len,
			 "The file ends at byte %" PRIu64
			 ", before bytes that were on stable storage; %" PRIu64
			 " records in front are good. " WHAT_TO_DO,
			 report->size, report->records);
		break;
	case PR_FAULT_UNREADABLE:
		snprintf(text, text_len,
			 "Acknowledged records at byte %" PRIu64 " are unreadable; %" PRIu64
			 " records in front are good. " WHAT_TO_DO,
			 report->damage_offset, report->records);
		break;
	case PR_FAULT_NONSENSE:
		snprintf(text, text_len,
			 "The record at byte %" PRIu64 " does not fit the state that the %" PRIu64
			 " records in front of it make. " WHAT_TO_DO,
			 report->damage_offset, report->records);
		break;
	case PR_FAULT_TOO_MANY:
		snprintf(text, text_len,
			 "The record at byte %" PRIu64
			 " registers more than this LUN's limit allows. Raise the limit to what it "
			 "was, and start again.",
			 report->damage_offset);
		break;
	case PR_FAULT_TORN_TAIL:
		snprintf(text, text_len,
			 "A crash cut the last %" PRIu64
			 " bytes, which were never acknowledged. That is normal: the %" PRIu64
			 " records in front are good, and nothing needs to be done.",
			 behind, report->records);
		break;
	case PR_FAULT_NONE:
	case PR_FAULT_NO_FILE:
	case PR_FAULT_IO:
	case PR_FAULT_NOT_A_JOURNAL:
	case PR_FAULT_VERSION:
	case PR_FAULT_OTHER_LUN:
	case PR_FAULT_NO_BYTES:
	case PR_FAULT_FILE_HEADER:
		break;
	}
}

void pr_journal_explain(enum pr_journal_fault fault, const struct pr_journal_identity *expected,
			const struct pr_journal_identity *found, struct pr_journal_report *report)
{
	char *text = report->explanation;
	size_t text_len = sizeof report->explanation;

	switch (fault) {
	case PR_FAULT_NONE:
		snprintf(text, text_len, "All %" PRIu64 " records are good.", report->records);
		return;
	case PR_FAULT_NO_FILE:
		snprintf(text, text_len, "Nothing was ever written here.");
		return;
	case PR_FAULT_NO_BYTES:
		snprintf(text, text_len,
			 "The file has no bytes. A journal always has some: these were cut off, "
			 "and records with them. " WHAT_TO_DO);
		return;
	case PR_FAULT_IO:
		explain_io(report);
		return;
	case PR_FAULT_NOT_A_JOURNAL:
		snprintf(text, text_len,
			 "This is no reservation journal, or its first bytes are destroyed. Check "
			 "the file's name. " WHAT_TO_DO);
		return;
	case PR_FAULT_VERSION:
		snprintf(text, text_len,
			 "The journal is of a version that this program does not know, or its "
			 "first bytes are damaged. Start the version that wrote it. " WHAT_TO_DO);
		return;
	case PR_FAULT_OTHER_LUN:
		assert(expected && found); /* who finds this fault knows both */
		explain_other_lun(expected, found, report);
		return;
	case PR_FAULT_FILE_HEADER:
		snprintf(text, text_len,
			 "The file header is damaged, so no record can be trusted. " WHAT_TO_DO);
		return;
	case PR_FAULT_CUT_SHORT:
	case PR_FAULT_UNREADABLE:
	case PR_FAULT_NONSENSE:
	case PR_FAULT_TOO_MANY:
	case PR_FAULT_TORN_TAIL:
		explain_counts(fault, report);
		return;
	}
}

/* ---- one change ---- */

/* Names come from initiators: nothing in them may act on a terminal. */
static void name_show(const char *name, char ret_shown[PR_INITIATOR_NAME_MAX + 1])
{
	size_t len = strnlen(name, PR_INITIATOR_NAME_MAX);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];
		ret_shown[i] = c < 0x20 || c == 0x7f ? '?' : name[i];
	}
	ret_shown[len] = '\0';
}

static void describe_add(const struct pr_change *change, char *ret_text, size_t text_len)
{
	const uint8_t *isid = change->nexus.isid;
	char name[PR_INITIATOR_NAME_MAX + 1];

	name_show(change->nexus.initiator_name, name);
	snprintf(ret_text, text_len,
		 "registered %s (ISID %02x%02x%02x%02x%02x%02x, port %u) with key 0x%016" PRIx64
		 " as registration %" PRIu64,
		 name, isid[0], isid[1], isid[2], isid[3], isid[4], isid[5],
		 (unsigned)change->nexus.relative_target_port_id, change->key,
		 change->registration_id);
}

static void describe_reserve(const struct pr_change *change, char *ret_text, size_t text_len)
{
	if (change->registration_id == 0)
		snprintf(ret_text, text_len, "reserved %s for all registrants",
			 pr_type_name(change->type));
	else
		snprintf(ret_text, text_len, "reserved %s for registration %" PRIu64,
			 pr_type_name(change->type), change->registration_id);
}

void pr_change_describe(const struct pr_change *change, char *ret_text, size_t text_len)
{
	switch (change->op) {
	case PR_CHANGE_ADD:
		describe_add(change, ret_text, text_len);
		return;
	case PR_CHANGE_REMOVE:
		snprintf(ret_text, text_len, "removed registration %" PRIu64,
			 change->registration_id);
		return;
	case PR_CHANGE_REMOVE_ALL:
		snprintf(ret_text, text_len, "removed every registration and the reservation");
		return;
	case PR_CHANGE_SET_KEY:
		snprintf(ret_text, text_len,
			 "changed the key of registration %" PRIu64 " to 0x%016" PRIx64,
			 change->registration_id, change->key);
		return;
	case PR_CHANGE_RESERVE:
		describe_reserve(change, ret_text, text_len);
		return;
	case PR_CHANGE_RELEASE:
		snprintf(ret_text, text_len, "released the reservation");
		return;
	case PR_CHANGE_APTPL:
		snprintf(ret_text, text_len, "turned persistence through power loss %s",
			 change->aptpl ? "on" : "off");
		return;
	case PR_CHANGE_NEXT_ID:
		snprintf(ret_text, text_len, "next registration is %" PRIu64,
			 change->registration_id);
		return;
	case PR_CHANGE_INVALID:
		break;
	}
	snprintf(ret_text, text_len, "unknown change");
}
