/*
 * The fault rules of the configuration file: whether they are rules, and into the node with them.
 */
#ifndef TOOLS_HOLDFASTD_SERVE_FAULTS_H
#define TOOLS_HOLDFASTD_SERVE_FAULTS_H

#include "config/config.h"
#include "tools/holdfastd/service.h"
#include "transport/fault.h"

/* Reports every one that is none. */
bool serve_faults_are_sound(const struct config *config, config_report report, void *context);

/* 0; or a negative errno, with the error in words. */
int serve_faults_add(struct iscsi_node *node, const struct config *config,
		     char ret_error[ISCSI_FAULT_ERROR_MAX]);

/* While there are rules every command is carried out at home, where each waits at one gate. */
void serve_faults_keep_all(const struct service *service);

#endif
