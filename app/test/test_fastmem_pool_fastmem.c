/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_mempool_wrap_autotest: the scenarios with pools of fastmem.
 */

#define RTE_FASTMEM_REPLACE_MEMPOOL
#include "test_fastmem_pool_scenario.h"

const struct fastmem_pool_impl fastmem_pool_fastmem = SCENARIO_IMPL("fastmem");
