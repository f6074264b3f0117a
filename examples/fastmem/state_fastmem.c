/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * State in fastmem: a type for each kind of objects, and size classes for
 * notes. All of them share one stock of memory.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_fastmem.h>
#include <rte_memory.h>

#include "state.h"

static rte_fastmem_handle_t types[STATE_N_TYPES];
static unsigned int n_types; /* those before it are created */

static unsigned int
fastmem_close(void)
{
	struct rte_fastmem_class_stats type_stats;
	struct rte_fastmem_stats stats;
	unsigned int errors = 0, i;

	for (i = 0; i < n_types; i++) {
		if (i == STATE_NOTE)
			continue;
		if (rte_fastmem_type_stats(types[i], &type_stats) != 0 ||
				type_stats.in_use != 0 ||
				rte_fastmem_type_destroy(types[i]) != 0) {
			printf("fastmem: objects of %s are left\n",
				state_infos[i].name);
			errors++;
		}
	}
	if (rte_fastmem_stats(&stats) != 0 || stats.bytes_in_use != 0) {
		printf("fastmem: %" PRIu64 " B are still in use\n",
			stats.bytes_in_use);
		errors++;
	}
	if (rte_fastmem_audit() != 0) {
		printf("fastmem: the audit has found damage\n");
		errors++;
	}
	rte_fastmem_deinit();
	n_types = 0;
	return errors;
}

/* Types of objects. 8< */
static int
fastmem_open(__rte_unused const unsigned int max[STATE_N_TYPES])
{
	struct rte_fastmem_type_params params = { .socket_id = SOCKET_ID_ANY };
	int ret;

	ret = rte_fastmem_init();
	if (ret != 0)
		return ret;
	for (n_types = 0; n_types < STATE_N_TYPES; n_types++) {
		if (n_types == STATE_NOTE)
			continue;
		params.name = state_infos[n_types].name;
		params.size = state_infos[n_types].size;
		ret = rte_fastmem_type_create(&params, &types[n_types]);
		if (ret != 0) {
			fastmem_close();
			return ret;
		}
	}
	return 0;
}

/* >8 End of types of objects. */

/* Allocation. 8< */
static void *
fastmem_alloc(enum state_type type, size_t size)
{
	if (type == STATE_NOTE)
		return rte_fastmem_alloc(size, sizeof(void *), 0);
	return rte_fastmem_halloc(types[type], 0);
}

static void
fastmem_free(enum state_type type, void *obj)
{
	if (type == STATE_NOTE)
		rte_fastmem_free(obj);
	else
		rte_fastmem_hfree(types[type], obj);
}

/* >8 End of allocation. */

const struct state_ops state_fastmem = {
	.name = "fastmem",
	.open = fastmem_open,
	.alloc = fastmem_alloc,
	.free = fastmem_free,
	.close = fastmem_close,
};
