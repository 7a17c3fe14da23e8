/*
 * What power_disk*.c share.
 */
#ifndef LAB_POWER_DISK_INTERNAL_H
#define LAB_POWER_DISK_INTERNAL_H

#include <uthash.h>

#include "tools/lab/power_disk.h"

struct power_node;

struct power_content {
	uint8_t *bytes; /* zeros from size to capacity */
	uint64_t size, capacity;
};

struct power_entry {
	char *name;
	struct power_node *node;
	struct power_entry *next;
};

/* A change that was not synced. */
struct power_change {
	uint64_t number; /* of its record */
	enum power_kind kind;
	uint64_t offset, len;	 /* WRITE, ZERO, SIZE */
	struct power_node *node; /* CREATE, MKDIR, LINK */
	char *name, *new_name;	 /* of directories; new_name: RENAME within one */
	struct power_change *prev, *next;
	uint8_t data[]; /* WRITE */
};

struct power_node {
	uint64_t inode;
	bool is_directory;
	struct power_content stable, current;
	struct power_entry *stable_names, *current_names;
	struct power_change *pending; /* in their order */
	bool seen;
	struct power_node *next;
	UT_hash_handle hh;
};

struct power_disk {
	struct power_node *root;
	struct power_node *nodes; /* all that there ever were */
	/* The latest of each inode: a number that is free is given out anew. */
	struct power_node *by_inode;
	uint64_t records;   /* taken so far */
	uint64_t log_began; /* records before this log */
};

/* ---- power_disk.c ---- */

/* NULL: none of the folder. */
struct power_node *power_find_node(const struct power_disk *disk, uint64_t inode);
/* A new file or directory. What had its inode before is gone, but for names that are durable. */
struct power_node *power_add_node(struct power_disk *disk, uint64_t inode, bool is_directory);
bool power_change_content(struct power_disk *disk, struct power_node *node,
			  const struct power_record *r, const uint8_t *data);
bool power_change_names(struct power_disk *disk, struct power_node *directory, enum power_kind kind,
			const char *name, const char *new_name, struct power_node *node);
void power_drop_pending(struct power_node *node);

/* ---- power_content.c ---- */

bool power_content_resize(struct power_content *content, uint64_t size);
bool power_content_copy(struct power_content *to, const struct power_content *from);
/* WRITE, ZERO, SIZE. */
bool power_content_apply(struct power_content *content, const struct power_change *change);
/* What a cut leaves of a file: its stable content becomes that. */
bool power_content_cut(struct power_node *node, uint64_t *generator, struct power_losses *losses);

/* ---- power_names.c ---- */

struct power_entry *power_names_find(struct power_entry *names, const char *name);
bool power_names_apply(struct power_entry **names, const struct power_change *change);
bool power_names_copy(struct power_entry **to, const struct power_entry *from);
void power_names_free(struct power_entry **names);

#endif
