/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_mempool_wrap_autotest: the scenarios with mempools.
 */

#include "test_fastmem_pool_scenario.h"

const struct fastmem_pool_impl fastmem_pool_mempool = SCENARIO_IMPL("mempool");
