/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include "options.h"
#include "report.h"

int
options_parse_compared(int n, char **paths, const char *other,
	struct options *opts)
{
	unsigned int i;

	if (!report_json_available()) {
		report_error("--compare: this program was built without Jansson");
		return -EINVAL;
	}
	if (other != NULL) {
		report_error("--compare: --%s cannot be given with it", other);
		return -EINVAL;
	}
	if (n != N_COMPARED) {
		report_error("--compare: needs two files, and %d %s given", n,
			n == 1 ? "is" : "are");
		return -EINVAL;
	}
	for (i = 0; i < N_COMPARED; i++)
		opts->compared[i] = paths[i];
	if (opts->tolerance == 0)
		opts->tolerance = COMPARE_TOLERANCE;

	return 0;
}
