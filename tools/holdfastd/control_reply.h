/*
 * A reply on its way: bytes made so far, and how to make more of them.
 */
#ifndef TOOLS_HOLDFASTD_CONTROL_REPLY_H
#define TOOLS_HOLDFASTD_CONTROL_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct control_reply {
	bool active; /* there is one */
	bool failed; /* no memory: the client is cut */
	char *text;
	size_t len, sent, cap;
	/* Appends the next piece and returns true, or returns false after the last one. NULL: all
	 * of it is there. */
	bool (*more)(struct control_reply *reply);
	/* It never ends: `more` returns true with nothing appended while there is nothing. */
	bool follows;
	double pause_s; /* ... for so long before it looks again; 0: a usual time */
	bool ends;	/* whoever follows has enough: what has happened so far is still sent */
	void *work;	/* more's own */
	void (*work_free)(void *work);
};

/* Forgets the reply and frees what it holds. */
void control_reply_clear(struct control_reply *reply);

void control_reply_append(struct control_reply *reply, const char *text, size_t len);
/* Appends an object as compact JSON and lets go of it; NULL (no memory) fails the reply. */
void control_reply_append_json(struct control_reply *reply, json_t *object);

/* The whole reply at once. */
void control_reply_object(struct control_reply *reply, json_t *object);
__attribute__((format(printf, 2, 3))) void control_reply_error(struct control_reply *reply,
							       const char *format, ...);

/*
 * A reply whose last member is a long array: `head` without its closing brace, then `name` and an
 * open array. Afterwards `more` appends elements with control_reply_element.
 */
void control_reply_begin_array(struct control_reply *reply, json_t *head, const char *name);
void control_reply_element(struct control_reply *reply, bool is_first, json_t *element);

/* One more piece, if there is any; ends the array, the object and the line after the last one. */
void control_reply_make_more(struct control_reply *reply);

#endif
