/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A thread that EAL does not know, on the CPU of the main lcore, which sleeps
 * meanwhile.
 */

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>

#include <rte_lcore.h>
#include <rte_thread.h>

#include "caller.h"

enum job {
	JOB_CHECK,
	JOB_RUN,
	JOB_FLUSH,
	JOB_QUIT,
};

/* What the thread is to do; written by the main lcore. */
struct work {
	enum job job;
	const struct scenario *scenario;
	const struct subject *subject;
	uint64_t n;
	struct sample *sample;
};

static struct work work;
static int result;
static sem_t todo, done;
static rte_thread_t thread;

static void
wait_for(sem_t *sem)
{
	while (sem_wait(sem) < 0 && errno == EINTR)
		;
}

static int
do_work(void)
{
	switch (work.job) {
	case JOB_CHECK:
		return rte_lcore_id() == LCORE_ID_ANY ? 0 : -ENOTSUP;
	case JOB_RUN:
		return scenario_run(work.scenario, work.subject, work.n,
				work.sample);
	case JOB_FLUSH:
		if (work.subject->alloc->flush != NULL)
			work.subject->alloc->flush();
		return 0;
	default:
		return 0;
	}
}

static uint32_t
thread_main(void *arg __rte_unused)
{
	bool quit;

	do {
		wait_for(&todo);
		quit = work.job == JOB_QUIT;
		result = do_work();
		sem_post(&done);
	} while (!quit);

	return 0;
}

/* Have something done, and sleep until it is: there is one CPU for both. */
static int
thread_do(const struct work *new_work)
{
	work = *new_work;
	sem_post(&todo);
	wait_for(&done);

	return result;
}

static void
thread_stop(void)
{
	thread_do(&(struct work) { .job = JOB_QUIT });
	rte_thread_join(thread, NULL);
	sem_destroy(&todo);
	sem_destroy(&done);
}

static const char *
thread_start(void)
{
	sem_init(&todo, 0, 0);
	sem_init(&done, 0, 0);
	/* It has the CPUs of the thread that creates it. */
	if (rte_thread_create(&thread, NULL, thread_main, NULL) != 0) {
		sem_destroy(&todo);
		sem_destroy(&done);
		return "cannot create a thread";
	}
	if (thread_do(&(struct work) { .job = JOB_CHECK }) < 0) {
		thread_stop();
		return "it has an lcore id";
	}

	return NULL;
}

static int
thread_run(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	return thread_do(&(struct work) {
		.job = JOB_RUN,
		.scenario = scenario,
		.subject = subject,
		.n = n,
		.sample = sample,
	});
}

static void
thread_close(const struct scenario *scenario __rte_unused,
	const struct subject *subject)
{
	thread_do(&(struct work) { .job = JOB_FLUSH, .subject = subject });
}

const struct caller thread_caller = {
	.name = "thread",
	.desc = "a thread without an lcore id, on the CPU of the main lcore",
	.start = thread_start,
	.stop = thread_stop,
	.close = thread_close,
	.run = thread_run,
};
