/*
 * docs/commands.md: the command table, the mode pages and the log pages.
 */
#include "tools/docs/docs.h"

#include "pr_engine/profile.h"
#include "target/command.h"
#include "target/mode.h"

static const char *const access_names[PR_ACCESS_CLASS_COUNT] = {
	[PR_ACCESS_ALLOW] = "allow",   [PR_ACCESS_READ] = "read",
	[PR_ACCESS_WRITE] = "write",   [PR_ACCESS_PR_OUT] = "by service action",
	[PR_ACCESS_RESERVE] = "SPC-2",
};

static const struct {
	unsigned flag;
	const char *mark;
} marks[] = {
	{SCSI_COMMAND_SKIPS_UNIT_ATTENTION, "U"}, {SCSI_COMMAND_WITHOUT_LUN, "L"},
	{SCSI_COMMAND_SPC2_ALLOWED, "2"},	  {SCSI_COMMAND_NEEDS_MEDIUM, "M"},
	{SCSI_COMMAND_WRITES_MEDIUM, "W"},	  {SCSI_COMMAND_WHILE_ERASING, "E"},
	{SCSI_COMMAND_BY_PROFILE, "P"},		  {SCSI_COMMAND_IN_STANDBY, "s"},
	{SCSI_COMMAND_IN_UNAVAILABLE, "u"},	  {SCSI_COMMAND_IN_TRANSITION, "t"},
};

static const char head[] =
	"# Commands\n\n"
	"Printed from `target/command_table.c` and `target/mode.c` by `make docs`; `make check` fails "
	"when this page is\nout of date. What is refused of a command that is here, and what is not here "
	"at all, is in\n[conformance.md](conformance.md).\n\n"
	"**Access** is what a persistent reservation asks of who sends it (SPC-4 table 66, SBC-3 table "
	"13):\n`allow` passes always, `read` and `write` by the type of the reservation and the sender's "
	"standing. Two commands\nare judged by bits of their CDB; the table then has the strictest answer. "
	"**CDB** is the usage map that REPORT\nSUPPORTED OPERATION CODES reports: a bit that is not in it "
	"is refused with INVALID FIELD IN CDB, but in\nPERSISTENT RESERVE IN and OUT, where it is "
	"ignored.\n\n"
	"**Marks**: `U` runs in spite of a unit attention, `L` answers for a LUN that is not there, `2` "
	"passes the SPC-2\nRESERVE of another, `M` needs a medium, `W` is refused when write protected, "
	"`E` runs while the medium is erased,\n`P` only with the service actions of the LUN's profile, "
	"`s` `u` `t` runs through a port that is standby,\nunavailable, in transition.\n\n";

static void print_marks(FILE *out, unsigned flags)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (flags & marks[i].flag)
			fputs(marks[i].mark, out);
	}
}

static void print_command(FILE *out, const struct scsi_command *row)
{
	fprintf(out, "| %s | %02Xh", row->name, row->opcode);
	if (row->service_action != SCSI_NO_SERVICE_ACTION)
		fprintf(out, "/%02Xh", (unsigned)row->service_action);
	fprintf(out, " | %s%s | ", access_names[row->access],
		row->access_of ? ", by its bits" : "");
	print_marks(out, row->flags);
	fputs(" | `", out);
	for (size_t i = 0; i < row->cdb_len; i++)
		fprintf(out, "%s%02x", i > 0 ? " " : "", row->usage[i]);
	fputs("` |\n", out);
}

static void print_mode_page(FILE *out, const struct mode_page *page, const struct scsi_lun *lun)
{
	uint8_t bits[MODE_PAGE_MAX];
	bool any = false;

	mode_page_changeable(page, lun, bits);
	fprintf(out, "| %s | %02Xh/%02Xh | %u |", page->name, page->code, page->subpage, page->len);
	for (unsigned i = mode_page_header_len(page); i < page->len; i++) {
		if (bits[i] != 0)
			fprintf(out, "%s byte %u: %02Xh", any ? "," : "", i, bits[i]);
		any = any || bits[i] != 0;
	}
	fprintf(out, "%s |\n", any ? "" : " nothing");
}

static void print_log_page(void *context, const char *name, uint8_t code, uint8_t subpage)
{
	FILE *out = context;

	fprintf(out, "| %s | %02Xh/%02Xh |\n", name, code, subpage);
}

void docs_commands(FILE *out)
{
	static const struct scsi_lun lun = {.config.profile = &pr_profile_spc4};

	fputs(head, out);
	fputs("| command | opcode | access | marks | CDB |\n|---|---|---|---|---|\n", out);
	for (size_t i = 0; i < scsi_command_count; i++)
		print_command(out, &scsi_commands[i]);
	fputs("\n## Mode pages\n\n"
	      "What MODE SELECT may change, with the profile `spc4`, and what can be saved with SP.\n\n"
	      "| page | code | bytes | changeable |\n|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < mode_page_count; i++)
		print_mode_page(out, &mode_pages[i], &lun);
	fputs("\n## Log pages\n\n| page | code |\n|---|---|\n", out);
	scsi_log_each_page(print_log_page, out);
}
