/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdint.h>

#include <rte_lcore.h>
#include <rte_memzone.h>

#include "test_fastmem_mp_util.h"
#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define AREA_NAME "test_fm_peer_area"

struct area {
	struct fastmem_test_mp mp;
	uint64_t shared[];
};

static const struct rte_memzone *area_zone;
static struct area *area;

/* What the secondary process does. */
static int (*peer_fn)(uint32_t task, void *shared);

int
fastmem_test_peer_setup(size_t bytes, void **shared)
{
	if (!fastmem_test_mp_possible())
		return TEST_SKIPPED;
	area_zone = fastmem_test_mp_reserve(AREA_NAME, sizeof(*area) + bytes);
	TEST_ASSERT_NOT_NULL(area_zone, "no memory");
	area = area_zone->addr;
	*shared = area->shared;
	return TEST_SUCCESS;
}

void
fastmem_test_peer_teardown(void)
{
	rte_memzone_free(area_zone);
	area_zone = NULL;
	area = NULL;
}

/* On the lcore id and the CPU of the caller. */
int
fastmem_test_peer_start(const char *command, uint32_t task)
{
	const struct fastmem_test_mp_args args = {
		.command = command,
		.lcore_id = rte_lcore_id(),
		.n_lcores = 1,
	};

	return fastmem_test_mp_start(&area->mp, task, &args);
}

int
fastmem_test_peer_end(void)
{
	return fastmem_test_mp_end(&area->mp);
}

int
fastmem_test_peer_run(const char *command, uint32_t task)
{
	int ret = fastmem_test_peer_start(command, task);

	return ret == TEST_SUCCESS ? fastmem_test_peer_end() : ret;
}

static int
peer_task(uint32_t task)
{
	return peer_fn(task, area->shared);
}

int
fastmem_test_peer_main(int (*fn)(uint32_t task, void *shared))
{
	area = fastmem_test_mp_lookup(AREA_NAME);
	if (area == NULL)
		return TEST_SKIPPED;
	peer_fn = fn;
	return fastmem_test_mp_main(&area->mp, peer_task);
}
