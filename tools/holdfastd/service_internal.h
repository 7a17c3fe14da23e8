/*
 * What the files of the service tell each other:
 *
 *   service.c        what is built in which order, and taken down
 *   service_node.c   the iSCSI node and its workers, from the configuration
 *   service_ready.c  the ready line
 *   service_stop.c   signals
 */
#ifndef TOOLS_HOLDFASTD_SERVICE_INTERNAL_H
#define TOOLS_HOLDFASTD_SERVICE_INTERNAL_H

#include "tools/holdfastd/service.h"

/* Logs that `what` failed with this errno. False, for the caller to pass on. */
bool service_failed(const struct service *service, const char *what, int error);

/* False: the log says why. */
bool service_build_node(struct service *service);
/* After targets and portals, which the further loops share. */
bool service_build_loops(struct service *service);

/* False: no memory. */
bool service_say_ready(const struct service *service);

void service_watch_signals(struct service *service);
void service_stop_targets(struct service *service);

#endif
