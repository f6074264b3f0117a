/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include "fastmem_private.h"

#ifdef RTE_FASTMEM_DEBUG_RACES

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_per_lcore.h>

/* A thread is delayed once in 2^n times that it comes to a point, with n up to
 * this; the more frequent ones are for few points of each seed.
 */
#define RACE_MAX_SHIFT 10

/* The part of a thread's time that may be spent in delays: others may wait for
 * it.
 */
#define RACE_FRACTION 8

/* The longest delays. A sleep takes some 50 us more than asked for. */
#define RACE_MAX_SPINS 500
#define RACE_MAX_SLEEP_NS 100000

static const char *const race_names[FASTMEM_RACE_N] = {
#define RACE_NAME(name) #name,
	FASTMEM_RACE_POINTS(RACE_NAME)
};

/* Written before any thread runs. */
static uint64_t race_seed;
static uint8_t race_shifts[FASTMEM_RACE_N];

/* The point where the process is to end, FASTMEM_RACE_N if there is none, and
 * the time that it comes there.
 */
static unsigned int race_kill_point = FASTMEM_RACE_N;
static uint64_t race_kill_count;

/* Relaxed: nothing shall be ordered by a race point. */
static RTE_ATOMIC(uint64_t) race_threads;
static RTE_ATOMIC(uint64_t) race_counts[FASTMEM_RACE_N];

struct race_thread {
	uint64_t state; /* Of its random numbers; 0 before the first one. */
	uint64_t start; /* When it came to a point first, in TSC cycles. */
	uint64_t spent; /* In delays. */
};

static RTE_DEFINE_PER_LCORE(struct race_thread, race_self);

static uint64_t
race_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (x * UINT64_C(0x2545f4914f6cdd1d)) >> 16;
}

/* A state that is not zero, and differs widely for successive numbers. */
static uint64_t
race_start(uint64_t number)
{
	uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) | 1;
	unsigned int i;

	for (i = 0; i < 8; i++)
		race_next(&state);
	return state;
}

/* What the environment says of the point to end at: its name, and a number. */
static void
race_init_kill(const char *value)
{
	size_t len = value != NULL ? strcspn(value, ":") : 0;
	unsigned int i;

	if (len == 0)
		return;
	for (i = 0; i < FASTMEM_RACE_N; i++)
		if (strlen(race_names[i]) == len &&
				strncmp(race_names[i], value, len) == 0)
			break;
	race_kill_point = i;
	race_kill_count = value[len] != '\0' ?
		strtoull(&value[len + 1], NULL, 0) : 1;
	if (i == FASTMEM_RACE_N)
		FASTMEM_LOG(ERR, "FASTMEM_RACE_KILL=%s names no race point",
			value);
}

RTE_INIT(fastmem_race_init)
{
	const char *value = getenv("FASTMEM_RACE_SEED");
	uint64_t state;
	unsigned int i;

	race_seed = value != NULL && *value != '\0' ?
		strtoull(value, NULL, 0) :
		(uint64_t)time(NULL) * 1000003 + getpid();
	state = race_start(race_seed);
	for (i = 0; i < FASTMEM_RACE_N; i++)
		race_shifts[i] = race_next(&state) % 8 == 0 ?
			race_next(&state) % 4 :
			RACE_MAX_SHIFT - race_next(&state) % 6;
	race_init_kill(getenv("FASTMEM_RACE_KILL"));
	FASTMEM_LOG(NOTICE, "built with race points, FASTMEM_RACE_SEED=%" PRIu64,
		race_seed);
}

static void
race_delay(uint64_t random)
{
	struct timespec ts = { .tv_sec = 0 };
	unsigned int kind = random % 16, n;

	random /= 16;
	if (kind < 10) {
		for (n = random % RACE_MAX_SPINS; n > 0; n--)
			rte_pause();
	} else {
		/* less than what the system makes of it: just let others run */
		ts.tv_nsec = kind < 14 ? 1 : random % RACE_MAX_SLEEP_NS;
		nanosleep(&ts, NULL);
	}
}

static void
race_thread_init(struct race_thread *self)
{
	self->state = race_start(race_seed + 1 +
		rte_atomic_fetch_add_explicit(&race_threads, 1,
			rte_memory_order_relaxed));
	self->start = rte_get_tsc_cycles();
}

void
fastmem_race_point(enum fastmem_race point)
{
	struct race_thread *self = &RTE_PER_LCORE(race_self);
	uint64_t random, now, count;

	if (unlikely(self->state == 0))
		race_thread_init(self);
	count = 1 + rte_atomic_fetch_add_explicit(&race_counts[point], 1,
		rte_memory_order_relaxed);
	if (unlikely(point == race_kill_point && count == race_kill_count))
		kill(getpid(), SIGKILL);
	random = race_next(&self->state);
	if ((random & (RTE_BIT64(race_shifts[point]) - 1)) != 0)
		return;
	now = rte_get_tsc_cycles();
	if (self->spent > (now - self->start) / RACE_FRACTION)
		return;
	race_delay(random >> RACE_MAX_SHIFT);
	self->spent += rte_get_tsc_cycles() - now;
}

void
fastmem_race_dump(FILE *f)
{
	unsigned int i;

	fprintf(f, " race points, FASTMEM_RACE_SEED=%" PRIu64 ":\n", race_seed);
	for (i = 0; i < FASTMEM_RACE_N; i++)
		fprintf(f, "  %-28s %12" PRIu64 " 1/%u\n", race_names[i],
			rte_atomic_load_explicit(&race_counts[i],
				rte_memory_order_relaxed),
			1u << race_shifts[i]);
}

#endif /* RTE_FASTMEM_DEBUG_RACES */
