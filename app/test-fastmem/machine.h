/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef MACHINE_H
#define MACHINE_H

/*
 * What the figures depend on besides the code that is measured.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine {
	char cpu[128];
	char arch[32];
	char kernel[65];
	/* Of this description, in UTC by ISO 8601. */
	char date[32];
	uint64_t tsc_hz;
	unsigned int lcores;
	/* machine_lcores_pinned() */
	bool pinned;
	/* Of the tree that this program was built in. */
	const char *fastmem;
	const char *dpdk;
	const char *compiler;
	bool hugepages;
	const char *iova;
	size_t fastmem_reserved;
};

/* Whether every lcore has one CPU, and no other lcore has it too. */
bool
machine_lcores_pinned(void);

/* After EAL and the allocators were started. */
void
machine_describe(struct machine *machine);

#endif /* MACHINE_H */
