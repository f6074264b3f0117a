/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_DEATH_H
#define TEST_FASTMEM_DEATH_H

/*
 * What the processes of the suite of deaths share, and what its files do.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_fastmem.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_ledger.h"
#include "test_fastmem_mp_util.h"
#include "test_fastmem_util.h"

#define DEATH_COMMAND "fastmem_death_autotest"
#define DEATH_AREA_NAME "test_fm_death_area"

/* Process 0 is the primary one. */
#define DEATH_N_PROCS 4
/* Lcores of a secondary process: the first ones of the primary have the
 * same ids.
 */
#define DEATH_N_LCORES 3
/* Lcores that work for the primary, at most. */
#define DEATH_N_PRIMARY_LCORES 4
/* Threads that work for a process: its lcores', and one without an lcore. */
#define DEATH_N_ACTORS 5
#define DEATH_N_LEDGERS (DEATH_N_PROCS * DEATH_N_ACTORS)
static_assert(DEATH_N_LEDGERS <= FASTMEM_TEST_LEDGERS_MAX &&
	DEATH_N_ACTORS * FASTMEM_TEST_LEDGER_OBJS <= FASTMEM_TEST_MAYBES_MAX &&
	DEATH_N_PRIMARY_LCORES < DEATH_N_ACTORS &&
	DEATH_N_LCORES < DEATH_N_ACTORS,
	"more threads than a ledger can tell from each other");

/* Objects in the cache of a process with that task, all in one slab or two. */
#define DEATH_HOARD_CLASS 9 /* of 4 KiB */
#define DEATH_N_HOARDED 400

#define DEATH_MAX_POINTS 160
#define DEATH_POINT_NAME 32

/* What secondary processes do. */
enum death_task {
	DEATH_TASK_WORK,    /* everything */
	DEATH_TASK_GROW,    /* need more and more memory */
	DEATH_TASK_THREADS, /* everything, in threads without an lcore id */
	DEATH_TASK_ATTACH,  /* attach and detach */
	DEATH_TASK_IDLE,    /* attach, and hold nothing */
	DEATH_TASK_HOARD    /* hold objects in caches */
};

/* How often a race point of the library was come to. */
struct death_point {
	char name[DEATH_POINT_NAME];
	uint64_t n;
};

struct death_area {
	uint64_t seed;
	uint64_t budget; /* bytes that a thread holds, at most */
	uint64_t n_spawned; /* processes, so that each has other random numbers */
	int32_t socket_id;
	rte_fastmem_handle_t handles[FASTMEM_TEST_N_CLASSES];
	struct fastmem_test_mp procs[DEATH_N_PROCS];
	RTE_ATOMIC(uint32_t) stops[DEATH_N_PROCS]; /* asks a process to end */
	RTE_ATOMIC(uint32_t) failed; /* some process has found something */
	RTE_ATOMIC(uint32_t) hoarded; /* the objects are in the cache */
	/* Of the process that left last. */
	uint32_t n_points;
	struct death_point points[DEATH_MAX_POINTS];
	struct fastmem_test_ledgers all; /* the last one: has no fixed size */
};

extern struct death_area *death_area;

static inline uint32_t
death_ledger_id(unsigned int proc, unsigned int actor)
{
	return proc * DEATH_N_ACTORS + actor;
}

static inline bool
death_stopped(unsigned int proc)
{
	return rte_atomic_load_explicit(&death_area->stops[proc],
		rte_memory_order_relaxed) != 0;
}

static inline bool
death_failed(void)
{
	return rte_atomic_load_explicit(&death_area->failed,
		rte_memory_order_relaxed) != 0;
}

/* The number of the pause that there is to be, if any. */
static inline uint32_t
death_pause(void)
{
	return fastmem_test_ledgers_pause(&death_area->all);
}

/* A thread that works. */
struct death_actor {
	uint64_t state; /* of its random numbers */
	uint32_t proc;
	uint32_t id;    /* of its ledger */
	enum death_task task;
	uint64_t end;   /* when to return, in timer cycles */
	uint64_t bytes;
	int result;
};

/* The name of what ledger->call has, for messages. */
const char *
death_call_name(uint32_t call);

void
death_actor_init(struct death_actor *a, unsigned int proc, unsigned int actor,
	enum death_task task, uint64_t seed);

/* Work until the end, or until the process is stopped. */
int
death_act(struct death_actor *a);

/* Free everything in a ledger. */
int
death_free_all(struct death_actor *a);

/* What a secondary process does. */
int
death_secondary(uint32_t task);

/* Read the race points out of a dump; returns how many there are. */
unsigned int
death_read_points(struct death_point *points, unsigned int max);

/*
 * By the primary process: a run with several secondary processes, which die
 * one after the other, while the primary's threads work.
 */

struct death_run {
	enum death_task task;  /* of the secondary processes */
	unsigned int n_procs;  /* of them at a time, at most DEATH_N_PROCS - 1 */
	unsigned int n_deaths; /* in all */
	bool polite;           /* they are told to end */
	bool at_points;        /* they may kill themselves */
	bool always_trim;
	bool quiet;            /* the primary has no threads at work */
	uint64_t limit;        /* of backing memory; 0 for a random one */
	/* What is left is for the run itself. */
	uint64_t state; /* of its random numbers */
	struct fastmem_test_mp_args args[DEATH_N_PROCS];
	char env[96];
	bool watched;
	unsigned int n_threads;
	rte_thread_t thread;
	struct death_actor actors[DEATH_N_ACTORS]; /* of the primary */
	/* Objects that may be allocated, but nobody knows where. */
	uint64_t leaked[FASTMEM_TEST_N_CLASSES];
	/* Sums, for the report. */
	unsigned int n_done, n_reclaimed, n_self;
	uint64_t n_held, n_freeing, n_allocating, n_settled;
	uint64_t cycles_start, cycles_lock, cycles_death, cycles_reclaim;
	uint64_t cycles_stop, cycles_check;
	uint64_t backing_max;
};

/* A number below n. */
uint64_t
death_rnd(struct death_run *run, uint64_t n);

/* Start the primary's threads; secondary processes are spawned one by one. */
int
death_run_begin(struct death_run *run);
int
death_spawn(struct death_run *run, unsigned int proc, enum death_task task,
	const char *env);
/* Wait until a process runs, and until one ends: by itself if it does so
 * within the time, or else killed, or told to.
 */
int
death_await_start(struct death_run *run, unsigned int proc,
	enum death_task task);
int
death_await_end(struct death_run *run, unsigned int proc, uint64_t us,
	bool *self);
/* What holds after a death; the process's ledgers are free for another one. */
int
death_check(struct death_run *run, unsigned int proc);
/* The checks of that, and of the end, where nobody holds anything. */
int
death_check_state(struct death_run *run, unsigned int proc);
int
death_check_end(struct death_run *run);
/* If all went well, end everything, and free everything; stop otherwise. */
int
death_run_finish(struct death_run *run, int ret);
/* All of it. */
int
death_run(struct death_run *run);
/* The same where deaths are at race points. */
int
death_run_points(struct death_run *run);

/* Where the run is, for the case that it stays there; NULL when it is over. */
void
death_where(const char *where);

#endif /* TEST_FASTMEM_DEATH_H */
