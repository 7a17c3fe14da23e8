#include "tools/holdfast-lab/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <iscsi/iscsi.h>

#include "tools/holdfast-lab/applied.h"
#include "tools/holdfast-lab/decided.h"
#include "tools/holdfast-lab/probe.h"
#include "tools/lab/contender.h"
#include "tools/lab/tag.h"

#define TIMEOUT_MS_DEFAULT 3000
#define DRAIN_TURNS	   1000

/* ---- target ---- */

static bool take_url(struct setup *setup, const struct setup_options *options)
{
	struct iscsi_context *iscsi = iscsi_create_context("iqn.2026-11.io.holdfast:lab-url");
	struct iscsi_url *url = iscsi ? iscsi_parse_full_url(iscsi, options->url) : NULL;
	struct lab_target *target = &setup->target;
	bool good = url && url->lun >= 0 && url->lun <= UINT16_MAX;

	if (good) {
		snprintf(target->name, sizeof(target->name), "%.*s", HISTORY_NAME_MAX, url->target);
		snprintf(target->portals[0].address, sizeof(target->portals[0].address), "%.*s",
			 HISTORY_PORTAL_MAX, url->portal);
		setup->first_lun = (uint16_t)url->lun;
		target->portal_count = 1;
		for (size_t i = 0; i < options->portal_count; i++)
			snprintf(target->portals[target->portal_count++].address,
				 sizeof(target->portals[0].address), "%s", options->portals[i]);
	} else {
		fprintf(stderr, "holdfast-lab: `%s` is no iscsi://HOST:PORT/TARGET/LUN\n",
			options->url);
	}
	if (url)
		iscsi_destroy_url(url);
	if (iscsi)
		iscsi_destroy_context(iscsi);
	return good;
}

static bool find_target(struct setup *setup, const struct setup_options *options)
{
	const char *profile = options->profile ? options->profile : options->own ? "spc4" : "";
	struct own_options own = {.holdfastd = options->own,
				  .profile = profile,
				  .luns = options->luns,
				  .ports = options->ports,
				  .registrations_max = options->registrations_max,
				  .threads = options->threads,
				  .tas = options->tas,
				  .power_cuts = options->power_cuts};

	snprintf(setup->head.profile, sizeof(setup->head.profile), "%s", profile);
	if (!options->own)
		return take_url(setup, options);
	setup->own = own_start(&own);
	if (setup->own)
		own_fill_target(setup->own, &setup->target);
	return setup->own != NULL;
}

/* ---- begin ---- */

static void fill_head(struct setup *setup, const struct setup_options *options)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	setup->head.started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	setup->head.seed = options->seed;
	setup->head.registrations_max = options->registrations_max;
	memcpy(setup->head.comment, options->comment, sizeof(setup->head.comment));
}

static bool open_history(struct setup *setup, const char *path)
{
	setup->history = path ? fopen(path, "w+") : tmpfile();
	if (!setup->history)
		fprintf(stderr, "holdfast-lab: %s: %s\n", path ? path : "a temporary file",
			strerror(errno));
	return setup->history != NULL;
}

/* Somebody else's target may have a past. */
static bool clear_luns(struct setup *setup)
{
	if (!setup->own && !probe_lacks(&setup->target, setup->first_lun, setup->lacks))
		return false;
	for (unsigned i = 0; i < setup->luns && !setup->own; i++) {
		uint32_t generation;
		if (!probe_clear(&setup->target, (uint16_t)(setup->first_lun + i), &generation))
			return false;
		recorder_set_generation_base(setup->recorder, (uint16_t)(setup->first_lun + i),
					     generation);
	}
	return true;
}

/* Ctrl-C must leave neither target nor folder behind: the run ends in order. */
static void wait_for_signals(struct setup *setup)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	setup->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (setup->signals >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

bool setup_interrupted(const struct setup *setup)
{
	struct signalfd_siginfo info;

	return setup->signals >= 0 && read(setup->signals, &info, sizeof(info)) == sizeof(info);
}

/* Whoever asks again does not wait for the judge. */
static void forget_signals(struct setup *setup)
{
	sigset_t set;

	if (setup->signals < 0)
		return;
	while (setup_interrupted(setup))
		;
	close(setup->signals);
	setup->signals = -1;
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Without them there are the journals. */
static void follow_decisions(struct setup *setup)
{
	setup->decided = decided_create(setup->recorder, setup->own, setup->applied);
	if (!setup->decided)
		return;
	loop_set_sent(setup->loop, decided_note_sent, setup->decided);
	decided_follow(setup->decided);
}

bool setup_begin(struct setup *setup, const struct setup_options *options)
{
	unsigned timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS_DEFAULT;

	memset(setup, 0, sizeof(*setup));
	setup->signals = -1;
	setup->report = options->report;
	setup->luns = options->luns > 0 ? options->luns : 1;
	setup->json = options->json;
	setup->power_seed = options->seed;
	if (find_target(setup, options) &&
	    probe_target(&setup->target, setup->first_lun, &setup->head) &&
	    open_history(setup, options->history)) {
		fill_head(setup, options);
		setup->recorder = recorder_create(setup->history, &setup->head);
		if (setup->recorder)
			setup->loop = loop_create(setup->recorder, &setup->target, timeout_ms);
		if (setup->recorder && setup->own)
			setup->applied = applied_create(setup->recorder, setup->own, setup->luns);
		if (setup->applied && setup->loop)
			follow_decisions(setup);
		if (setup->loop && clear_luns(setup)) {
			wait_for_signals(setup);
			return true;
		}
		if (!setup->loop)
			fprintf(stderr, "holdfast-lab: %s\n", strerror(errno));
	}
	setup_free(setup);
	return false;
}

/* ---- the live picture ---- */

void setup_show_begin(struct setup *setup, const struct setup_options *options, uint64_t slice_ns)
{
	if (options->live)
		setup->screen = screen_begin(setup->recorder, &setup->head, slice_ns);
}

void setup_show(struct setup *setup)
{
	if (setup->screen)
		screen_show(setup->screen);
}

void setup_show_end(struct setup *setup)
{
	screen_end(&setup->screen);
}

/* ---- what the own target says ---- */

void setup_quote(struct setup *setup)
{
	if (!setup->applied || !own_runs(setup->own))
		return;
	if (!setup->decided || !decided_quote(setup->decided))
		applied_quote_soon(setup->applied);
}

/* The trace first: what it has told the journal need not tell once more. */
static void quote_rest(struct setup *setup)
{
	if (setup->decided)
		decided_end(setup->decided);
	if (setup->applied)
		applied_quote(setup->applied);
}

/* ---- the target's death and return ---- */

static bool wait_until_quiet(struct loop *loop)
{
	for (int i = 0; i < DRAIN_TURNS; i++) {
		if (!loop_busy(loop))
			return true;
		loop_turn(loop, 1);
	}
	return false;
}

static void end_target(struct setup *setup, unsigned after_us, enum history_kind how)
{
	struct timespec pause = {.tv_sec = after_us / 1000000,
				 .tv_nsec = (long)(after_us % 1000000) * 1000};

	loop_flush(setup->loop);
	nanosleep(&pause, NULL);
	own_kill(setup->own);
	quote_rest(setup);
	recorder_target(setup->recorder, how);
	/* Answers that were sent before count; then each connection shows its end. */
	loop_turn(setup->loop, 0);
	wait_until_quiet(setup->loop);
	loop_cut_all(setup->loop);
}

void setup_kill(struct setup *setup, unsigned after_us)
{
	end_target(setup, after_us, HISTORY_CRASH);
}

bool setup_cut_power(struct setup *setup, unsigned after_us, uint64_t seed)
{
	struct power_losses losses;
	char text[160];

	end_target(setup, after_us, HISTORY_POWER_CUT);
	if (seed == 0)
		seed = contender_random(&setup->power_seed);
	if (!own_cut_power(setup->own, seed, &losses))
		return false;
	if (setup->applied)
		applied_forget_lost(setup->applied);
	snprintf(text, sizeof(text),
		 "lost: %" PRIu64 " of %" PRIu64 " sectors and %" PRIu64 " of %" PRIu64
		 " changes of names that were not synced",
		 losses.sectors_lost, losses.sectors_pending, losses.names_lost,
		 losses.names_pending);
	recorder_note(setup->recorder, text);
	return true;
}

bool setup_start(struct setup *setup)
{
	if (!own_restart(setup->own))
		return false;
	recorder_target(setup->recorder, HISTORY_UP);
	if (setup->decided)
		decided_follow(setup->decided);
	return true;
}

/* ---- the medium ---- */

static bool scan_lun(struct setup *setup, unsigned lun, uint64_t lba, uint32_t blocks)
{
	uint32_t size = setup->target.block_size;
	uint8_t block[4096];
	char path[256];
	int fd = open(own_disk_path(setup->own, lun, path, sizeof(path)), O_RDONLY | O_CLOEXEC);
	bool readable = fd >= 0;

	for (uint32_t i = 0; i < blocks && readable; i++) {
		readable = pread(fd, block, size, (off_t)((lba + i) * size)) == (ssize_t)size;
		if (!readable)
			break;
		struct history_tag tag =
			tag_of(block, size, recorder_run(setup->recorder), lba + i, NULL);
		recorder_medium(setup->recorder, (uint16_t)lun, lba + i, &tag);
	}
	if (!readable)
		fprintf(stderr, "holdfast-lab: %s: cannot be read: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return readable;
}

bool setup_scan(struct setup *setup, uint64_t lba, uint32_t blocks)
{
	bool scanned;

	if (setup->decided)
		decided_end(setup->decided);
	scanned = own_stop(setup->own);
	quote_rest(setup);
	for (unsigned i = 0; i < setup->luns && scanned; i++)
		scanned = scan_lun(setup, i, lba, blocks);
	return scanned;
}

/* ---- the end ---- */

bool setup_close(struct setup *setup)
{
	bool died;
	int error;

	setup_show_end(setup);
	loop_free(&setup->loop);
	decided_free(&setup->decided);
	applied_free(&setup->applied);
	error = recorder_finish(&setup->recorder);
	died = setup->own && own_died(setup->own);
	own_free(&setup->own);
	forget_signals(setup);
	if (error != 0)
		fprintf(stderr, "holdfast-lab: the history is not whole: %s\n", strerror(-error));
	return error == 0 && !died;
}

static enum lab_status write_report(const struct setup *setup, const struct history *history,
				    const struct judge_report *verdict)
{
	char *path;
	enum lab_status status = lab_write_report(setup->report, history, verdict);

	if (status != LAB_OK || strcmp(setup->report, "-") == 0)
		return status;
	path = realpath(setup->report, NULL);
	fprintf(setup->json ? stderr : stdout, "report   %s\n", path ? path : setup->report);
	free(path);
	return LAB_OK;
}

enum lab_status setup_judge(struct setup *setup, bool judged)
{
	struct judge_options options = {.states_max = 0,
					.without_aptpl = !setup->head.aptpl_claimed};
	struct history *history = NULL;
	struct history_error error;
	struct judge_report *report = NULL;
	enum lab_status status = LAB_FAILED;

	rewind(setup->history);
	if (history_read(setup->history, &history, &error) != 0)
		fprintf(stderr, "holdfast-lab: the history, line %zu: %s\n", error.line,
			error.text);
	else if (judged && judge(history, &options, &report) != 0)
		fprintf(stderr, "holdfast-lab: the judge has no memory left\n");
	else
		status = judged ? lab_print_verdict(history, report, setup->json) : LAB_OK;
	if (status != LAB_FAILED && setup->report && write_report(setup, history, report) != LAB_OK)
		status = LAB_FAILED;
	judge_report_free(&report);
	history_free(&history);
	return status;
}

void setup_free(struct setup *setup)
{
	if (setup->loop || setup->recorder || setup->own)
		setup_close(setup);
	if (setup->history)
		fclose(setup->history);
	setup->history = NULL;
}
