/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_MP_UTIL_H
#define TEST_FASTMEM_MP_UTIL_H

/*
 * What the suites with secondary processes share. A test starts its own program
 * as one, which runs the same test, finds what it is to do in a memzone, and
 * writes its result there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rte_memzone.h>
#include <rte_stdatomic.h>

enum fastmem_test_mp_state {
	FASTMEM_TEST_MP_NEW,
	FASTMEM_TEST_MP_STARTED,
	FASTMEM_TEST_MP_DONE
};

/* A secondary process, as part of a memzone. */
struct fastmem_test_mp {
	RTE_ATOMIC(uint32_t) state;
	uint32_t task;  /* the test's own number for what is to be done */
	int32_t result; /* 0 for success; valid when it is done */
	/* The primary process's. */
	pid_t pid;      /* 0 if there is none */
	int code;       /* how it ended, as waitid() tells: CLD_EXITED ... */
	int status;     /* what with: its exit status, or a signal */
};

/* How to start one. */
struct fastmem_test_mp_args {
	const char *command; /* the name of the test */
	unsigned int number; /* of the process, see fastmem_test_mp_number() */
	unsigned int lcore_id; /* its first lcore */
	unsigned int n_lcores; /* on the CPUs of the caller's lcores, by turns */
	const char *env; /* a variable and its value, with a = between; or NULL */
	bool outlives; /* the caller, rather than die with it */
};

/* Reserve a memzone filled with zeros. */
const struct rte_memzone *
fastmem_test_mp_reserve(const char *name, size_t len);

/* Tell if there can be secondary processes, and why not, if so. */
bool
fastmem_test_mp_possible(void);

/* In a secondary process: find the memzone; NULL, and say so, if no test
 * of the primary process runs.
 */
void *
fastmem_test_mp_lookup(const char *name);

/* In a secondary process: its number. */
unsigned int
fastmem_test_mp_number(void);

/* In a secondary process: say that it runs, do the task, and say that it is
 * done; returns what a test has to return.
 */
int
fastmem_test_mp_main(struct fastmem_test_mp *mp, int (*fn)(uint32_t task));

static inline uint32_t
fastmem_test_mp_state(const struct fastmem_test_mp *mp)
{
	return rte_atomic_load_explicit(&mp->state, rte_memory_order_acquire);
}

/* Start a process, and do not wait. */
int
fastmem_test_mp_spawn(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args);

/* Tell if a process has ended; its status is then valid. */
bool
fastmem_test_mp_ended(struct fastmem_test_mp *mp);

/* Wait until it has. */
void
fastmem_test_mp_wait(struct fastmem_test_mp *mp);

/*
 * Wait until a process that was spawned has started. EAL may fail to map memory
 * where the primary has it, by chance, so there are some attempts.
 * Returns TEST_SUCCESS, TEST_SKIPPED if none can be started, or TEST_FAILED.
 */
int
fastmem_test_mp_wait_start(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args);

/* Both. */
int
fastmem_test_mp_start(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args);

/* Wait for the end, and for success. */
int
fastmem_test_mp_end(struct fastmem_test_mp *mp);

/* All of it. */
int
fastmem_test_mp_run(struct fastmem_test_mp *mp, uint32_t task,
	const struct fastmem_test_mp_args *args);

#endif /* TEST_FASTMEM_MP_UTIL_H */
