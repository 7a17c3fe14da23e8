/*
 * The tables of settings. docs/man/holdfast.conf.5.scd has an entry for each row, with its range
 * and default; a test holds the two together.
 */
#include "config/rows.h"

#include <assert.h>
#include <string.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define AT(type, field) .offset = offsetof(type, field), .width = sizeof(((type *)0)->field)

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1024) * KIB)
#define GIB (UINT64_C(1024) * MIB)

static const struct config_choice log_levels[] = {
	{"error", CONFIG_LOG_ERROR},
	{"warning", CONFIG_LOG_WARNING},
	{"info", CONFIG_LOG_INFO},
	{"debug", CONFIG_LOG_DEBUG},
	{NULL, 0},
};

static const struct config_choice damage_policies[] = {
	{"refuse-start", CONFIG_ON_DAMAGE_REFUSE_START},
	{"offline", CONFIG_ON_DAMAGE_OFFLINE},
	{NULL, 0},
};

static const struct config_choice disk_ios[] = {
	{"auto", CONFIG_DISK_IO_AUTO},
	{"io_uring", CONFIG_DISK_IO_URING},
	{"threads", CONFIG_DISK_IO_THREADS},
	{NULL, 0},
};

static const struct config_choice backings[] = {
	{"file", CONFIG_BACKING_FILE},
	{"memory", CONFIG_BACKING_MEMORY},
	{"null", CONFIG_BACKING_NULL},
	{NULL, 0},
};

static const struct config_choice block_sizes[] = {
	{"512", 512},
	{"4096", 4096},
	{NULL, 0},
};

static const struct config_row top_rows[] = {
	{.name = "state_dir",
	 .kind = CONFIG_KIND_PATH,
	 AT(struct config, state_dir),
	 .initial_text = "",
	 .initial_note =
		 "/var/lib/holdfast for root, else $XDG_STATE_HOME/holdfast, else ~/.local/state/holdfast",
	 .doc = "Directory for everything that outlives the process."},
	{.name = "threads",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config, threads),
	 .min = 0,
	 .max = 64,
	 .initial = 0,
	 .initial_note = "0: 1",
	 .doc = "Event loops: threads that serve sessions."},
	{.name = "workers",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config, workers),
	 .min = 0,
	 .max = 64,
	 .initial = 0,
	 .initial_note = "0: the number of cores, at most 8",
	 .doc = "Worker threads for disk access and journal commits."},
	{.name = "disk_io",
	 .kind = CONFIG_KIND_CHOICE,
	 AT(struct config, disk_io),
	 .choices = disk_ios,
	 .initial = CONFIG_DISK_IO_AUTO,
	 .doc = "Who waits for disks: the kernel by io_uring, or threads."},
	{.name = "log_level",
	 .kind = CONFIG_KIND_CHOICE,
	 AT(struct config, log_level),
	 .choices = log_levels,
	 .initial = CONFIG_LOG_INFO,
	 .doc = "How much is logged on standard error."},
	{.name = "on_damage",
	 .kind = CONFIG_KIND_CHOICE,
	 AT(struct config, on_damage),
	 .choices = damage_policies,
	 .initial = CONFIG_ON_DAMAGE_REFUSE_START,
	 .doc = "What happens when the reservation journal of a LUN is damaged."},
	{.name = "secrets",
	 .kind = CONFIG_KIND_PATH,
	 AT(struct config, secrets_path),
	 .initial_text = "",
	 .doc = "The file with the secrets of CHAP users."},
	{.name = "discovery_user",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config, discovery_user),
	 .max = 255,
	 .initial_text = "",
	 .doc = "CHAP user that an initiator must be to discover targets."},
	{.name = "discovery_mutual",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config, discovery_mutual),
	 .max = 255,
	 .initial_text = "",
	 .doc = "CHAP name that discovery proves itself with."},
	{.name = "personalities",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "the built-in ones",
	 .doc = "What LUNs can claim to be."},
	{.name = "trace_events",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config, trace_events),
	 .min = 64,
	 .max = 4194304,
	 .initial = 16384,
	 .doc = "Events that the trace keeps in memory, 64 bytes or more each."},
	{.name = "trace_pdus",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config, trace_pdus),
	 .initial = 0,
	 .doc = "The trace keeps the header of each PDU, too."},
	{.name = "faults",
	 .kind = CONFIG_KIND_TEXTS,
	 .initial_note = "none",
	 .doc = "Rules that make the target misbehave on purpose."},
	{.name = "portals",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "one portal, 127.0.0.1:3260, in group 1",
	 .doc = "Where connections come in."},
	{.name = "targets",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "one target with one LUN",
	 .doc = "What is served."},
	{.name = "limits",
	 .kind = CONFIG_KIND_GROUP,
	 .initial_note = "every limit's own",
	 .doc = "What one initiator, or all of them, may use up."},
	{.name = "policy",
	 .kind = CONFIG_KIND_GROUP,
	 .initial_note = "every key's own",
	 .doc = "What the target wants in login negotiation."},
};

static const struct config_row portal_rows[] = {
	{.name = "address",
	 .kind = CONFIG_KIND_ADDRESS,
	 AT(struct config_portal, address),
	 .initial_text = CONFIG_DEFAULT_PORTAL,
	 .doc = "Numeric address and port."},
	{.name = "advertise",
	 .kind = CONFIG_KIND_ADDRESS,
	 AT(struct config_portal, advertise),
	 .initial_text = "",
	 .doc = "Address and port that discovery tells initiators instead."},
	{.name = "group",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_portal, group),
	 .min = 1,
	 .max = 65535,
	 .initial = 1,
	 .doc = "Portal group tag, and with it the relative target port identifier."},
};

static const struct config_row target_rows[] = {
	{.name = "name",
	 .kind = CONFIG_KIND_NAME,
	 AT(struct config_target, name),
	 .initial_text = CONFIG_DEFAULT_TARGET_NAME,
	 .doc = "iSCSI name."},
	{.name = "alias",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_target, alias),
	 .max = 255,
	 .initial_text = "",
	 .doc = "TargetAlias, for people."},
	{.name = "portal_groups",
	 .kind = CONFIG_KIND_TAGS,
	 .min = 1,
	 .max = 65535,
	 .initial_note = "every group that a portal has",
	 .doc = "Portal group tags through which the target is reached."},
	{.name = "initiators",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "any initiator may log in",
	 .doc = "The initiators that may log in."},
	{.name = "user",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_target, user),
	 .max = 255,
	 .initial_text = "",
	 .doc = "CHAP user that an initiator must be to log in."},
	{.name = "mutual",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_target, mutual),
	 .max = 255,
	 .initial_text = "",
	 .doc = "CHAP name that the target proves itself with."},
	{.name = "moved_to",
	 .kind = CONFIG_KIND_ADDRESS,
	 AT(struct config_target, moved_to),
	 .initial_text = "",
	 .doc = "Address and port that logins are sent on to."},
	{.name = "moved_permanently",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_target, moved_permanently),
	 .initial = 0,
	 .doc = "Whether the target has moved for good."},
	{.name = "observe",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_target, observe),
	 .initial = 0,
	 .doc = "Whether what initiators send is judged."},
	{.name = "luns",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "one LUN with number 0",
	 .doc = "The logical units."},
};

static const struct config_row initiator_rows[] = {
	{.name = "name",
	 .kind = CONFIG_KIND_NAME,
	 AT(struct config_initiator, name),
	 .initial_text = "",
	 .initial_note = "none: it must be there",
	 .doc = "iSCSI name of the initiator."},
	{.name = "user",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_initiator, user),
	 .max = 255,
	 .initial_text = "",
	 .initial_note = "the user of the target",
	 .doc = "CHAP user that this initiator must be."},
	{.name = "luns",
	 .kind = CONFIG_KIND_LUNS,
	 .max = CONFIG_LUNS_MAX - 1,
	 .initial_note = "all of them",
	 .doc = "Numbers of the LUNs that this initiator sees."},
};

static const struct config_row lun_rows[] = {
	{.name = "number",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_lun, number),
	 .min = 0,
	 .max = CONFIG_LUNS_MAX - 1,
	 .initial_note = "its place in the list, from 0",
	 .doc = "Logical unit number."},
	{.name = "backing",
	 .kind = CONFIG_KIND_CHOICE,
	 AT(struct config_lun, backing),
	 .choices = backings,
	 .initial = CONFIG_BACKING_FILE,
	 .doc = "What holds the blocks."},
	{.name = "path",
	 .kind = CONFIG_KIND_PATH,
	 AT(struct config_lun, path),
	 .initial_text = "",
	 .initial_note = "disks/TARGET/lunN.img in the state directory",
	 .doc = "The file of a file backing."},
	{.name = "size",
	 .kind = CONFIG_KIND_SIZE,
	 AT(struct config_lun, size),
	 .min = CONFIG_SIZE_MIN,
	 .max = CONFIG_SIZE_MAX,
	 .initial = 0,
	 .initial_note = "the size that the file has, else 1G",
	 .doc = "Capacity in bytes."},
	{.name = "block_size",
	 .kind = CONFIG_KIND_CHOICE,
	 AT(struct config_lun, block_size),
	 .choices = block_sizes,
	 .initial = 512,
	 .doc = "Logical block length in bytes."},
	{.name = "physical_exponent",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_lun, physical_exponent),
	 .min = 0,
	 .max = 15,
	 .initial = 3,
	 .initial_note = "3 with block_size 512, else 0",
	 .doc = "Logical blocks per physical block, as a power of two."},
	{.name = "profile",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_lun, profile),
	 .min = 1,
	 .max = CONFIG_PROFILE_NAME_MAX,
	 .initial_text = "dlt-s4",
	 .doc = "The personality: what the LUN offers in persistent reservations, and who it says it is."},
	{.name = "read_only",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, read_only),
	 .doc = "Write protected."},
	{.name = "removable",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, removable),
	 .doc = "Says that its medium is removable."},
	{.name = "thin",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, thin),
	 .initial = 1,
	 .doc = "Thin provisioned: UNMAP gives space back."},
	{.name = "write_same_to_end",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, write_same_to_end),
	 .doc = "WRITE SAME of zero blocks goes to the end of the disk."},
	{.name = "atomic_granularity",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_lun, atomic_granularity),
	 .min = 1,
	 .max = 16,
	 .initial = 1,
	 .doc = "Blocks that a WRITE ATOMIC has to be aligned to, and to consist of."},
	{.name = "erase_rate",
	 .kind = CONFIG_KIND_SIZE,
	 AT(struct config_lun, erase_rate),
	 .min = 0,
	 .max = 1024 * GIB,
	 .initial = 0,
	 .initial_note = "0: as fast as it goes",
	 .doc = "Bytes a second that SANITIZE and FORMAT UNIT work through."},
	{.name = "write_cache",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, write_cache),
	 .initial = 1,
	 .doc = "WCE at start."},
	{.name = "tas",
	 .kind = CONFIG_KIND_BOOL,
	 AT(struct config_lun, tas),
	 .initial_note = "the personality's, which is false for `dlt-s4` and `spc4`",
	 .doc = "TASK ABORTED STATUS at start."},
	{.name = "vendor",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_lun, vendor),
	 .min = 1,
	 .max = 8,
	 .initial_text = "HOLDFAST",
	 .initial_note = "the personality's, which is `HOLDFAST` for `dlt-s4` and `spc4`",
	 .doc = "T10 vendor identification."},
	{.name = "product",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_lun, product),
	 .min = 1,
	 .max = 16,
	 .initial_text = "VIRTUAL DISK",
	 .initial_note = "the personality's, which is `VIRTUAL DISK` for `dlt-s4` and `spc4`",
	 .doc = "Product identification."},
	{.name = "revision",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_lun, revision),
	 .min = 1,
	 .max = 4,
	 .initial_text = "0100",
	 .initial_note = "the personality's, which is `0100` for `dlt-s4` and `spc4`",
	 .doc = "Product revision level."},
	{.name = "serial",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_lun, serial),
	 .max = 32,
	 .initial_text = "",
	 .initial_note = "made from the instance, the target name and the LUN",
	 .doc = "Unit serial number."},
	{.name = "max_registrations",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_lun, max_registrations),
	 .min = 1,
	 .max = 65536,
	 .initial = 16384,
	 .doc = "Registered I_T nexuses."},
	{.name = "history",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_lun, history),
	 .min = 0,
	 .max = 4096,
	 .initial = 1024,
	 .doc = "Journal records kept over a compaction."},
	{.name = "max_transfer",
	 .kind = CONFIG_KIND_SIZE,
	 AT(struct config_lun, max_transfer),
	 .min = 64 * KIB,
	 .max = 64 * MIB,
	 .initial = 8 * MIB,
	 .doc = "Bytes that one command may move."},
};

#define LIMIT(field) .name = #field, AT(struct config_limits, field)

static const struct config_row limit_rows[] = {
	{LIMIT(sessions_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535, .initial = 4096,
	 .doc = "Sessions at a time; discovery may have half of them."},
	{LIMIT(sessions_per_initiator_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535,
	 .initial = 256, .doc = "Sessions of one initiator name and CHAP user."},
	{LIMIT(connections_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535,
	 .initial = 16384, .doc = "Connections at a time, logged in or not."},
	{LIMIT(logins_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535, .initial = 1024,
	 .doc = "Connections that have not finished login."},
	{LIMIT(login_timeout_ms), .kind = CONFIG_KIND_NUMBER, .min = 100, .max = 600000,
	 .initial = 15000, .doc = "Time for a whole login, in milliseconds."},
	{LIMIT(login_pdus_max), .kind = CONFIG_KIND_NUMBER, .min = 4, .max = 1024, .initial = 32,
	 .doc = "PDUs in one login."},
	{LIMIT(login_text_max), .kind = CONFIG_KIND_SIZE, .min = 8 * KIB, .max = 16 * MIB,
	 .initial = 16 * KIB, .doc = "Bytes of text in one login request."},
	{LIMIT(command_window), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 4096, .initial = 128,
	 .doc = "Commands of one session that may be under way (the CmdSN window)."},
	{LIMIT(immediate_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 4096, .initial = 8,
	 .doc = "Immediate commands of one connection under way."},
	{LIMIT(nop_interval_ms), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 3600000,
	 .initial = 10000,
	 .doc = "Silence after which the target pings, in milliseconds; 0: never."},
	{LIMIT(nop_timeout_ms), .kind = CONFIG_KIND_NUMBER, .min = 100, .max = 3600000,
	 .initial = 10000, .doc = "How long an answer to that may take, in milliseconds."},
	{LIMIT(data_out_timeout_ms), .kind = CONFIG_KIND_NUMBER, .min = 100, .max = 3600000,
	 .initial = 60000, .doc = "How long a write waits for its data, in milliseconds."},
	{LIMIT(recovery_ms), .kind = CONFIG_KIND_NUMBER, .min = 100, .max = 600000, .initial = 5000,
	 .doc = "Silence after which lost data is asked for again, in milliseconds."},
	{LIMIT(unacked_max), .kind = CONFIG_KIND_SIZE, .min = 64 * KIB, .max = 64 * GIB,
	 .initial = 16 * MIB, .doc = "Bytes kept for one connection until they are acknowledged."},
	{LIMIT(abort_wait_ms), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 60000, .initial = 1000,
	 .doc = "How long task management waits for what is on its way, in milliseconds."},
	{LIMIT(send_stall_ms), .kind = CONFIG_KIND_NUMBER, .min = 100, .max = 3600000,
	 .initial = 30000,
	 .doc = "How long a connection may take no byte of what is sent, in milliseconds."},
	{LIMIT(session_data_max), .kind = CONFIG_KIND_SIZE, .min = 64 * KIB, .max = 64 * GIB,
	 .initial = 64 * MIB, .doc = "Bytes of write data in memory for one session."},
	{LIMIT(session_read_max), .kind = CONFIG_KIND_SIZE, .min = 64 * KIB, .max = 64 * GIB,
	 .initial = 64 * MIB, .doc = "Bytes of read data in memory for one session."},
	{LIMIT(data_max), .kind = CONFIG_KIND_SIZE, .min = MIB, .max = 1024 * GIB, .initial = GIB,
	 .doc = "Bytes of data in memory for all sessions together."},
	{LIMIT(poll_us), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 1000, .initial = 0,
	 .doc = "How long a loop looks for more work before it sleeps, in microseconds."},
	{LIMIT(send_queue_max), .kind = CONFIG_KIND_SIZE, .min = 64 * KIB, .max = 64 * GIB,
	 .initial = 4 * MIB, .doc = "Bytes queued to one connection before it is read no more."},
	{LIMIT(rejects_max), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535, .initial = 256,
	 .doc = "Rejects within a minute before a connection is dropped."},
};

#define POLICY(field) .name = #field, AT(struct config_policy, field)

static const struct config_row policy_rows[] = {
	{POLICY(max_connections), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 8, .initial = 1,
	 .doc = "MaxConnections."},
	{POLICY(initial_r2t), .kind = CONFIG_KIND_BOOL, .initial = 0, .doc = "InitialR2T."},
	{POLICY(immediate_data), .kind = CONFIG_KIND_BOOL, .initial = 1, .doc = "ImmediateData."},
	{POLICY(max_burst_len), .kind = CONFIG_KIND_SIZE, .min = 512, .max = 16777215,
	 .initial = 1 * MIB, .doc = "MaxBurstLength, in bytes."},
	{POLICY(first_burst_len), .kind = CONFIG_KIND_SIZE, .min = 512, .max = 16777215,
	 .initial = 256 * KIB, .doc = "FirstBurstLength, in bytes."},
	{POLICY(max_recv_data_segment_len), .kind = CONFIG_KIND_SIZE, .min = 512, .max = 16777215,
	 .initial = 256 * KIB, .doc = "MaxRecvDataSegmentLength that the target declares."},
	{POLICY(max_outstanding_r2t), .kind = CONFIG_KIND_NUMBER, .min = 1, .max = 65535,
	 .initial = 8, .doc = "MaxOutstandingR2T."},
	{POLICY(data_pdu_in_order), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "DataPDUInOrder."},
	{POLICY(data_sequence_in_order), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "DataSequenceInOrder."},
	{POLICY(error_recovery_level), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 2, .initial = 0,
	 .doc = "ErrorRecoveryLevel."},
	{POLICY(default_time2wait), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 3600, .initial = 2,
	 .doc = "DefaultTime2Wait, in seconds."},
	{POLICY(default_time2retain), .kind = CONFIG_KIND_NUMBER, .min = 0, .max = 3600,
	 .initial = 0, .doc = "DefaultTime2Retain, in seconds."},
	{POLICY(header_digest_crc32c), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "Accept CRC32C as HeaderDigest."},
	{POLICY(data_digest_crc32c), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "Accept CRC32C as DataDigest."},
	{POLICY(chap_md5), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "Accept MD5 as the digest of CHAP."},
	{POLICY(chap_sha1), .kind = CONFIG_KIND_BOOL, .initial = 1,
	 .doc = "Accept SHA-1 as the digest of CHAP."},
	{POLICY(strict), .kind = CONFIG_KIND_BOOL, .initial = 0,
	 .doc = "Refuse what RFC 7143 forbids but initiators do."},
};

const struct config_group config_groups[CONFIG_GROUP_COUNT] = {
	[CONFIG_GROUP_TOP] = {"", "the top level", top_rows, COUNT(top_rows)},
	[CONFIG_GROUP_PERSONALITY] = {"personalities", "a personality", config_personality_rows,
				      CONFIG_PERSONALITY_ROWS},
	[CONFIG_GROUP_OVERRIDE] = {"bytes", "overridden bytes", config_override_rows,
				   CONFIG_OVERRIDE_ROWS},
	[CONFIG_GROUP_PORTAL] = {"portals", "a portal", portal_rows, COUNT(portal_rows)},
	[CONFIG_GROUP_TARGET] = {"targets", "a target", target_rows, COUNT(target_rows)},
	[CONFIG_GROUP_LUN] = {"luns", "a lun", lun_rows, COUNT(lun_rows)},
	[CONFIG_GROUP_INITIATOR] = {"initiators", "an initiator", initiator_rows,
				    COUNT(initiator_rows)},
	[CONFIG_GROUP_LIMITS] = {"limits", "limits", limit_rows, COUNT(limit_rows)},
	[CONFIG_GROUP_POLICY] = {"policy", "policy", policy_rows, COUNT(policy_rows)},
};

const struct config_row *config_group_find(const struct config_group *group, const char *name)
{
	for (size_t i = 0; i < group->count; i++) {
		if (strcmp(group->rows[i].name, name) == 0)
			return &group->rows[i];
	}
	return NULL;
}

uint64_t config_row_get_number(const struct config_row *row, const void *values)
{
	const char *at = (const char *)values + row->offset;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (row->width) {
	case sizeof(u8):
		memcpy(&u8, at, sizeof(u8));
		return u8;
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		assert(row->width == sizeof(u64));
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

void config_row_set_number(const struct config_row *row, void *values, uint64_t number)
{
	char *at = (char *)values + row->offset;
	uint8_t u8 = (uint8_t)number;
	uint16_t u16 = (uint16_t)number;
	uint32_t u32 = (uint32_t)number;

	switch (row->width) {
	case sizeof(u8):
		memcpy(at, &u8, sizeof(u8));
		break;
	case sizeof(u16):
		memcpy(at, &u16, sizeof(u16));
		break;
	case sizeof(u32):
		memcpy(at, &u32, sizeof(u32));
		break;
	default:
		assert(row->width == sizeof(number));
		memcpy(at, &number, sizeof(number));
		break;
	}
}

static void config_row_default(const struct config_row *row, void *values)
{
	char *at = (char *)values + row->offset;
	bool on = row->initial != 0;

	switch (row->kind) {
	case CONFIG_KIND_BOOL:
		memcpy(at, &on, sizeof(on));
		break;
	case CONFIG_KIND_NUMBER:
	case CONFIG_KIND_SIZE:
	case CONFIG_KIND_CHOICE:
		config_row_set_number(row, values, row->initial);
		break;
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_PATH:
	case CONFIG_KIND_NAME:
	case CONFIG_KIND_ADDRESS:
		assert(strlen(row->initial_text) < row->width);
		memcpy(at, row->initial_text, strlen(row->initial_text) + 1);
		break;
	case CONFIG_KIND_TAGS:
	case CONFIG_KIND_LUNS:
	case CONFIG_KIND_SET:
	case CONFIG_KIND_TEXTS:
	case CONFIG_KIND_GROUP:
	case CONFIG_KIND_LIST:
	case CONFIG_KIND_INVALID:
		break;
	}
}

void config_group_defaults(const struct config_group *group, void *values)
{
	for (size_t i = 0; i < group->count; i++)
		config_row_default(&group->rows[i], values);
}

const char *config_choice_name(const struct config_choice *choices, uint32_t value)
{
	for (; choices->name; choices++) {
		if (choices->value == value)
			return choices->name;
	}
	return NULL;
}

bool config_choice_value(const struct config_choice *choices, const char *name, uint32_t *ret_value)
{
	for (; choices->name; choices++) {
		if (strcmp(choices->name, name) == 0) {
			*ret_value = choices->value;
			return true;
		}
	}
	return false;
}

const char *config_backing_name(enum config_backing backing)
{
	const char *name = config_choice_name(backings, backing);
	return name ? name : "?";
}

bool config_parse_log_level(const char *text, uint32_t *ret_level)
{
	return config_choice_value(log_levels, text, ret_level);
}

bool config_parse_disk_io(const char *text, uint32_t *ret_disk_io)
{
	return config_choice_value(disk_ios, text, ret_disk_io);
}
