/*
 * Power cuts for a target of the lab's own. The target runs with a library (tools/power/shim.c)
 * that writes down what it changes in its state folder and what it syncs; after a cut the folder is
 * put into one of the states that a disk could be in then (tools/lab/power_disk.h).
 */
#ifndef TOOLS_HOLDFAST_LAB_POWER_FOLDER_H
#define TOOLS_HOLDFAST_LAB_POWER_FOLDER_H

#include "tools/lab/power_disk.h"

struct power_folder;

/* `folder` is there, and all that is in it is durable; the log is `log`. NULL: said why. */
struct power_folder *power_folder_create(const char *folder, const char *log);
void power_folder_free(struct power_folder **power);

/*
 * The environment that a target is to be started with, NULL-terminated. What one that is dead by
 * now did was read before. NULL: said why.
 */
const char *const *power_folder_begin(struct power_folder *power);

/* The target is dead, and its machine, too. False: said why. */
bool power_folder_cut(struct power_folder *power, uint64_t seed, struct power_losses *ret_losses);

#endif
