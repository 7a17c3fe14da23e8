/*
 * A target of the lab's own: a holdfastd in a temporary folder, on free ports, that can be killed
 * and started again on the same ports. It ends with the lab, whatever happens to it.
 */
#ifndef TOOLS_HOLDFAST_LAB_OWN_H
#define TOOLS_HOLDFAST_LAB_OWN_H

#include "tools/holdfast-lab/initiator.h"
#include "tools/holdfast-lab/power_folder.h"

struct own_options {
	const char *holdfastd; /* path */
	const char *profile;
	unsigned luns;		    /* 0: one */
	unsigned ports;		    /* portals, each a target port of its own; 0: one */
	unsigned registrations_max; /* 0: the daemon's default */
	unsigned threads;	    /* event loops; 0: the daemon's default */
	bool tas;		    /* aborted commands end with TASK ABORTED */
	bool power_cuts;	    /* its power is to be cut: what it syncs is written down */
};

struct own;

/* Starts it and waits until it accepts logins. NULL: said why on standard error. */
struct own *own_start(const struct own_options *options);
/* Kills it, if it runs, and removes the folder. */
void own_free(struct own **own);

/* Address and name; its block size and ports are for a probe to find. */
void own_fill_target(const struct own *own, struct lab_target *ret_target);
bool own_runs(const struct own *own);
/* Has it died without having been asked to? Then that is said, with what it had logged. */
bool own_died(struct own *own);
/* SIGKILL, and waits. */
void own_kill(struct own *own);
/*
 * The machine's power is cut: it is dead, and of what it had not synced only some is left; the seed
 * says what. Only where power_cuts was set. False: said why.
 */
bool own_cut_power(struct own *own, uint64_t seed, struct power_losses *ret_losses);
bool own_power_can_be_cut(const struct own *own);
/* SIGTERM, and waits. False: it did not end as it should. */
bool own_stop(struct own *own);
/* Starts it again where it was. False: said why. */
bool own_restart(struct own *own);
/* Its control socket. Returns buffer. */
const char *own_control_path(const struct own *own, char *buffer, size_t len);
/* The journal of a LUN. Returns buffer. */
const char *own_journal_path(const struct own *own, unsigned lun, char *buffer, size_t len);
/* The backing file of a LUN. Returns buffer. */
const char *own_disk_path(const struct own *own, unsigned lun, char *buffer, size_t len);

#endif
