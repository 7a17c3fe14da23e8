#include "tests/support/target_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "pr_engine/bytes.h"
#include "target/transport_id.h"

/* ---- the target ---- */

static uint64_t fixture_clock(void *context)
{
	const struct fixture *fixture = context;

	return fixture->now_ms;
}

static int add_lun(struct fixture *fixture, uint16_t number)
{
	const struct fixture_config *config = &fixture->config;
	struct scsi_lun_config lun;

	scsi_lun_config_init(&lun);
	lun.number = number;
	lun.backing = &fixture->disks[number].backing;
	lun.profile = config->profile;
	lun.store = config->no_journal ? NULL : &fixture->stores[number].store;
	lun.medium_store = config->no_journal ? NULL : &fixture->media[number].store;
	lun.block_size = config->block_size;
	lun.thin = !config->thick;
	lun.saved_store = config->saves ? &fixture->saved[number].store : NULL;
	lun.registrations_max = config->registrations_max;
	lun.history_max = 16;
	lun.tas = config->tas;
	lun.read_only = config->read_only;
	lun.removable = config->removable;
	return scsi_target_add_lun(fixture->target, &lun, NULL);
}

static void no_wake(void *context)
{
	(void)context;
}

static void loops_create(struct fixture *fixture)
{
	struct scsi_mailbox *home = scsi_mailbox_create(no_wake, NULL);

	for (unsigned i = 0; i < FIXTURE_LOOPS; i++) {
		struct fixture_loop *loop = &fixture->loops[i];

		loop->link.up.to = home;
		loop->link.down.to = scsi_mailbox_create(no_wake, NULL);
		loop->target = scsi_target_create_remote(fixture->target, &loop->link,
							 fixture->executor, NULL);
		ck_assert_ptr_nonnull(loop->target);
	}
}

static void loops_free(struct fixture *fixture)
{
	struct scsi_mailbox *home = fixture->loops[0].link.up.to;

	for (unsigned i = 0; i < FIXTURE_LOOPS; i++) {
		scsi_target_free(&fixture->loops[i].target);
		scsi_mailbox_free(&fixture->loops[i].link.down.to);
	}
	scsi_mailbox_free(&home);
}

void fixture_deliver_letters(struct fixture *fixture)
{
	bool any = fixture->is_remote && !fixture->is_delivering;

	while (any) {
		fixture->is_delivering = true;
		any = false;
		for (unsigned i = 0; i < FIXTURE_LOOPS; i++) {
			struct scsi_link *link = &fixture->loops[i].link;

			scsi_line_flush(&link->up);
			scsi_line_flush(&link->down);
			any = scsi_mailbox_open(link->up.to) || any;
			any = scsi_mailbox_open(link->down.to) || any;
		}
		fixture->is_delivering = false;
	}
}

/* Returns what became of LUN 0. */
static int power_on(struct fixture *fixture)
{
	struct scsi_target_config config = {
		.name = FIXTURE_TARGET,
		.instance_id = {1, 2, 3},
		.port_count = fixture->config.ports,
		.executor = fixture->executor,
		.clock = fixture_clock,
		.clock_context = fixture,
		.hash_seed = 12345,
		.trace = fixture->config.trace,
	};

	for (uint32_t i = 0; i < config.port_count; i++)
		config.ports[i] = (uint16_t)(i + 1);
	fixture->target = scsi_target_create(&config);
	ck_assert_ptr_nonnull(fixture->target);
	if (fixture->is_remote)
		loops_create(fixture);
	int result = add_lun(fixture, 0);
	for (uint16_t i = 1; i < (uint16_t)fixture->config.luns; i++)
		ck_assert_int_eq(add_lun(fixture, i), 0);
	return result;
}

struct fixture *fixture_create(const struct fixture_config *config)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	ck_assert_ptr_nonnull(fixture);
	if (config)
		fixture->config = *config;
	struct fixture_config *c = &fixture->config;
	c->profile = c->profile ? c->profile : &pr_profile_dlt_s4;
	c->luns = c->luns ? c->luns : 1;
	c->ports = c->ports ? c->ports : 2;
	c->registrations_max = c->registrations_max ? c->registrations_max : 64;
	c->blocks = c->blocks ? c->blocks : 256;
	c->block_size = c->block_size ? c->block_size : FIXTURE_BLOCK;
	fixture->is_remote = getenv("HOLDFAST_REMOTE") != NULL;
	fixture->now_ms = 1000000;
	fixture->executor = scsi_executor_create(c->threads);
	ck_assert_ptr_nonnull(fixture->executor);
	for (unsigned i = 0; i < c->luns; i++) {
		test_disk_init(&fixture->disks[i], (uint64_t)c->blocks * c->block_size);
		test_store_init(&fixture->stores[i]);
		test_store_init(&fixture->media[i]);
		test_store_init(&fixture->saved[i]);
	}
	ck_assert_int_eq(power_on(fixture), 0);
	return fixture;
}

static void task_free(struct fixture_task *task)
{
	target_task_release(&task->task);
	free(task->out);
	free(task);
}

static void drop_all(struct scsi_target *target)
{
	struct scsi_nexus *nexus, *next;

	HASH_ITER(hh, target->nexuses, nexus, next)
	if (!nexus->closed)
		fixture_drop(nexus, NULL);
}

/* Everything volatile ends. */
static void power_off(struct fixture *fixture)
{
	struct fixture_task *task, *next_task;
	bool hold[FIXTURE_LUNS_MAX] = {false};

	for (unsigned i = 0; fixture->is_remote && i < FIXTURE_LOOPS; i++)
		drop_all(fixture->loops[i].target);
	fixture_deliver_letters(fixture);
	drop_all(fixture->target);
	/* What follows from a request or a job may be held again: an erasure has many steps. */
	for (unsigned i = 0; i < fixture->config.luns; i++) {
		hold[i] = fixture->disks[i].hold;
		fixture->disks[i].hold = false;
		test_disk_release(&fixture->disks[i]);
	}
	fixture_settle(fixture);
	LL_FOREACH_SAFE(fixture->tasks, task, next_task)
	task_free(task);
	fixture->tasks = NULL;
	fixture->last = NULL;
	fixture_deliver_letters(fixture);
	if (fixture->is_remote)
		loops_free(fixture);
	scsi_target_free(&fixture->target);
	for (unsigned i = 0; i < fixture->config.luns; i++)
		fixture->disks[i].hold = hold[i];
}

void fixture_free(struct fixture **fixture)
{
	struct fixture *f = *fixture;

	power_off(f);
	scsi_executor_free(&f->executor);
	for (unsigned i = 0; i < f->config.luns; i++) {
		test_disk_clear(&f->disks[i]);
		test_store_clear(&f->stores[i]);
		test_store_clear(&f->media[i]);
		test_store_clear(&f->saved[i]);
	}
	free(f);
	*fixture = NULL;
}

int fixture_restart(struct fixture *fixture)
{
	power_off(fixture);
	return power_on(fixture);
}

struct scsi_lun *fixture_lun(struct fixture *fixture)
{
	struct scsi_lun *lun = scsi_target_lun(fixture->target, fixture->lun);

	ck_assert_ptr_nonnull(lun);
	/* What a test changes in it no other loop knows. */
	if (scsi_target_recall(fixture->target))
		fixture_deliver_letters(fixture);
	return lun;
}

void fixture_settle(struct fixture *fixture)
{
	struct pollfd fd = {.fd = scsi_executor_fd(fixture->executor), .events = POLLIN};

	fixture_deliver_letters(fixture);
	while (scsi_executor_pending(fixture->executor) > 0) {
		ck_assert_int_eq(poll(&fd, 1, -1), 1);
		scsi_executor_reap(fixture->executor);
		fixture_deliver_letters(fixture);
	}
}

/* ---- nexuses ---- */

struct pr_nexus_id fixture_nexus_id(char who, uint16_t port)
{
	struct pr_nexus_id id = {
		.isid = {0x00, 0x02, 0x3d, 0x00, 0x00, (uint8_t)who},
		.relative_target_port_id = port,
	};

	snprintf(id.initiator_name, sizeof(id.initiator_name), "iqn.2026-01.test.holdfast:%c", who);
	return id;
}

struct scsi_nexus *fixture_login_port(struct fixture *fixture, char who, uint16_t port)
{
	struct pr_nexus_id id = fixture_nexus_id(who, port);
	struct scsi_target *target = fixture->target;

	if (fixture->is_remote)
		target = fixture->loops[fixture->logins++ % FIXTURE_LOOPS].target;
	struct scsi_nexus *nexus = scsi_nexus_open(target, &id);
	ck_assert_msg(nexus != NULL, "login of %c: %s", who, strerror(errno));
	fixture_deliver_letters(fixture);
	return nexus;
}

struct scsi_nexus *fixture_login(struct fixture *fixture, char who)
{
	return fixture_login_port(fixture, who, 1);
}

struct scsi_nexus *fixture_home_nexus(struct fixture *fixture, const struct scsi_nexus *nexus)
{
	return scsi_target_find_nexus(fixture->target, &nexus->id);
}

static void note_closed(void *context)
{
	bool *closed = context;

	if (closed)
		*closed = true;
}

void fixture_drop(struct scsi_nexus *nexus, bool *ret_closed)
{
	if (ret_closed)
		*ret_closed = false;
	scsi_nexus_close(nexus, SCSI_NEXUS_LOSS, note_closed, ret_closed);
}

void fixture_logout(struct fixture *fixture, struct scsi_nexus *nexus)
{
	bool closed;

	fixture_drop(nexus, &closed);
	fixture_settle(fixture);
	ck_assert(closed);
}

/* ---- commands ---- */

static void read_field_pointer(struct fixture_result *result, const uint8_t *bytes)
{
	result->has_field = (bytes[0] & 0x80) != 0;
	memcpy(result->field, bytes, 3);
}

static void read_descriptors(struct fixture_result *result, const uint8_t *sense, uint8_t len)
{
	for (uint8_t at = 8; at + 1 < len; at = (uint8_t)(at + 2 + sense[at + 1]))
		if (sense[at] == 0x02)
			read_field_pointer(result, sense + at + 4);
}

static void read_sense(struct fixture_result *result, const uint8_t *sense, uint8_t len)
{
	result->response_code = sense[0] & 0x7f;
	if (result->response_code >= 0x72) {
		result->key = sense[1];
		result->asc = sense[2];
		result->ascq = sense[3];
		read_descriptors(result, sense, len);
		return;
	}
	ck_assert_uint_ge(result->response_code, 0x70);
	ck_assert_uint_eq(len, 18);
	result->key = sense[2];
	result->asc = sense[12];
	result->ascq = sense[13];
	read_field_pointer(result, sense + 15);
}

static void task_ended(struct fixture_task *task, enum fixture_task_state state)
{
	const struct scsi_task *scsi = &task->task;
	struct fixture_result *result = &task->result;

	/* Exactly once. */
	ck_assert(task->state == FIXTURE_RUNNING || task->state == FIXTURE_WAITING);
	task->state = state;
	task->order = ++task->fixture->ended;
	*result = (struct fixture_result){
		.aborted = state == FIXTURE_ABORTED,
		.send_status = task->send_status,
		.status = scsi->status,
		.data = scsi->data_in,
		.len = scsi->data_in_len,
		.transfer_len = scsi->transfer_len,
		.wants_data_out = scsi->wants_data_out,
	};
	ck_assert_uint_le(scsi->data_in_len, scsi->expected_in);
	ck_assert_int_eq(scsi->sense_len > 0, scsi->status == SCSI_STATUS_CHECK_CONDITION);
	if (scsi->sense_len > 0)
		read_sense(result, scsi->sense, scsi->sense_len);
}

static void task_complete(struct scsi_task *scsi)
{
	task_ended(scsi->owner, FIXTURE_COMPLETED);
}

static void task_aborted(struct scsi_task *scsi, bool send_status)
{
	struct fixture_task *task = scsi->owner;

	task->send_status = send_status;
	task_ended(task, FIXTURE_ABORTED);
	if (send_status)
		ck_assert_uint_eq(scsi->status, SCSI_STATUS_TASK_ABORTED);
}

void fixture_deliver(struct fixture_task *task)
{
	struct scsi_task *scsi = &task->task;

	if (task->state == FIXTURE_WAITING) {
		ck_assert_uint_le(scsi->data_out_len, scsi->expected_out);
		task->state = FIXTURE_RUNNING;
		if (!target_data_out_prepare(scsi))
			return; /* no memory: it has ended */
		memcpy(scsi->data_out, task->out, scsi->data_out_len);
	}
	target_data_out_ready(scsi);
	fixture_deliver_letters(task->fixture);
}

static void task_want_data(struct scsi_task *scsi)
{
	struct fixture_task *task = scsi->owner;

	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	task->state = FIXTURE_WAITING;
	if (!task->hold_data)
		fixture_deliver(task);
}

struct fixture_task *fixture_start(struct fixture *fixture, struct scsi_nexus *nexus,
				   const struct fixture_command *command)
{
	static const struct scsi_task_ops ops = {
		.complete = task_complete, .want_data = task_want_data, .aborted = task_aborted};
	struct fixture_task *task = calloc(1, sizeof(*task));

	ck_assert_ptr_nonnull(task);
	ck_assert_uint_le(command->cdb_len, SCSI_CDB_MAX);
	task->fixture = fixture;
	task->state = FIXTURE_RUNNING;
	task->hold_data = command->hold_data;
	task->out = calloc(1, command->out_len + 1);
	ck_assert_ptr_nonnull(task->out);
	if (command->out)
		memcpy(task->out, command->out, command->out_len);
	LL_PREPEND(fixture->tasks, task);

	struct scsi_task *scsi = &task->task;
	scsi->nexus = nexus;
	scsi->ops = &ops;
	scsi->owner = task;
	scsi->attribute = command->attribute;
	scsi->lun_bytes[1] = (uint8_t)fixture->lun;
	memcpy(scsi->cdb, command->cdb, command->cdb_len);
	scsi->cdb_len = 16;
	scsi->expected_out = command->out_len;
	scsi->expected_in = command->in_len;
	scsi->takes_lent = command->takes_lent;
	target_execute(scsi);
	fixture_deliver_letters(fixture);
	return task;
}

const struct fixture_result *fixture_result(struct fixture_task *task)
{
	fixture_deliver_letters(task->fixture);
	ck_assert_msg(task->state == FIXTURE_COMPLETED || task->state == FIXTURE_ABORTED,
		      "the command has not ended");
	return &task->result;
}

void fixture_forget(struct fixture_task *task)
{
	(void)fixture_result(task);
	LL_DELETE(task->fixture->tasks, task);
	task_free(task);
}

/* The one before this one is done with. */
static void forget_last(struct fixture *fixture)
{
	struct fixture_task *task = fixture->last;

	fixture->last = NULL;
	if (task)
		fixture_forget(task);
}

const struct fixture_result *fixture_do(struct fixture *fixture, struct scsi_nexus *nexus,
					const struct fixture_command *command)
{
	forget_last(fixture);
	struct fixture_task *task = fixture_start(fixture, nexus, command);
	fixture_settle(fixture);
	const struct fixture_result *result = fixture_result(task);
	fixture->last = task;
	return result;
}

const struct fixture_result *fixture_test_unit_ready(struct fixture *fixture,
						     struct scsi_nexus *nexus)
{
	return FIXTURE_CDB(fixture, nexus, 0, 0x00, 0, 0, 0, 0, 0);
}

unsigned fixture_drain_unit_attentions(struct fixture *fixture, struct scsi_nexus *nexus)
{
	unsigned count = 0;

	while (fixture_test_unit_ready(fixture, nexus)->key == SCSI_KEY_UNIT_ATTENTION)
		count++;
	return count;
}

static void read_write_cdb(uint8_t cdb[10], uint8_t opcode, uint32_t lba, uint16_t blocks)
{
	memset(cdb, 0, 10);
	cdb[0] = opcode;
	put_be32(cdb + 2, lba);
	put_be16(cdb + 7, blocks);
}

const struct fixture_result *fixture_read(struct fixture *fixture, struct scsi_nexus *nexus,
					  uint32_t lba, uint16_t blocks)
{
	uint8_t cdb[10];

	read_write_cdb(cdb, 0x28, lba, blocks);
	return fixture_do(fixture, nexus,
			  &(struct fixture_command){.cdb = cdb,
						    .cdb_len = sizeof(cdb),
						    .in_len = (uint32_t)blocks * FIXTURE_BLOCK});
}

const struct fixture_result *fixture_write(struct fixture *fixture, struct scsi_nexus *nexus,
					   uint32_t lba, uint16_t blocks, uint8_t fill)
{
	uint8_t cdb[10];
	uint32_t len = (uint32_t)blocks * FIXTURE_BLOCK;
	uint8_t *out = malloc(len + 1);

	ck_assert_ptr_nonnull(out);
	memset(out, fill, len);
	read_write_cdb(cdb, 0x2a, lba, blocks);
	const struct fixture_result *result =
		fixture_do(fixture, nexus,
			   &(struct fixture_command){
				   .cdb = cdb, .cdb_len = sizeof(cdb), .out = out, .out_len = len});
	free(out);
	return result;
}

struct fixture_task *fixture_start_read(struct fixture *fixture, struct scsi_nexus *nexus,
					uint32_t lba)
{
	uint8_t cdb[10];

	read_write_cdb(cdb, 0x28, lba, 1);
	return fixture_start(fixture, nexus,
			     &(struct fixture_command){
				     .cdb = cdb, .cdb_len = sizeof(cdb), .in_len = FIXTURE_BLOCK});
}

struct fixture_task *fixture_start_write(struct fixture *fixture, struct scsi_nexus *nexus,
					 uint32_t lba, uint8_t fill, bool hold_data)
{
	uint8_t cdb[10];
	uint8_t out[FIXTURE_BLOCK];

	memset(out, fill, sizeof(out));
	read_write_cdb(cdb, 0x2a, lba, 1);
	return fixture_start(fixture, nexus,
			     &(struct fixture_command){.cdb = cdb,
						       .cdb_len = sizeof(cdb),
						       .out = out,
						       .out_len = sizeof(out),
						       .hold_data = hold_data});
}

/* ---- PERSISTENT RESERVE ---- */

static void pr_out_cdb(uint8_t cdb[10], unsigned action, uint8_t scope_type, uint32_t len)
{
	memset(cdb, 0, 10);
	cdb[0] = 0x5f;
	cdb[1] = (uint8_t)action;
	cdb[2] = scope_type;
	put_be32(cdb + 5, len);
}

static void basic_list(uint8_t list[24], uint64_t reservation_key, uint64_t service_action_key,
		       uint8_t flags)
{
	memset(list, 0, 24);
	put_be64(list, reservation_key);
	put_be64(list + 8, service_action_key);
	list[20] = flags;
}

struct fixture_task *fixture_start_pr_out(struct fixture *fixture, struct scsi_nexus *nexus,
					  unsigned action, uint8_t scope_type,
					  uint64_t reservation_key, uint64_t service_action_key,
					  uint8_t flags, bool hold_data)
{
	uint8_t cdb[10], list[24];

	pr_out_cdb(cdb, action, scope_type, sizeof(list));
	basic_list(list, reservation_key, service_action_key, flags);
	return fixture_start(fixture, nexus,
			     &(struct fixture_command){.cdb = cdb,
						       .cdb_len = sizeof(cdb),
						       .out = list,
						       .out_len = sizeof(list),
						       .hold_data = hold_data});
}

const struct fixture_result *fixture_pr_out_list(struct fixture *fixture, struct scsi_nexus *nexus,
						 unsigned action, uint8_t scope_type,
						 const uint8_t *list, uint32_t len)
{
	uint8_t cdb[10];

	pr_out_cdb(cdb, action, scope_type, len);
	return fixture_do(fixture, nexus,
			  &(struct fixture_command){
				  .cdb = cdb, .cdb_len = sizeof(cdb), .out = list, .out_len = len});
}

const struct fixture_result *fixture_pr_out(struct fixture *fixture, struct scsi_nexus *nexus,
					    unsigned action, uint8_t scope_type,
					    uint64_t reservation_key, uint64_t service_action_key,
					    uint8_t flags)
{
	uint8_t list[24];

	basic_list(list, reservation_key, service_action_key, flags);
	return fixture_pr_out_list(fixture, nexus, action, scope_type, list, sizeof(list));
}

const struct fixture_result *fixture_register(struct fixture *fixture, struct scsi_nexus *nexus,
					      uint64_t reservation_key, uint64_t service_action_key)
{
	return fixture_pr_out(fixture, nexus, PR_OUT_REGISTER, 0, reservation_key,
			      service_action_key, 0);
}

void fixture_hold(struct fixture *fixture, struct scsi_nexus *nexus, uint64_t key, uint8_t type)
{
	fixture_good(fixture_register(fixture, nexus, 0, key));
	fixture_good(fixture_pr_out(fixture, nexus, PR_OUT_RESERVE, type, key, 0, 0));
}

uint32_t fixture_move_list(uint8_t *list, uint64_t reservation_key, uint64_t service_action_key,
			   uint8_t flags, const struct pr_nexus_id *to)
{
	size_t id_len = transport_id_build(to, list + 24);

	basic_list(list, reservation_key, service_action_key, 0);
	list[17] = flags;
	put_be16(list + 18, to->relative_target_port_id);
	put_be32(list + 20, (uint32_t)id_len);
	return (uint32_t)(24 + id_len);
}

const struct fixture_result *fixture_pr_in(struct fixture *fixture, struct scsi_nexus *nexus,
					   unsigned action, uint16_t allocation_length)
{
	uint8_t cdb[10] = {0x5e, (uint8_t)action};

	put_be16(cdb + 7, allocation_length);
	return fixture_do(fixture, nexus,
			  &(struct fixture_command){
				  .cdb = cdb, .cdb_len = sizeof(cdb), .in_len = allocation_length});
}

/* ---- the state ---- */

static const struct pr_state *state_of(struct fixture *fixture)
{
	return scsi_lun_pr_state(fixture_lun(fixture));
}

uint32_t fixture_generation(struct fixture *fixture)
{
	return pr_state_generation(state_of(fixture));
}

uint32_t fixture_registrations(struct fixture *fixture)
{
	return pr_state_count(state_of(fixture));
}

uint64_t fixture_key_of(struct fixture *fixture, const struct pr_nexus_id *id)
{
	const struct pr_registration *registration = pr_state_find(state_of(fixture), id);

	return registration ? registration->key : 0;
}

enum pr_type fixture_reserved(struct fixture *fixture)
{
	return pr_state_reservation(state_of(fixture)).type;
}

bool fixture_holds(struct fixture *fixture, const struct pr_nexus_id *id)
{
	return pr_state_standing(state_of(fixture), id) == PR_STANDING_HOLDER;
}

void fixture_check(struct fixture *fixture)
{
	const struct scsi_lun *lun = fixture_lun(fixture);
	const struct pr_state *state = state_of(fixture);
	const struct scsi_lun_nexus *lun_nexus;
	const char *broken = pr_state_check(state);

	ck_assert_msg(broken == NULL, "%s", broken);
	ck_assert_int_eq(lun->reservation_type, pr_state_reservation(state).type);
	DL_FOREACH(lun->nexuses, lun_nexus)
	{
		ck_assert_int_eq(lun_nexus->standing,
				 pr_state_standing(state, &lun_nexus->nexus->id));
		ck_assert(!lun_nexus->touched && !lun_nexus->lost_registration);
	}
}

static void function_complete(struct scsi_tmf *tmf)
{
	((struct fixture_function *)tmf->owner)->completed++;
}

void fixture_manage(struct fixture_function *function, struct scsi_nexus *nexus,
		    enum scsi_tmf_function number, struct fixture_task *referenced)
{
	*function = (struct fixture_function){
		.tmf = {.nexus = nexus,
			.function = number,
			.referenced = referenced ? &referenced->task : NULL,
			.owner = function,
			.complete = function_complete},
	};
	target_manage(&function->tmf);
}
