#include "tests/integration/faults.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define CONFIG                                                                                 \
	"targets = ( { name = \"iqn.2026-11.test:disk\"; luns = (\n  { backing = \"memory\"; " \
	"size = \"16M\"; } ); } );\n"
#define WAIT_MS 60000

void faults_clock(const struct daemon *daemon, const char *word, const char *time)
{
	const char *argv[] = {tool_path(), "--control", daemon->control, "clock", word, time, NULL};
	char output[4096];

	ck_assert_msg(program_run(argv, output, sizeof(output)) == 0, "%s: %s", word, output);
}

void faults_start(struct daemon *daemon)
{
	daemon_start_configured(daemon, "127.0.0.1:0", CONFIG);
}

void faults_rule(const struct daemon *daemon, const char *rule)
{
	const char *argv[] = {tool_path(), "--control", daemon->control, "fault", "add",
			      rule,	   NULL};
	char output[4096];

	ck_assert_msg(program_run(argv, output, sizeof(output)) == 0, "%s: %s", rule, output);
}

void faults_tool(const struct daemon *daemon, const char *word)
{
	const char *argv[] = {tool_path(), "--control", daemon->control, "fault", word, NULL};
	char output[4096];

	ck_assert_msg(program_run(argv, output, sizeof(output)) == 0, "%s: %s", word, output);
}

void wire_login(struct wire *wire, const struct daemon *daemon, const char *keys, size_t keys_len)
{
	uint8_t pdu[RAW_PDU_MAX];
	size_t len = raw_login_pdu(daemon, "iqn.2026-11.test:user", keys, keys_len, pdu);

	wire->fd = raw_dial(daemon);
	ck_assert(raw_write(wire->fd, pdu, len));
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
}

void wire_command(struct wire *wire, uint8_t opcode, uint32_t cmd_sn, uint16_t blocks)
{
	uint8_t bhs[RAW_BHS];

	raw_command(bhs, opcode, cmd_sn, 0, blocks);
	ck_assert(raw_write(wire->fd, bhs, sizeof(bhs)));
}

void wire_ping(struct wire *wire, uint32_t itt)
{
	uint8_t bhs[RAW_BHS] = {0x40, 0x80};

	put_be32(bhs + 16, itt);
	put_be32(bhs + 20, 0xffffffff);
	ck_assert(raw_write(wire->fd, bhs, sizeof(bhs)));
}

void wire_expect(struct wire *wire, uint8_t opcode)
{
	ck_assert_msg(raw_read_pdu(wire->fd, wire->bhs, wire->data, sizeof(wire->data)),
		      "the target has closed the connection");
	wire->data_len = get_be24(wire->bhs + 5);
	ck_assert_msg((wire->bhs[0] & 0x3f) == opcode, "opcode %02x instead of %02x", wire->bhs[0],
		      opcode);
}

void wire_expect_answer(struct wire *wire, uint8_t opcode, uint32_t itt)
{
	wire_expect(wire, opcode);
	ck_assert_uint_eq(get_be32(wire->bhs + 16), itt);
}

void wire_expect_end(struct wire *wire)
{
	ck_assert(raw_is_closed_within(wire->fd, WAIT_MS));
}
