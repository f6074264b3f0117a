/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef STATE_H
#define STATE_H

/*
 * Memory for the state of flows, by one of several allocators.
 */

#include <stddef.h>
#include <stdint.h>

/* Kinds of objects. Each has a mempool of its own where mempools are used. */
enum state_type {
	STATE_TCP,    /* a TCP flow */
	STATE_UDP,    /* a flow of UDP or ICMP */
	STATE_FRAG,   /* an IP packet of which fragments have come */
	STATE_DNS,    /* a query which was not answered yet */
	STATE_TIMER,  /* when to look after a flow */
	STATE_NOTE,   /* payload or a name, of variable size */
	STATE_EXPORT, /* what is told of a flow that has ended */
	STATE_N_TYPES
};

/* Payload in a note, at most. */
#define NOTE_MAX 512

struct state_info {
	const char *name;
	size_t size; /* of a note: the largest one's */
};

extern const struct state_info state_infos[STATE_N_TYPES];

struct state_ops {
	const char *name;
	/* Get ready for so many objects of each type: 0 or a negative errno. */
	int (*open)(const unsigned int max[STATE_N_TYPES]);
	/* NULL if there is no memory. The size is that of the type but for
	 * notes. The content is undefined.
	 */
	void *(*alloc)(enum state_type type, size_t size);
	void (*free)(enum state_type type, void *obj);
	/* Give all memory back: the number of things that were wrong, of which
	 * each is printed. All objects have been freed, or should have been.
	 */
	unsigned int (*close)(void);
};

extern const struct state_ops state_fastmem;
extern const struct state_ops state_mempool;
extern const struct state_ops state_malloc;

/* Bytes that are allocated in EAL's heap. This is where memzones, and so fastmem
 * and mempools, have their memory from as well: what an allocator adds to it, of
 * whatever kind, is what it takes, and is measured for all of them alike.
 */
uint64_t
state_heap_bytes(void);

#endif /* STATE_H */
