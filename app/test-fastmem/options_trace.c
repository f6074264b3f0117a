/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <rte_common.h>

#include "options_trace.h"
#include "report.h"
#include "trace.h"

int
options_trace(struct options *opts)
{
	const char *name = opts->replay ? "replay" : "memory";
	static struct trace trace;
	const struct {
		const char *name;
		bool given;
	} others[] = {
		{ "memory", opts->memory && opts->replay },
		{ "callers", opts->n_callers > 0 },
		{ "csv", opts->outputs[OUTPUT_CSV] != NULL },
		{ "markdown", opts->outputs[OUTPUT_MARKDOWN] != NULL },
		{ "mempool-ops", opts->n_mempool_ops > 0 },
		{ "scenarios", opts->n_scenarios > 0 },
		{ "sizes", opts->n_sizes > 0 },
		{ "targets", opts->targets != NULL },
	};
	unsigned int i;

	if (!opts->replay && !opts->memory)
		return 0;
	for (i = 0; i < RTE_DIM(others); i++) {
		if (!others[i].given)
			continue;
		report_error("--%s: not with --%s", name, others[i].name);
		return -EINVAL;
	}
	if (opts->trace_path == NULL)
		return 0;
	opts->trace = &trace;

	return trace_load(opts->trace_path, &trace);
}
