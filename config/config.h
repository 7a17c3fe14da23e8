/*
 * The configuration: from a file (libconfig syntax) to plain structs in which every value has been
 * checked.
 *
 * Every setting is one row of a table (rows*.c): name, kind, range, default, what it means.
 * Reading, checking, printing and the test of the man page all go by those rows. config stands
 * alone: it knows nothing of the other rooms, so the structs here are its own.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_PATH_MAX		 1024 /* bytes, with the NUL */
#define CONFIG_NAME_MAX		 223 /* bytes of an iSCSI name, without the NUL (RFC 7143 4.2.7.1) */
#define CONFIG_ADDRESS_MAX	 64  /* bytes of "[IPv6]:port", with the NUL */
#define CONFIG_TARGETS_MAX	 256
#define CONFIG_LUNS_MAX		 256
#define CONFIG_SIZE_MIN		 (UINT64_C(1) << 20) /* bytes of a LUN */
#define CONFIG_SIZE_MAX		 (UINT64_C(1) << 62)
#define CONFIG_PORTALS_MAX	 64
#define CONFIG_PORTAL_GROUPS_MAX 16 /* different portal group tags */
#define CONFIG_FAULTS_MAX	 512
#define CONFIG_INITIATORS_MAX	 1024	    /* in the list of one target */
#define CONFIG_FILE_MAX		 (1u << 20) /* bytes of a configuration file */

#define CONFIG_DEFAULT_TARGET_NAME "iqn.2026-11.io.holdfast:disk"
#define CONFIG_DEFAULT_PORTAL	   "127.0.0.1:3260"
#define CONFIG_DEFAULT_SIZE	   (UINT64_C(1) << 30) /* bytes of a disk that nobody sized */

enum config_log_level {
	CONFIG_LOG_ERROR = 0,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG,
};

enum config_disk_io {
	CONFIG_DISK_IO_AUTO = 0, /* io_uring where the kernel lets us */
	CONFIG_DISK_IO_URING,
	CONFIG_DISK_IO_THREADS,
};

enum config_on_damage {
	CONFIG_ON_DAMAGE_REFUSE_START = 0,
	CONFIG_ON_DAMAGE_OFFLINE,
};

enum config_backing {
	CONFIG_BACKING_INVALID = 0,
	CONFIG_BACKING_FILE,
	CONFIG_BACKING_MEMORY,
	CONFIG_BACKING_NULL,
};

#define CONFIG_PROFILE_NAME_MAX	 31 /* characters of the name of a personality */
#define CONFIG_PERSONALITIES_MAX 64
#define CONFIG_OVERRIDES_MAX	 32 /* of one personality */
#define CONFIG_OVERRIDE_LEN_MAX	 64 /* bytes of one override */

/* As PERSISTENT RESERVE OUT establishes them. */
enum config_unit_attention {
	CONFIG_UNIT_ATTENTION_NONE = 0,
	CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED,
	CONFIG_UNIT_ATTENTION_RESERVATIONS_RELEASED,
	CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,
};

enum config_override_data {
	CONFIG_OVERRIDE_NONE = 0,
	CONFIG_OVERRIDE_INQUIRY,
	CONFIG_OVERRIDE_VPD,
	CONFIG_OVERRIDE_MODE,
};

/* Bytes that stand in INQUIRY data, a VPD page or a mode page instead of Holdfast's. */
struct config_override {
	char page[16];				     /* "inquiry", "vpd:83", "mode:0a,01" */
	uint16_t offset;			     /* bytes, from the start of the page */
	char bytes[3 * CONFIG_OVERRIDE_LEN_MAX + 1]; /* hexadecimal */
	/* What `page` and `bytes` stand for. */
	enum config_override_data data;
	uint8_t code, subpage;
	uint8_t len;
	uint8_t values[CONFIG_OVERRIDE_LEN_MAX];
	uint32_t line;
};

/* What a LUN claims to be, by the names of struct pr_profile. */
struct config_personality {
	char name[CONFIG_PROFILE_NAME_MAX + 1];
	char base[CONFIG_PROFILE_NAME_MAX + 1]; /* every value it does not give is that one's */
	uint32_t types;				/* bit n: type n */
	uint32_t in_actions, out_actions;	/* bit n: service action n */
	bool specify_initiator_ports;
	bool all_target_ports;
	bool compatible_handling;
	bool persist_through_power_loss;
	uint8_t allow_commands;
	uint32_t preempt_unit_attention; /* enum config_unit_attention */
	uint32_t clear_unit_attention;	 /* likewise */
	bool preempt_removes_own_key;
	bool preempt_always_checks_type;
	bool preempt_of_key_0_conflicts;
	bool tas_changeable;
	/* The defaults of its LUNs. */
	bool tas;
	char vendor[9];
	char product[17];
	char revision[5];
	struct config_override *overrides; /* the base's first */
	uint32_t override_count;
	uint32_t own_override_count; /* those that are not the base's */
	uint32_t line;		     /* of the file; 0: built in */
};

struct config_portal {
	char address[CONFIG_ADDRESS_MAX];   /* canonical: "127.0.0.1:3260", "[::1]:3260" */
	char advertise[CONFIG_ADDRESS_MAX]; /* empty: address; port 0: the port of address */
	uint16_t group;			    /* portal group tag, 1.. */
	uint32_t line;			    /* of the file, for errors; 0: not from a file */
};

struct config_lun {
	uint16_t number;
	uint32_t backing;	    /* enum config_backing */
	char path[CONFIG_PATH_MAX]; /* file only; empty: in the state directory */
	uint64_t size; /* bytes; 0: the size that the file has, else CONFIG_DEFAULT_SIZE */
	uint32_t block_size;
	uint8_t physical_exponent;
	char profile[CONFIG_PROFILE_NAME_MAX + 1]; /* the name of a personality */
	bool read_only;
	bool removable;
	bool thin;
	bool write_same_to_end;
	uint8_t atomic_granularity; /* blocks */
	uint64_t erase_rate;	    /* bytes a second; 0: as fast as it goes */
	bool write_cache;
	bool tas;
	char vendor[9];
	char product[17];
	char revision[5];
	char serial[33];
	uint32_t max_registrations;
	uint32_t history;      /* journal records kept over compaction */
	uint32_t max_transfer; /* bytes */
	uint32_t line;	       /* of the file, or 0 */
};

/* An initiator of a target's list. */
struct config_initiator {
	char name[CONFIG_NAME_MAX + 1];	   /* canonical */
	char user[256];			   /* its CHAP user; empty: the target's */
	bool masked;			   /* it sees the LUNs of `luns` alone */
	uint8_t luns[CONFIG_LUNS_MAX / 8]; /* a bit each */
	uint32_t line;
};

struct config_target {
	char name[CONFIG_NAME_MAX + 1]; /* canonical: lower case */
	char alias[256];
	uint16_t portal_groups[CONFIG_PORTAL_GROUPS_MAX]; /* group tags it is reachable through */
	uint32_t portal_group_count;			  /* 0: all that the portals have */
	struct config_lun *luns;
	uint32_t lun_count;
	char user[256];	  /* CHAP user of who has none of its own; empty: none needed */
	char mutual[256]; /* whose secret proves the target; empty: nobody's */
	char moved_to[CONFIG_ADDRESS_MAX]; /* empty: it is here */
	bool moved_permanently;
	bool observe; /* what initiators send is judged */
	struct config_initiator *initiators;
	uint32_t initiator_count; /* 0: anybody may come */
	uint32_t line;
};

/* The limits of the iSCSI side, by the names of struct iscsi_limits. */
struct config_limits {
	uint32_t sessions_max;
	uint32_t sessions_per_initiator_max;
	uint32_t connections_max;
	uint32_t logins_max;
	uint32_t login_timeout_ms;
	uint32_t login_pdus_max;
	uint32_t login_text_max;
	uint32_t command_window;
	uint32_t immediate_max;
	uint32_t nop_interval_ms;
	uint32_t nop_timeout_ms;
	uint32_t data_out_timeout_ms;
	uint32_t recovery_ms;
	uint64_t unacked_max;
	uint32_t abort_wait_ms;
	uint32_t send_stall_ms;
	uint64_t session_data_max;
	uint64_t session_read_max;
	uint64_t data_max;
	uint32_t poll_us;
	uint64_t send_queue_max;
	uint32_t rejects_max;
};

/* What login negotiates, by the names of struct iscsi_policy. */
struct config_policy {
	uint32_t max_connections;
	bool initial_r2t;
	bool immediate_data;
	uint32_t max_burst_len;
	uint32_t first_burst_len;
	uint32_t max_recv_data_segment_len;
	uint32_t max_outstanding_r2t;
	bool data_pdu_in_order;
	bool data_sequence_in_order;
	uint32_t error_recovery_level;
	uint32_t default_time2wait;
	uint32_t default_time2retain;
	bool header_digest_crc32c;
	bool data_digest_crc32c;
	bool chap_md5;
	bool chap_sha1;
	bool strict;
};

struct config_secrets; /* config/secrets.h */

/* What it means is holdfast-faults(7)'s to know: config has only its text. */
struct config_fault {
	char *rule;
	uint32_t line; /* in the file */
};

struct config {
	char state_dir[CONFIG_PATH_MAX];	  /* empty: the default of holdfastd(8) */
	uint32_t threads;			  /* event loops; 0: one */
	uint32_t workers;			  /* 0: the number of cores, at most 8 */
	uint32_t log_level;			  /* enum config_log_level */
	uint32_t on_damage;			  /* enum config_on_damage */
	uint32_t disk_io;			  /* enum config_disk_io */
	bool mapped_writes;			  /* small ones of files */
	struct config_personality *personalities; /* beside the built-in ones */
	uint32_t personality_count;
	uint32_t trace_events; /* kept in memory */
	bool trace_pdus;       /* their headers too */
	struct config_portal *portals;
	uint32_t portal_count;
	struct config_target *targets;
	uint32_t target_count;
	char secrets_path[CONFIG_PATH_MAX]; /* empty: there is no secrets file */
	char discovery_user[256], discovery_mutual[256];
	struct config_secrets *secrets; /* what is in that file, or NULL */
	struct config_fault *faults;	/* in the order of the file */
	uint32_t fault_count;
	struct config_limits limits;
	struct config_policy policy;
};

/* Is told of each thing that is wrong: one line of text, without a newline. */
typedef void (*config_report)(void *context, const char *problem);

/*
 * All three give a whole configuration in which every value is there and sensible, or NULL after
 * everything that is wrong (not only the first thing) has been reported. `name` stands for the file
 * in reports; relative paths in the text are taken from the directory of that file.
 */
struct config *config_load_file(const char *path, config_report report, void *context);
struct config *config_load_text(const char *text, const char *name, config_report report,
				void *context);
/* What is served when nobody configured anything: one disk on CONFIG_DEFAULT_PORTAL. */
struct config *config_load_builtin(config_report report, void *context);

void config_free(struct config **config);

/*
 * What the values must be to each other: nothing twice, sizes that are multiples of blocks, portal
 * groups that exist. The load functions have done this; for whoever changes values afterwards. True
 * when nothing was reported.
 */
bool config_check(const struct config *config, const char *name, config_report report,
		  void *context);

/* A setting of a LUN by itself: "size", "64M". */
struct config_setting_text {
	const char *name, *value;
};

/*
 * A LUN that no file has, with these settings and the defaults for the others; paths must be
 * absolute, and its personality one of `config`'s. False after everything that is wrong has been
 * reported.
 */
bool config_load_lun(const struct config *config, uint16_t number,
		     const struct config_setting_text *settings, uint32_t count,
		     config_report report, void *context, struct config_lun *ret_lun);

/* The built-in personalities, and those of a configuration. NULL: none has that name. */
const struct config_personality *config_personality_builtin(uint32_t index);
const struct config_personality *config_personality_find(const struct config *config,
							 const char *name);
/* Makes a LUN be that: what it had from its personality comes from the new one. */
void config_lun_set_profile(const struct config *config, struct config_lun *lun, const char *name);

/* A target's LUN of that number, or NULL. */
struct config_lun *config_find_lun(struct config_target *target, uint16_t number);
/* Puts a LUN into the place of the one of that number, or behind all others. False: no memory. */
bool config_put_lun(struct config_target *target, const struct config_lun *lun);
void config_drop_lun(struct config_target *target, uint16_t number);

/* The personalities alone, as a file has them. */
void config_print_personalities(const struct config *config, FILE *out);
/* The whole configuration, every setting with its value, as a file that loads to the same. */
void config_print(const struct config *config, FILE *out);

/* "512", "64K", "1G": bytes, with the binary suffixes K, M, G, T. False when it is not a size. */
bool config_parse_size(const char *text, uint64_t *ret_bytes);

/* "127.0.0.1", "127.0.0.1:0", "[::1]:3260", "::1": numeric only; the port is 3260 unless given. */
bool config_parse_address(const char *text, char ret_canonical[CONFIG_ADDRESS_MAX]);

/*
 * Is it an iSCSI name (RFC 7143 4.2.7, RFC 3722), of ASCII characters? Upper case is mapped to
 * lower. NULL when it is, else a phrase that says what is wrong.
 */
const char *config_parse_name(const char *text, char ret_canonical[CONFIG_NAME_MAX + 1]);

/* Replaces all portals. False when there is no memory. */
bool config_set_portals(struct config *config, const struct config_portal *portals, uint32_t count);

/* The portal group tags of all portals, each once, in the order they appear; returns how many. */
uint32_t config_portal_groups(const struct config *config,
			      uint16_t ret_groups[CONFIG_PORTAL_GROUPS_MAX]);

const char *config_backing_name(enum config_backing backing);

/* For command lines: the value that a name stands for. False when there is none such. */
bool config_parse_log_level(const char *text, uint32_t *ret_level);
bool config_parse_disk_io(const char *text, uint32_t *ret_disk_io);

#endif
