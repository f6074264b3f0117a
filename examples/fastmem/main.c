/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "options.h"
#include "worker.h"

#define RX_DESCRIPTORS 1024
#define MBUF_CACHE 256

/* How often memory is looked at, which takes the heap's lock, and the least time
 * between looks at rings.
 */
#define SAMPLE_MS 100
#define POLL_US 200

#define MIB (1024.0 * 1024)

/* What a run with one allocator has shown. */
struct result {
	const char *name;
	bool ran;
	uint64_t packets;
	double seconds;    /* the slowest worker's */
	double cpu_ns;     /* per packet, of all workers */
	uint64_t taken;    /* bytes of the heap, at most */
	uint64_t live;     /* bytes in objects, at most */
	uint64_t most_flows;
	struct flow_counters counters;
	struct exporter exporter;
	unsigned int errors;
};

static struct options options;
static struct worker *workers[RTE_MAX_LCORE];
static unsigned int n_workers;
static struct rte_mempool *mbuf_pools[RTE_MAX_ETHPORTS];
static bool port_started[RTE_MAX_ETHPORTS];
static struct result results[OPTIONS_MAX_ALLOCATORS];
static struct result *result; /* of the run that goes on */
static const struct state_ops *ops;
static uint64_t heap_before; /* bytes, without the allocator */

static void
handle_signal(__rte_unused int signum)
{
	rte_atomic_store_explicit(&worker_stop, 1, rte_memory_order_relaxed);
}

static bool
is_stopped(void)
{
	return rte_atomic_load_explicit(&worker_stop,
		rte_memory_order_relaxed) != 0;
}

/* Ports. */

static int
port_start(uint16_t port)
{
	struct rte_eth_conf conf = { 0 };
	uint16_t n_rx = RX_DESCRIPTORS, n_tx = 0;
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret;

	snprintf(name, sizeof(name), "mbufs_%u", port);
	mbuf_pools[port] = rte_pktmbuf_pool_create(name, options.mbufs,
		MBUF_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		rte_eth_dev_socket_id(port));
	if (mbuf_pools[port] == NULL) {
		fprintf(stderr, "port %u: no memory for %u mbufs: %s\n", port,
			options.mbufs, rte_strerror(rte_errno));
		return -1;
	}
	ret = rte_eth_dev_configure(port, 1, 0, &conf);
	if (ret == 0)
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(port, &n_rx, &n_tx);
	if (ret == 0)
		ret = rte_eth_rx_queue_setup(port, 0, n_rx,
			rte_eth_dev_socket_id(port), NULL, mbuf_pools[port]);
	if (ret == 0)
		ret = rte_eth_dev_start(port);
	if (ret != 0) {
		fprintf(stderr, "port %u cannot be started with %u mbufs: %s\n",
			port, options.mbufs, rte_strerror(-ret));
		return -1;
	}
	port_started[port] = true;
	/* not all can, and those that make up packets need not */
	rte_eth_promiscuous_enable(port);
	return 0;
}

static unsigned int
port_close(uint16_t port)
{
	unsigned int n;

	if (port_started[port])
		rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	n = mbuf_pools[port] == NULL ? 0 :
		rte_mempool_in_use_count(mbuf_pools[port]);
	if (n != 0)
		printf("port %u: %u mbufs are lost\n", port, n);
	rte_mempool_free(mbuf_pools[port]);
	return n != 0;
}

/* Workers: all other lcores or, where there is none, this one. */

static int
workers_create(void)
{
	unsigned int n_wanted = rte_lcore_count() > 1 ?
		rte_lcore_count() - 1 : 1;
	unsigned int lcore_id = rte_get_main_lcore(), i = 0;
	struct worker *worker;
	uint16_t port;

	n_wanted = RTE_MIN(n_wanted, (unsigned int)rte_eth_dev_count_avail());
	while (n_workers < n_wanted) {
		if (rte_lcore_count() > 1)
			lcore_id = rte_get_next_lcore(lcore_id, 1, 1);
		worker = worker_create(lcore_id, options.max_flows);
		if (worker == NULL) {
			fprintf(stderr, "no memory for %u flows of lcore %u\n",
				options.max_flows, lcore_id);
			return -1;
		}
		worker->most_packets = options.packets;
		worker->tick = options.tick;
		worker->replay = options.replay;
		workers[n_workers++] = worker;
	}
	RTE_ETH_FOREACH_DEV(port) {
		worker = workers[i++ % n_workers];
		worker->ports[worker->n_ports++].id = port;
		printf("port %u: lcore %u\n", port, worker->lcore_id);
	}
	if (rte_lcore_count() > n_workers + 1)
		printf("lcores without a port: %u\n",
			rte_lcore_count() - n_workers - 1);
	return 0;
}

/* One run. */

/* Take what workers have sent; returns how many records there were. */
static unsigned int
drain(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < n_workers; i++)
		n += worker_export(workers[i], ops, &result->exporter);
	return n;
}

/* Look at what is there in memory, and remember the most of it. */
static void
sample(void)
{
	uint64_t live = 0, heap = state_heap_bytes();
	unsigned int i;

	for (i = 0; i < n_workers; i++)
		live += rte_atomic_load_explicit(&workers[i]->live_bytes,
			rte_memory_order_relaxed);
	if (heap > heap_before)
		result->taken = RTE_MAX(result->taken, heap - heap_before);
	result->live = RTE_MAX(result->live, live);
}

static uint64_t next_sample;

static void
sample_sometimes(void)
{
	uint64_t now = rte_get_timer_cycles();

	if (now < next_sample)
		return;
	sample();
	next_sample = now + rte_get_timer_hz() * SAMPLE_MS / 1000;
}

/* Between bursts, when this lcore is the worker. */
static void
idle(void)
{
	drain();
	sample_sometimes();
}

static bool
workers_are_busy(void)
{
	unsigned int i;

	for (i = 0; i < n_workers; i++)
		if (rte_eal_get_lcore_state(workers[i]->lcore_id) == RUNNING)
			return true;
	return false;
}

/* Run a function on all workers, and export meanwhile. */
static void
workers_do(int (*func)(void *worker))
{
	unsigned int i;

	if (workers[0]->lcore_id == rte_lcore_id()) {
		func(workers[0]);
	} else {
		for (i = 0; i < n_workers; i++)
			rte_eal_remote_launch(func, workers[i],
				workers[i]->lcore_id);
		while (workers_are_busy()) {
			if (drain() == 0)
				rte_delay_us_sleep(POLL_US);
			sample_sometimes();
		}
		for (i = 0; i < n_workers; i++)
			rte_eal_wait_lcore(workers[i]->lcore_id);
	}
	while (drain() != 0)
		;
}

static void
sum_counters(void)
{
	struct flow_counters *sum = &result->counters;
	const uint64_t *from;
	unsigned int i, j;
	uint64_t *to = (uint64_t *)sum;

	RTE_BUILD_BUG_ON(sizeof(*sum) % sizeof(uint64_t) != 0);
	for (i = 0; i < n_workers; i++) {
		from = (const uint64_t *)&workers[i]->table.counters;
		for (j = 0; j < sizeof(*sum) / sizeof(uint64_t); j++)
			to[j] += from[j];
		result->packets += workers[i]->packets;
		result->cpu_ns += workers[i]->cpu_ns;
		result->seconds = RTE_MAX(result->seconds,
			(double)workers[i]->cycles / rte_get_tsc_hz());
		result->most_flows += workers[i]->table.most_flows;
	}
	result->cpu_ns = result->packets == 0 ? 0 :
		result->cpu_ns / result->packets;
}

/* Everything that was allocated has to be back. */
static void
check_counters(void)
{
	const struct flow_counters *c = &result->counters;
	uint64_t frees;
	unsigned int i;

	for (i = 0; i < STATE_N_TYPES; i++) {
		frees = c->frees[i];
		if (i == STATE_EXPORT)
			frees += result->exporter.records;
		if (c->allocs[i] == frees)
			continue;
		printf("%s: %" PRIu64 " objects of %s were allocated and %"
			PRIu64 " freed\n", result->name, c->allocs[i],
			state_infos[i].name, frees);
		result->errors++;
	}
	for (i = 0; i < n_workers; i++) {
		if (workers[i]->table.n_flows == 0)
			continue;
		printf("%s: %u flows are left in a table\n", result->name,
			workers[i]->table.n_flows);
		result->errors++;
	}
	if (c->bytes != 0) {
		printf("%s: %" PRIu64 " B of objects are left\n", result->name,
			c->bytes);
		result->errors++;
	}
}

/* All memory as well. */
static void
check_heap(void)
{
	uint64_t heap = state_heap_bytes();

	if (heap == heap_before)
		return;
	printf("%s: %" PRIu64 " B are allocated in the heap, %" PRIu64
		" before\n", result->name, heap, heap_before);
	result->errors++;
}

/* Which ports have given less than was asked for. */
static void
check_ports(void)
{
	unsigned int i, j;

	for (i = 0; i < n_workers; i++) {
		if (!workers[i]->silent)
			continue;
		for (j = 0; j < workers[i]->n_ports; j++) {
			if (workers[i]->ports[j].packets == options.packets)
				continue;
			printf("%s: port %u has given %" PRIu64 " of %" PRIu64
				" packets, and then none for %u s\n",
				result->name, workers[i]->ports[j].id,
				workers[i]->ports[j].packets, options.packets,
				SILENCE_S);
			result->errors++;
		}
	}
}

static int
run(void)
{
	unsigned int max[STATE_N_TYPES], i;
	int ret;

	/* each of them as if there were no others */
	for (i = 0; i < STATE_N_TYPES; i++)
		max[i] = options.max_flows * n_workers;
	/* a first payload, and names or what is behind gaps */
	max[STATE_NOTE] *= 2;
	max[STATE_EXPORT] = WORKER_RING_SIZE * n_workers;

	result->name = ops->name;
	heap_before = state_heap_bytes();
	ret = ops->open(max);
	if (ret != 0) {
		printf("%s cannot be set up for %u flows: %s\n", ops->name,
			options.max_flows * n_workers, rte_strerror(-ret));
		result->errors++;
		return -1;
	}
	result->ran = true;
	for (i = 0; i < n_workers; i++) {
		worker_open(workers[i], ops);
		workers[i]->idle = workers[i]->lcore_id == rte_lcore_id() ?
			idle : NULL;
	}
	workers_do(worker_run);
	sample();
	workers_do(worker_close);
	sum_counters();
	check_ports();
	check_counters();
	result->errors += ops->close();
	check_heap();
	return 0;
}

/* The report. */

static void
print_run(void)
{
	const struct flow_counters *c = &result->counters;
	unsigned int i;

	printf("%s: %" PRIu64 " packets", result->name, result->packets);
	for (i = 0; i < PACKET_N_KINDS; i++)
		printf(", %s %" PRIu64, packet_kind_names[i], c->packets[i]);
	printf("\n  flows ended: closed %" PRIu64 ", reset %" PRIu64 ", idle %"
		PRIu64 ", at the end %" PRIu64 "; digest %016" PRIx64 "\n",
		c->ended[FLOW_END_CLOSED], c->ended[FLOW_END_RESET],
		c->ended[FLOW_END_IDLE], c->ended[FLOW_END_STOP], c->digest);
	printf("  DNS answered %" PRIu64 ", packets reassembled %" PRIu64
		", gaps closed %" PRIu64 "\n", c->dns_answered, c->reassembled,
		c->gaps_closed);
	printf("  objects:");
	for (i = 0; i < STATE_N_TYPES; i++)
		printf("%s %s %" PRIu64, i == 0 ? "" : ",", state_infos[i].name + strlen("flow_"),
			c->allocs[i]);
	printf("\n");
	if (c->table_full != 0)
		printf("  table full %" PRIu64 "\n", c->table_full);
	printf("  exported %" PRIu64 " flows of %.1f MiB, dropped %" PRIu64 "\n",
		result->exporter.records, result->exporter.bytes / MIB,
		c->dropped_exports);
}

static void
print_table(unsigned int n)
{
	const struct result *r;

	printf("\n%-10s %11s %13s %11s %13s %11s\n", "allocator", "packets/s",
		"CPU ns/packet", "MiB taken", "MiB in state", "most flows");
	for (r = results; r < &results[n]; r++) {
		if (!r->ran) {
			printf("%-10s %11s %13s %11s %13s %11s\n", r->name, "-",
				"-", "-", "-", "-");
			continue;
		}
		printf("%-10s %11.0f %13.1f %11.2f %13.2f %11" PRIu64 "\n",
			r->name, r->seconds == 0 ? 0 : r->packets / r->seconds,
			r->cpu_ns, r->taken / MIB, r->live / MIB,
			r->most_flows);
	}
}

/* Keep the better one of two rounds. */
static void
keep_best(struct result *best, const struct result *last)
{
	if (!best->ran || best->packets == 0 || (last->packets != 0 &&
			last->seconds * best->packets <
			best->seconds * last->packets))
		*best = *last;
}

static unsigned int
run_all(void)
{
	unsigned int errors = 0, n = 0, i, round;
	bool damaged = false;
	struct result last;

	if (options.packets == 0)
		printf("the run goes on until SIGINT (Ctrl-C)\n");
	else
		printf("a run ends after %" PRIu64
			" packets of each port, or by SIGINT (Ctrl-C)\n",
			options.packets);
	result = &last;
	for (round = 0; round < options.rounds; round++) {
		for (i = 0; i < options.n_allocators && !is_stopped() &&
				!damaged; i++) {
			memset(&last, 0, sizeof(last));
			ops = options.allocators[i];
			if (run() == 0) {
				if (round == 0)
					print_run();
				/* the next one would be no better off */
				damaged = last.errors != 0;
			}
			if (last.counters.nomem != 0) {
				printf("%s: there was no memory for %" PRIu64
					" objects\n", last.name,
					last.counters.nomem);
				errors++;
			}
			errors += last.errors;
			keep_best(&results[i], &last);
			n = RTE_MAX(n, i + 1);
		}
	}
	print_table(n);
	if (errors != 0)
		printf("errors: %u\n", errors);
	if (is_stopped())
		printf("stopped by a signal\n");
	return errors;
}

int
main(int argc, char **argv)
{
	const char *program = argv[0];
	unsigned int errors = 1, i;
	uint16_t port;
	int ret;

	/* what it says is to be seen at once, wherever it goes */
	setvbuf(stdout, NULL, _IOLBF, 0);
	ret = rte_eal_init(argc, argv);
	if (ret < 0) {
		fprintf(stderr, "EAL cannot be initialized: %s\n",
			rte_strerror(rte_errno));
		return EXIT_FAILURE;
	}
	if (options_parse(&options, argc - ret, argv + ret) != 0)
		goto cleanup;
	if (options.help) {
		options_print_help(program);
		errors = 0;
		goto cleanup;
	}
	if (rte_eth_dev_count_avail() == 0) {
		fprintf(stderr, "no port: name one by an option of EAL, such as --vdev net_pcap0,rx_pcap=FILE,infinite_rx=1\n");
		goto cleanup;
	}
	signal(SIGINT, handle_signal);
	signal(SIGTERM, handle_signal);

	ret = 0;
	RTE_ETH_FOREACH_DEV(port)
		if (ret == 0)
			ret = port_start(port);
	if (ret == 0)
		ret = workers_create();
	if (ret == 0)
		errors = run_all();
	for (i = 0; i < n_workers; i++)
		worker_free(workers[i]);
	RTE_ETH_FOREACH_DEV(port)
		errors += port_close(port);

cleanup:
	rte_eal_cleanup();
	return errors == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
