/*
 * A scripted initiator and its target, PDU by PDU, in front of an observer.
 */
#ifndef TESTS_UNIT_TRANSPORT_OBSERVER_SCRIPT_H
#define TESTS_UNIT_TRANSPORT_OBSERVER_SCRIPT_H

#include "transport/observer.h"

#define SCRIPT_INITIATOR "iqn.2026-11.io.holdfast:tester"
#define SCRIPT_TARGET	 "iqn.2026-11.io.holdfast:disk"
#define SCRIPT_NAMES	 "InitiatorName=" SCRIPT_INITIATOR "\nTargetName=" SCRIPT_TARGET "\n"

struct script {
	struct iscsi_observer *observer;
	struct iscsi_watch *watch; /* the connection at hand */
	struct iscsi_params params;
	uint64_t now_ms;
	uint8_t isid[6];
	uint16_t tsih, cid, portal_group; /* tsih: 0 to lead, else to join */
	uint32_t itt;			  /* the next one */
	uint32_t cmd_sn;
	uint32_t stat_sn; /* of the target's next status */
	uint32_t max_cmd_sn;
	enum iscsi_seen_state state; /* of PDUs that are received */
	const uint8_t *padding;
};

void script_init(struct script *script);
void script_finish(struct script *script);

/* A new connection; the one at hand is left as it is. */
void script_connect(struct script *script);

/* Raw PDUs; the lengths are filled in. */
void script_receive(struct script *script, uint8_t *bhs, const void *data, uint32_t len);
void script_receive_ahs(struct script *script, uint8_t *bhs, const uint8_t *ahs, uint32_t ahs_len);
void script_send(struct script *script, uint8_t *bhs, const void *data, uint32_t len);

/* --- login: lines end with \n here, with NUL on the wire -------------------------------------- */

/* From the operational stage into full feature phase. */
struct iscsi_login_request script_login_request(const struct script *script);
void script_say_login(struct script *script, const struct iscsi_login_request *request,
		      const char *text);
/* The answer to it: what it asked for. `tsih` of a final one is that of the session. */
void script_answer_login(struct script *script, const struct iscsi_login_request *request,
			 uint16_t status, const char *text);
/* Connects and logs in with one request that says this. */
void script_login_with(struct script *script, const char *text);
void script_login(struct script *script);
void script_login_discovery(struct script *script);

/* --- full feature phase ----------------------------------------------------------------------- */

/* TEST UNIT READY to LUN 0. */
struct iscsi_scsi_command script_command(struct script *script);
/* WRITE(10) of `len` bytes, a multiple of 512. */
struct iscsi_scsi_command script_write(struct script *script, uint32_t len);
void script_say_command(struct script *script, const struct iscsi_scsi_command *command,
			uint32_t data_len);
void script_respond(struct script *script, uint32_t itt, uint8_t status, uint32_t sense_len);
/* A command and its answer. */
void script_run(struct script *script);

void script_r2t(struct script *script, uint32_t itt, uint32_t ttt, uint32_t offset, uint32_t len);
struct iscsi_data_out script_data(const struct script *script, uint32_t itt, uint32_t ttt,
				  uint32_t offset);
void script_say_data(struct script *script, const struct iscsi_data_out *data, uint32_t len);

struct iscsi_nop_out script_nop(struct script *script);
void script_say_nop(struct script *script, const struct iscsi_nop_out *nop);
void script_answer_nop(struct script *script, uint32_t itt);
void script_ping(struct script *script, uint32_t ttt);

struct iscsi_task_management_request script_management(struct script *script, uint8_t function);
void script_say_management(struct script *script, const struct iscsi_task_management_request *tmf,
			   uint32_t data_len);

struct iscsi_text_request script_text(struct script *script);
void script_say_text(struct script *script, const struct iscsi_text_request *text,
		     const char *pairs);
void script_answer_text(struct script *script, uint32_t itt, uint32_t ttt, const char *pairs);

struct iscsi_logout_request script_logout_request(struct script *script);
void script_say_logout(struct script *script, const struct iscsi_logout_request *logout);
void script_answer_logout(struct script *script, uint32_t itt);
/* Logout, its answer, and the initiator's FIN. */
void script_logout(struct script *script);

struct iscsi_snack_request script_snack(const struct script *script, uint8_t type);
void script_say_snack(struct script *script, const struct iscsi_snack_request *snack);

void script_eof(struct script *script);
/* The connection is gone. */
void script_close(struct script *script);

#endif
