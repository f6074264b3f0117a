/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <sched.h>
#include <stdio.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "worker.h"

#define EXPORT_BURST 64

RTE_ATOMIC(int) worker_stop;

static bool
worker_send(void *arg, struct flow_export *record)
{
	struct worker *worker = arg;

	while (rte_ring_sp_enqueue(worker->ring, record) != 0) {
		/* packets do not wait */
		if (worker->idle == NULL && !worker->closing)
			return false;
		if (worker->idle != NULL)
			worker->idle();
		else
			sched_yield();
	}
	return true;
}

struct worker *
worker_create(unsigned int lcore_id, uint32_t max_flows)
{
	int socket_id = rte_lcore_to_socket_id(lcore_id);
	struct worker *worker;
	char name[RTE_RING_NAMESIZE];

	worker = rte_zmalloc_socket(NULL, sizeof(*worker), RTE_CACHE_LINE_SIZE,
		socket_id);
	if (worker == NULL)
		return NULL;
	snprintf(name, sizeof(name), "exports_%u", lcore_id);
	worker->lcore_id = lcore_id;
	worker->ring = rte_ring_create(name, WORKER_RING_SIZE, socket_id,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	worker->table.export = worker_send;
	worker->table.export_arg = worker;
	if (worker->ring == NULL || flow_table_create(&worker->table, lcore_id,
			max_flows, socket_id) != 0) {
		worker_free(worker);
		return NULL;
	}
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	flow_table_destroy(&worker->table);
	rte_ring_free(worker->ring);
	rte_free(worker);
}

/* One burst of one port; returns whether it may have more. */
static bool
worker_port(struct worker *worker, unsigned int i)
{
	uint64_t left = worker->most_packets == 0 ? FLOW_BURST_MAX :
		worker->most_packets - worker->ports[i].packets;
	struct rte_mbuf *mbufs[FLOW_BURST_MAX];
	uint16_t n;

	if (left == 0)
		return false;
	if (worker->replay != 0) {
		worker->table.pass = worker->ports[i].packets / worker->replay;
		left = RTE_MIN(left, worker->replay -
			worker->ports[i].packets % worker->replay);
	}
	n = rte_eth_rx_burst(worker->ports[i].id, 0, mbufs,
		RTE_MIN(left, (uint64_t)FLOW_BURST_MAX));
	if (n == 0)
		return true;
	worker->ports[i].packets += n;
	worker->packets += n;
	flow_table_packets(&worker->table, mbufs, n);
	rte_pktmbuf_free_bulk(mbufs, n);
	flow_table_tick(&worker->table, worker->packets / worker->tick);
	rte_atomic_store_explicit(&worker->live_bytes,
		worker->table.counters.bytes, rte_memory_order_relaxed);
	return true;
}

void
worker_open(struct worker *worker, const struct state_ops *ops)
{
	unsigned int i;

	flow_table_open(&worker->table, ops);
	worker->closing = false;
	worker->silent = false;
	worker->packets = 0;
	worker->cycles = 0;
	worker->cpu_ns = 0;
	for (i = 0; i < worker->n_ports; i++)
		worker->ports[i].packets = 0;
	rte_atomic_store_explicit(&worker->live_bytes, 0,
		rte_memory_order_relaxed);
}

static uint64_t
cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

int
worker_run(void *arg)
{
	struct worker *worker = arg;
	uint64_t before, begin, begin_cpu, silent_since = 0;
	unsigned int i;
	bool more;

	begin_cpu = cpu_ns();
	begin = rte_rdtsc_precise();
	do {
		before = worker->packets;
		more = false;
		for (i = 0; i < worker->n_ports; i++)
			more |= worker_port(worker, i);
		if (worker->idle != NULL)
			worker->idle();
		if (worker->packets != before)
			silent_since = 0;
		else if (silent_since == 0)
			silent_since = rte_rdtsc();
		else if (more && worker->most_packets != 0)
			worker->silent = rte_rdtsc() - silent_since >
				SILENCE_S * rte_get_tsc_hz();
	} while (more && !worker->silent &&
		!rte_atomic_load_explicit(&worker_stop,
			rte_memory_order_relaxed));
	worker->cycles = rte_rdtsc_precise() - begin;
	worker->cpu_ns = cpu_ns() - begin_cpu;
	return 0;
}

int
worker_close(void *arg)
{
	struct worker *worker = arg;

	worker->closing = true;
	flow_table_close(&worker->table);
	return 0;
}

unsigned int
worker_export(struct worker *worker, const struct state_ops *ops,
	struct exporter *exporter)
{
	struct flow_export *record;
	void *records[EXPORT_BURST];
	unsigned int n, i;

	n = rte_ring_sc_dequeue_burst(worker->ring, records, EXPORT_BURST,
		NULL);
	for (i = 0; i < n; i++) {
		record = records[i];
		exporter->records++;
		exporter->bytes += record->bytes[0] + record->bytes[1];
		ops->free(STATE_EXPORT, record);
	}
	return n;
}
