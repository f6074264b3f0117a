/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Preloaded by test-preload.sh: has a program log times with four digits behind
 * the point, where it would with two. Those of DPDK's malloc_perf_autotest are
 * microseconds, and allocations take a hundredth of one.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_log.h>

int
rte_log(uint32_t level, uint32_t logtype, const char *format, ...)
{
	char copy[512];
	va_list ap;
	char *at;
	int ret;

	snprintf(copy, sizeof(copy), "%s", format);
	for (at = copy; (at = strstr(at, ".2f")) != NULL; at++)
		at[1] = '4';
	va_start(ap, format);
	ret = rte_vlog(level, logtype,
		strlen(format) < sizeof(copy) ? copy : format, ap);
	va_end(ap);
	return ret;
}
