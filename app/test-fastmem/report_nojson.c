/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * In the place of report_json.c and compare.c, when the program is built without Jansson.
 */

#include <errno.h>

#include "compare.h"
#include "report.h"

bool
report_json_available(void)
{
	return false;
}

int
report_json(FILE *f __rte_unused, const struct report *report __rte_unused)
{
	return -ENOTSUP;
}

int
compare_files(FILE *f __rte_unused,
	const char * const paths[N_COMPARED] __rte_unused,
	unsigned int tolerance __rte_unused)
{
	return -ENOTSUP;
}
