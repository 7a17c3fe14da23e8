/* Access rules: the command classes of the sheet's 4.2, typed in row by row, and the verdict. */
#include "tests/property/model.h"

#define ANY (-1)

struct class_row {
	uint8_t opcode;
	int16_t service_action;
	enum model_class class;
};

static const struct class_row rows[] = {
	/* any device type */
	{0x00, ANY, MODEL_CLASS_ALLOW}, /* TEST UNIT READY */
	{0x03, ANY, MODEL_CLASS_ALLOW}, /* REQUEST SENSE */
	{0x12, ANY, MODEL_CLASS_ALLOW}, /* INQUIRY */
	{0xa0, ANY, MODEL_CLASS_ALLOW}, /* REPORT LUNS */
	{0x4d, ANY, MODEL_CLASS_ALLOW}, /* LOG SENSE */
	{0x5e, ANY, MODEL_CLASS_ALLOW}, /* PERSISTENT RESERVE IN */
	{0x5f, ANY, MODEL_CLASS_PR_OUT},
	{0x16, ANY, MODEL_CLASS_RESERVE_RELEASE},
	{0x56, ANY, MODEL_CLASS_RESERVE_RELEASE},
	{0x17, ANY, MODEL_CLASS_RESERVE_RELEASE},
	{0x57, ANY, MODEL_CLASS_RESERVE_RELEASE},
	{0x86, ANY, MODEL_CLASS_ALLOW},	 /* ACCESS CONTROL IN */
	{0x87, ANY, MODEL_CLASS_ALLOW},	 /* ACCESS CONTROL OUT */
	{0xab, 0x01, MODEL_CLASS_ALLOW}, /* READ MEDIA SERIAL NUMBER */
	{0xa3, 0x05, MODEL_CLASS_ALLOW}, /* REPORT IDENTIFYING INFORMATION */
	{0xa3, 0x0a, MODEL_CLASS_ALLOW}, /* REPORT TARGET PORT GROUPS */
	{0xa3, 0x0b, MODEL_CLASS_ALLOW}, /* REPORT ALIASES */
	{0xa3, 0x0e, MODEL_CLASS_ALLOW}, /* REPORT PRIORITY */
	{0xa3, 0x0f, MODEL_CLASS_ALLOW}, /* REPORT TIMESTAMP */
	{0xa3, 0x0c, MODEL_CLASS_READ},	 /* REPORT SUPPORTED OPERATION CODES */
	{0xa3, 0x0d, MODEL_CLASS_READ},	 /* REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
	{0xa3, 0x10, MODEL_CLASS_READ},	 /* MANAGEMENT PROTOCOL IN */
	{0x1a, ANY, MODEL_CLASS_READ},	 /* MODE SENSE(6) */
	{0x5a, ANY, MODEL_CLASS_READ},	 /* MODE SENSE(10) */
	{0x1c, ANY, MODEL_CLASS_READ},	 /* RECEIVE DIAGNOSTIC RESULTS */
	{0x3c, ANY, MODEL_CLASS_READ},	 /* READ BUFFER(10) */
	{0x8c, ANY, MODEL_CLASS_READ},	 /* READ ATTRIBUTE */
	{0xa2, ANY, MODEL_CLASS_READ},	 /* SECURITY PROTOCOL IN */
	{0x84, ANY, MODEL_CLASS_ALLOW},	 /* RECEIVE COPY ... */
	{0x15, ANY, MODEL_CLASS_WRITE},	 /* MODE SELECT(6) */
	{0x55, ANY, MODEL_CLASS_WRITE},	 /* MODE SELECT(10) */
	{0x4c, ANY, MODEL_CLASS_WRITE},	 /* LOG SELECT */
	{0x1d, ANY, MODEL_CLASS_WRITE},	 /* SEND DIAGNOSTIC */
	{0x3b, ANY, MODEL_CLASS_WRITE},	 /* WRITE BUFFER */
	{0x8d, ANY, MODEL_CLASS_WRITE},	 /* WRITE ATTRIBUTE */
	{0xb5, ANY, MODEL_CLASS_WRITE},	 /* SECURITY PROTOCOL OUT */
	{0x83, 0x10, MODEL_CLASS_READ},	 /* POPULATE TOKEN */
	{0x83, ANY, MODEL_CLASS_WRITE}, /* EXTENDED COPY, COPY OPERATION ABORT, WRITE USING TOKEN */
	{0xa4, ANY, MODEL_CLASS_WRITE}, /* SET ..., CHANGE ALIASES, REMOVE I_T NEXUS */
	{0x7f, 0x1800, MODEL_CLASS_WRITE}, /* RECEIVE CREDENTIAL */
	/* disk */
	{0x08, ANY, MODEL_CLASS_READ},	   /* READ(6) */
	{0x28, ANY, MODEL_CLASS_READ},	   /* READ(10) */
	{0xa8, ANY, MODEL_CLASS_READ},	   /* READ(12) */
	{0x88, ANY, MODEL_CLASS_READ},	   /* READ(16) */
	{0x7f, 0x0009, MODEL_CLASS_READ},  /* READ(32) */
	{0x2f, ANY, MODEL_CLASS_READ},	   /* VERIFY(10) */
	{0xaf, ANY, MODEL_CLASS_READ},	   /* VERIFY(12) */
	{0x8f, ANY, MODEL_CLASS_READ},	   /* VERIFY(16) */
	{0x7f, 0x000a, MODEL_CLASS_READ},  /* VERIFY(32) */
	{0x34, ANY, MODEL_CLASS_READ},	   /* PRE-FETCH(10) */
	{0x90, ANY, MODEL_CLASS_READ},	   /* PRE-FETCH(16) */
	{0x37, ANY, MODEL_CLASS_READ},	   /* READ DEFECT DATA(10) */
	{0xb7, ANY, MODEL_CLASS_READ},	   /* READ DEFECT DATA(12) */
	{0x9e, 0x12, MODEL_CLASS_READ},	   /* GET LBA STATUS */
	{0x9e, 0x16, MODEL_CLASS_READ},	   /* GET STREAM STATUS */
	{0x9e, 0x17, MODEL_CLASS_READ},	   /* GET PHYSICAL ELEMENT STATUS */
	{0x25, ANY, MODEL_CLASS_ALLOW},	   /* READ CAPACITY(10) */
	{0x9e, 0x10, MODEL_CLASS_ALLOW},   /* READ CAPACITY(16) */
	{0x9e, 0x13, MODEL_CLASS_ALLOW},   /* REPORT REFERRALS */
	{0xa3, 0x1d, MODEL_CLASS_ALLOW},   /* REPORT PROVISIONING INITIALIZATION PATTERN */
	{0x0a, ANY, MODEL_CLASS_WRITE},	   /* WRITE(6) */
	{0x2a, ANY, MODEL_CLASS_WRITE},	   /* WRITE(10) */
	{0xaa, ANY, MODEL_CLASS_WRITE},	   /* WRITE(12) */
	{0x8a, ANY, MODEL_CLASS_WRITE},	   /* WRITE(16) */
	{0x7f, 0x000b, MODEL_CLASS_WRITE}, /* WRITE(32) */
	{0x2e, ANY, MODEL_CLASS_WRITE},	   /* WRITE AND VERIFY(10) */
	{0xae, ANY, MODEL_CLASS_WRITE},	   /* WRITE AND VERIFY(12) */
	{0x8e, ANY, MODEL_CLASS_WRITE},	   /* WRITE AND VERIFY(16) */
	{0x7f, 0x000c, MODEL_CLASS_WRITE}, /* WRITE AND VERIFY(32) */
	{0x41, ANY, MODEL_CLASS_WRITE},	   /* WRITE SAME(10) */
	{0x93, ANY, MODEL_CLASS_WRITE},	   /* WRITE SAME(16) */
	{0x7f, 0x000d, MODEL_CLASS_WRITE}, /* WRITE SAME(32) */
	{0x89, ANY, MODEL_CLASS_WRITE},	   /* COMPARE AND WRITE */
	{0x42, ANY, MODEL_CLASS_WRITE},	   /* UNMAP */
	{0x35, ANY, MODEL_CLASS_WRITE},	   /* SYNCHRONIZE CACHE(10) */
	{0x91, ANY, MODEL_CLASS_WRITE},	   /* SYNCHRONIZE CACHE(16) */
	{0x8b, ANY, MODEL_CLASS_WRITE},	   /* ORWRITE */
	{0x9c, ANY, MODEL_CLASS_WRITE},	   /* WRITE ATOMIC */
	{0x9f, 0x12, MODEL_CLASS_WRITE},   /* WRITE SCATTERED */
	{0x9a, ANY, MODEL_CLASS_WRITE},	   /* WRITE STREAM */
	{0x3f, ANY, MODEL_CLASS_WRITE},	   /* WRITE LONG(10) */
	{0x9f, 0x11, MODEL_CLASS_WRITE},   /* WRITE LONG(16) */
	{0x3e, ANY, MODEL_CLASS_WRITE},	   /* READ LONG(10) */
	{0x9e, 0x11, MODEL_CLASS_WRITE},   /* READ LONG(16) */
	{0x04, ANY, MODEL_CLASS_WRITE},	   /* FORMAT UNIT */
	{0x38, ANY, MODEL_CLASS_WRITE},	   /* FORMAT WITH PRESET */
	{0x48, ANY, MODEL_CLASS_WRITE},	   /* SANITIZE */
	{0x07, ANY, MODEL_CLASS_WRITE},	   /* REASSIGN BLOCKS */
	{0x9e, ANY, MODEL_CLASS_WRITE},	   /* STREAM CONTROL, BACKGROUND CONTROL, elements */
	{0x2b, ANY, MODEL_CLASS_WRITE},	   /* SEEK(10) */
	{0x0b, ANY, MODEL_CLASS_WRITE},	   /* SEEK(6) */
};

static bool service_action_is(const uint8_t *cdb, int16_t wanted)
{
	if (wanted == ANY)
		return true;
	if (cdb[0] == 0x7f)
		return cdb[8] * 256 + cdb[9] == wanted;
	return (cdb[1] & 0x1f) == wanted;
}

enum model_class model_class_of(const uint8_t *cdb)
{
	if (cdb[0] == 0x1b) { /* START STOP UNIT: START = 1, and no LOEJ, no POWER CONDITION */
		bool plain_start =
			(cdb[4] & 0x01) != 0 && (cdb[4] & 0x02) == 0 && (cdb[4] & 0xf0) == 0;
		return plain_start ? MODEL_CLASS_ALLOW : MODEL_CLASS_WRITE;
	}
	if (cdb[0] == 0x1e) /* PREVENT ALLOW MEDIUM REMOVAL */
		return (cdb[4] & 0x03) == 0 ? MODEL_CLASS_ALLOW : MODEL_CLASS_WRITE;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].opcode == cdb[0] && service_action_is(cdb, rows[i].service_action))
			return rows[i].class;
	return MODEL_CLASS_WRITE;
}

/* 5.2: what others may do while an SPC-2 reservation is in force. RELEASE is handled apart. */
bool model_spc2_allows(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case 0x12: /* INQUIRY */
	case 0x03: /* REQUEST SENSE */
	case 0xa0: /* REPORT LUNS */
	case 0x4d: /* LOG SENSE */
	case 0x25: /* READ CAPACITY(10) */
		return true;
	case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
		return (cdb[4] & 0x03) == 0;
	case 0x9e: /* READ CAPACITY(16) */
		return (cdb[1] & 0x1f) == 0x10;
	case 0xa3: /* REPORT TARGET PORT GROUPS */
		return (cdb[1] & 0x1f) == 0x0a;
	case 0xab: /* READ MEDIA SERIAL NUMBER */
		return (cdb[1] & 0x1f) == 0x01;
	default:
		return false;
	}
}

/* The decision function of 4.1, from "if no persistent reservation" on. */
bool model_refuses(const struct model *m, const struct model_identity *who, enum model_class class)
{
	if (m->type == 0 || class == MODEL_CLASS_ALLOW)
		return false;
	int mine = model_find(m, who);
	if (model_is_holder(m, mine))
		return false;
	if (m->type >= 5 && mine >= 0)
		return false;
	if ((m->type == 1 || m->type == 5 || m->type == 7) && class == MODEL_CLASS_READ)
		return false;
	return true;
}
