/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef CALLER_H
#define CALLER_H

/*
 * Who makes the calls that are measured. What an allocator keeps for each
 * lcore is not there for every thread, or is found in another way in another
 * process. All callers run the same loops, one of them at a time, on the CPU
 * of the main lcore.
 */

#include "allocator.h"
#include "scenario.h"

struct caller {
	const char *name;
	const char *desc;

	/*
	 * Once in a run, after the allocators were started and before they are
	 * stopped. Returns why there is no such caller here, or NULL. Optional,
	 * as the others below are.
	 */
	const char *(*start)(void);
	void (*stop)(void);

	/*
	 * Before and after the measurements of a subject, which is identified
	 * by its allocator: there is one subject of each at a time.
	 * Returns 0 or a negative errno.
	 */
	int (*open)(const struct scenario *scenario,
		const struct subject *subject);
	void (*close)(const struct scenario *scenario,
		const struct subject *subject);

	/*
	 * Between two measurements: be made anew, with the subjects that are
	 * open. The caller is gone if that fails, and says so when it is to
	 * run.
	 */
	void (*renew)(void);

	/* What a scenario's run() does, and returns. Not optional. */
	int (*run)(const struct scenario *scenario,
		const struct subject *subject, uint64_t n,
		struct sample *sample);
};

extern const struct caller lcore_caller;
extern const struct caller thread_caller;
extern const struct caller secondary_caller;

#define MAX_CALLERS 3

/* All callers, ended by NULL. */
extern const struct caller * const callers[];

/* The one that the others are compared to. */
#define REFERENCE_CALLER (&lcore_caller)

const struct caller *
caller_find(const char *name);

/* Those that cannot be started are remembered, and are no error. */
void
callers_start(const struct caller * const *chosen, unsigned int n);

void
callers_stop(void);

void
callers_renew(void);

/* Why there is no such caller, or NULL. */
const char *
caller_obstacle(const struct caller *caller);

#endif /* CALLER_H */
