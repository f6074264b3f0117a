/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_WAIT_H
#define FASTMEM_WAIT_H

#include <rte_cycles.h>
#include <rte_pause.h>

/* Spins of some ten cycles each, before a waiting thread sleeps. */
#define WAIT_SPINS 64

/*
 * Wait for another thread, which may have been preempted. Who spins or yields
 * may keep it from going on for many time slices; who sleeps does not.
 *
 * The spins are 0 at first, and count the calls.
 */
static inline void
wait_for_others(unsigned int *spins)
{
	if (*spins < WAIT_SPINS) {
		(*spins)++;
		rte_pause();
	} else {
		rte_delay_us_sleep(1);
	}
}

#endif /* FASTMEM_WAIT_H */
