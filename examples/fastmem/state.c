/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "state.h"

uint64_t
state_heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i),
				&stats) == 0)
			bytes += stats.heap_allocsz_bytes;
	return bytes;
}
