/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "options.h"

#define DEFAULT_MAX_FLOWS 32768
#define DEFAULT_MBUFS 16384
#define DEFAULT_PACKETS 1000000
#define DEFAULT_ROUNDS 1
#define DEFAULT_TICK 1024

enum {
	OPT_ALLOCATOR = 256,
	OPT_MAX_FLOWS,
	OPT_MBUFS,
	OPT_PACKETS,
	OPT_REPLAY,
	OPT_ROUNDS,
	OPT_TICK,
};

static const struct option long_options[] = {
	{ "allocator", required_argument, NULL, OPT_ALLOCATOR },
	{ "help", no_argument, NULL, 'h' },
	{ "max-flows", required_argument, NULL, OPT_MAX_FLOWS },
	{ "mbufs", required_argument, NULL, OPT_MBUFS },
	{ "packets", required_argument, NULL, OPT_PACKETS },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "tick", required_argument, NULL, OPT_TICK },
	{ NULL, 0, NULL, 0 }
};

static const struct state_ops * const all_allocators[OPTIONS_MAX_ALLOCATORS] = {
	&state_fastmem,
	&state_mempool,
	&state_malloc,
};

void
options_print_help(const char *program)
{
	printf("Usage: %s [EAL OPTION...] -- [OPTION...]\n"
		"Keep a table of the flows that come in at the ports, in memory of one\n"
		"allocator after the other, and compare them.\n"
		"\n"
		"  --allocator NAME  fastmem, mempool, malloc, or all of them (all)\n"
		"  --packets N       end a run after N packets of each port, or, if N is 0,\n"
		"                    when there is a signal (%u)\n"
		"  --rounds N        take turns so often, and show the best of each (%u)\n"
		"  --replay N        the ports replay a file of N packets: take each pass\n"
		"                    for traffic of other hosts, and end with a pass\n"
		"  --max-flows N     flows that each worker has room for (%u)\n"
		"  --mbufs N         mbufs of each port (%u)\n"
		"  --tick N          packets in a tick of the clock that timeouts are\n"
		"                    measured by (%u)\n"
		"  --help            show this text\n", program,
		DEFAULT_PACKETS, DEFAULT_ROUNDS, DEFAULT_MAX_FLOWS,
		DEFAULT_MBUFS, DEFAULT_TICK);
}

static int
parse_allocator(struct options *options, const char *name)
{
	unsigned int i;

	options->n_allocators = 0;
	for (i = 0; i < RTE_DIM(all_allocators); i++)
		if (strcmp(name, "all") == 0 ||
				strcmp(name, all_allocators[i]->name) == 0)
			options->allocators[options->n_allocators++] =
				all_allocators[i];
	if (options->n_allocators != 0)
		return 0;
	fprintf(stderr, "--allocator: '%s' is none of fastmem, mempool, malloc, all\n",
		name);
	return -1;
}

static int
parse_number(const char *name, const char *text, uint64_t least, uint64_t most,
	uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 &&
			*number >= least && *number <= most)
		return 0;
	fprintf(stderr, "--%s: '%s' is not a number from %" PRIu64 " to %"
		PRIu64 "\n", name, text, least, most);
	return -1;
}

static int
parse_one(struct options *options, int opt, const char *name)
{
	uint64_t number;

	switch (opt) {
	case OPT_ALLOCATOR:
		return parse_allocator(options, optarg);
	case OPT_PACKETS:
		return parse_number(name, optarg, 0, UINT64_C(1) << 48,
			&options->packets);
	case OPT_REPLAY:
		return parse_number(name, optarg, 1, UINT64_C(1) << 48,
			&options->replay);
	case OPT_MAX_FLOWS:
		if (parse_number(name, optarg, 8, 1 << 22, &number) != 0)
			return -1;
		options->max_flows = number;
		return 0;
	case OPT_MBUFS:
		if (parse_number(name, optarg, 1024, 1 << 24, &number) != 0)
			return -1;
		options->mbufs = number;
		return 0;
	case OPT_ROUNDS:
		if (parse_number(name, optarg, 1, 1000, &number) != 0)
			return -1;
		options->rounds = number;
		return 0;
	case OPT_TICK:
		if (parse_number(name, optarg, 1, 1 << 24, &number) != 0)
			return -1;
		options->tick = number;
		return 0;
	default:
		options->help = true;
		return 0;
	}
}

/* All runs begin with the same packet if they are of whole passes of a file. */
static int
complete_packets(struct options *options)
{
	uint64_t replay = options->replay;

	if (options->packets == UINT64_MAX)
		options->packets = replay == 0 ? DEFAULT_PACKETS :
			(DEFAULT_PACKETS + replay - 1) / replay * replay;
	if (replay == 0 || options->packets % replay == 0)
		return 0;
	fprintf(stderr, "--packets: %" PRIu64
		" is not a multiple of what --replay says, %" PRIu64 "\n",
		options->packets, replay);
	return -1;
}

int
options_parse(struct options *options, int argc, char **argv)
{
	int opt, index = -1;

	memset(options, 0, sizeof(*options));
	options->max_flows = DEFAULT_MAX_FLOWS;
	options->mbufs = DEFAULT_MBUFS;
	options->packets = UINT64_MAX;
	options->rounds = DEFAULT_ROUNDS;
	options->tick = DEFAULT_TICK;
	if (parse_allocator(options, "all") != 0)
		return -1;
	/* EAL has used it, too */
	optind = 1;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
		if (opt == '?' || opt == ':') {
			fprintf(stderr, opt == ':' ? "%s: a value is missing\n" :
				"unknown option '%s', see --help\n",
				argv[optind - 1]);
			return -1;
		}
		if (parse_one(options, opt, index >= 0 ?
				long_options[index].name : "") != 0)
			return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "unexpected argument '%s', see --help\n",
			argv[optind]);
		return -1;
	}
	return complete_packets(options);
}
