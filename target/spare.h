/*
 * Memory of ended commands, kept for the next ones: what every command allocates is taken from such
 * a list. One size a list; one thread. At most SPARE_MAX pieces are kept.
 */
#ifndef TARGET_SPARE_H
#define TARGET_SPARE_H

#include <stddef.h>
#include <stdint.h>

#define SPARE_MAX 256

/* The address sanitizer has to see what is used after its end: nothing is kept from it. */
#define SPARE_KEEPS 1
#if defined(__SANITIZE_ADDRESS__)
#undef SPARE_KEEPS
#define SPARE_KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef SPARE_KEEPS
#define SPARE_KEEPS 0
#endif
#endif

struct spare_list {
	void *first; /* each begins with a pointer to the next */
	uint32_t count;
};

/* `size` bytes, all zero; NULL: no memory. */
void *spare_take(struct spare_list *list, size_t size);
/* The same, of any value. */
void *spare_take_raw(struct spare_list *list, size_t size);
/* NULL does nothing. */
void spare_give(struct spare_list *list, void *piece);
void spare_clear(struct spare_list *list);

#endif
