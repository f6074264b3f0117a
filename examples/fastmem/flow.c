/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_tcp.h>

#include "flow.h"

#define DNS_PORT 53

const struct state_info state_infos[STATE_N_TYPES] = {
	[STATE_TCP] = { "flow_tcp", sizeof(struct tcp_flow) },
	[STATE_UDP] = { "flow_udp", sizeof(struct udp_flow) },
	[STATE_FRAG] = { "flow_fragments", sizeof(struct frag_flow) },
	[STATE_DNS] = { "flow_dns", sizeof(struct dns_query) },
	[STATE_TIMER] = { "flow_timer", sizeof(struct timer) },
	[STATE_NOTE] = { "flow_note", sizeof(struct note) + NOTE_MAX },
	[STATE_EXPORT] = { "flow_export", sizeof(struct flow_export) },
};

/* Objects of the table's allocator, counted. */

static void *
state_alloc(struct flow_table *table, enum state_type type, size_t size)
{
	void *obj = table->ops->alloc(type, size);

	if (unlikely(obj == NULL)) {
		table->counters.nomem++;
		return NULL;
	}
	table->counters.allocs[type]++;
	table->counters.bytes += size;
	return obj;
}

static void
state_free(struct flow_table *table, enum state_type type, void *obj,
	size_t size)
{
	table->counters.frees[type]++;
	table->counters.bytes -= size;
	table->ops->free(type, obj);
}

/* Notes: as much of some data as there may be in one. */

static struct note *
note_take(struct flow_table *table, const uint8_t *data, uint32_t len)
{
	uint32_t kept = RTE_MIN(len, (uint32_t)NOTE_MAX);
	struct note *note;

	note = state_alloc(table, STATE_NOTE, sizeof(*note) + kept);
	if (note == NULL)
		return NULL;
	note->next = NULL;
	note->len = len;
	memcpy(note->data, data, kept);
	return note;
}

static void
note_drop(struct flow_table *table, struct note *note)
{
	if (note != NULL)
		state_free(table, STATE_NOTE, note, sizeof(*note) +
			RTE_MIN(note->len, (uint32_t)NOTE_MAX));
}

/* Timers: a list for each of the ticks to come. */

static void
timer_start(struct flow_table *table, struct timer *timer, uint32_t deadline)
{
	struct timer *head = &table->wheel[deadline % WHEEL_SLOTS];

	timer->deadline = deadline;
	timer->next = head->next;
	timer->prev = head;
	head->next->prev = timer;
	head->next = timer;
}

static void
timer_stop(struct timer *timer)
{
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
}

static void
timer_drop(struct flow_table *table, struct flow *flow)
{
	timer_stop(flow->timer);
	state_free(table, STATE_TIMER, flow->timer, sizeof(*flow->timer));
	flow->timer = NULL;
}

/* Flows. */

/* Creation of a flow. 8< */
static struct flow *
flow_create(struct flow_table *table, const struct packet *packet)
{
	static const struct {
		enum state_type type;
		uint32_t timeout;
	} kinds[] = {
		[PACKET_TCP] = { STATE_TCP, TIMEOUT_HANDSHAKE },
		[PACKET_UDP] = { STATE_UDP, TIMEOUT_UDP },
		[PACKET_ICMP] = { STATE_UDP, TIMEOUT_ICMP },
		[PACKET_FRAGMENT] = { STATE_FRAG, TIMEOUT_FRAGMENTS },
	};
	enum state_type type = kinds[packet->kind].type;
	struct flow *flow;

	if (table->n_flows == table->max_flows) {
		table->counters.table_full++;
		return NULL;
	}
	flow = state_alloc(table, type, state_infos[type].size);
	if (flow == NULL)
		return NULL;
	memset(flow, 0, state_infos[type].size);
	flow->timer = state_alloc(table, STATE_TIMER, sizeof(*flow->timer));
	if (flow->timer == NULL) {
		state_free(table, type, flow, state_infos[type].size);
		return NULL;
	}
	flow->key = packet->key;
	flow->type = type;
	flow->started = table->now;
	flow->last_seen = table->now;
	flow->timeout = kinds[packet->kind].timeout;
	if (rte_hash_add_key_data(table->hash, &flow->key, flow) != 0) {
		table->counters.table_full++;
		state_free(table, STATE_TIMER, flow->timer, sizeof(*flow->timer));
		state_free(table, type, flow, state_infos[type].size);
		return NULL;
	}
	flow->timer->flow = flow;
	timer_start(table, flow->timer, table->now + flow->timeout);
	table->n_flows++;
	table->most_flows = RTE_MAX(table->most_flows, table->n_flows);
	return flow;
}

/* >8 End of creation of a flow. */

static void
flow_export(struct flow_table *table, const struct flow *flow,
	enum flow_end end)
{
	struct flow_export *record;

	record = state_alloc(table, STATE_EXPORT, sizeof(*record));
	if (record == NULL)
		return;
	record->key = flow->key;
	memcpy(record->packets, flow->packets, sizeof(record->packets));
	memcpy(record->bytes, flow->bytes, sizeof(record->bytes));
	record->duration = flow->last_seen - flow->started;
	record->end = end;
	table->counters.digest += (uint64_t)rte_hash_crc(&record->key,
		sizeof(record->key), record->duration) *
		(record->bytes[0] * 3 + record->bytes[1] + end);
	if (table->export(table->export_arg, record)) {
		/* its reader frees it */
		table->counters.bytes -= sizeof(*record);
		return;
	}
	table->counters.dropped_exports++;
	state_free(table, STATE_EXPORT, record, sizeof(*record));
}

static void
tcp_clear(struct flow_table *table, struct tcp_flow *tcp)
{
	struct note *note;
	unsigned int i;

	for (i = 0; i < RTE_DIM(tcp->sides); i++) {
		while ((note = tcp->sides[i].gaps) != NULL) {
			tcp->sides[i].gaps = note->next;
			note_drop(table, note);
		}
	}
}

static void
dns_drop(struct flow_table *table, struct udp_flow *udp,
	struct dns_query **link)
{
	struct dns_query *query = *link;

	*link = query->next;
	udp->n_queries--;
	note_drop(table, query->name);
	state_free(table, STATE_DNS, query, sizeof(*query));
}

static void
flow_destroy(struct flow_table *table, struct flow *flow, enum flow_end end)
{
	struct udp_flow *udp;

	table->counters.ended[end]++;
	flow_export(table, flow, end);
	if (flow->type == STATE_TCP) {
		tcp_clear(table, (struct tcp_flow *)flow);
	} else if (flow->type == STATE_UDP) {
		udp = (struct udp_flow *)flow;
		while (udp->queries != NULL)
			dns_drop(table, udp, &udp->queries);
	}
	note_drop(table, flow->note);
	timer_drop(table, flow);
	rte_hash_del_key(table->hash, &flow->key);
	table->n_flows--;
	state_free(table, flow->type, flow, state_infos[flow->type].size);
}

/* Later packets of the same burst may be the flow's, too. */
static void
flow_end(struct flow_table *table, struct flow *flow, enum flow_end end)
{
	if (flow->end != FLOW_END_NONE)
		return;
	flow->end = end;
	table->ended[table->n_ended++] = flow;
}

/* TCP. */

static bool
seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Keep a segment behind a gap, in the order of sequence numbers. */
static void
tcp_keep(struct flow_table *table, struct tcp_side *side,
	const struct packet *packet)
{
	struct note **link = &side->gaps;
	struct note *note;

	if (side->n_gaps == TCP_GAPS_MAX)
		return;
	while (*link != NULL && seq_before((*link)->seq, packet->seq))
		link = &(*link)->next;
	if (*link != NULL && (*link)->seq == packet->seq) {
		side->n_again++;
		return;
	}
	note = note_take(table, packet->payload, packet->payload_len);
	if (note == NULL)
		return;
	note->seq = packet->seq;
	note->next = *link;
	*link = note;
	side->n_gaps++;
}

/* Go on with what was kept, now that the gap before it is closed. */
static void
tcp_close_gaps(struct flow_table *table, struct tcp_side *side)
{
	struct note *note;

	while ((note = side->gaps) != NULL &&
			!seq_before(side->next_seq, note->seq)) {
		if (seq_before(side->next_seq, note->seq + note->len))
			side->next_seq = note->seq + note->len;
		side->gaps = note->next;
		side->n_gaps--;
		table->counters.gaps_closed++;
		note_drop(table, note);
	}
}

static void
tcp_data(struct flow_table *table, struct tcp_side *side,
	const struct packet *packet)
{
	uint32_t end = packet->seq + packet->payload_len;

	side->histogram[RTE_MIN(packet->payload_len / 100,
		(uint32_t)TCP_HISTOGRAM - 1)]++;
	if (packet->payload_len == 0)
		return;
	if (!side->known) {
		side->known = true;
		side->next_seq = end;
	} else if (!seq_before(side->next_seq, end)) {
		side->n_again++;
	} else if (seq_before(side->next_seq, packet->seq)) {
		tcp_keep(table, side, packet);
	} else {
		side->next_seq = end;
		tcp_close_gaps(table, side);
	}
}

static void
tcp_packet(struct flow_table *table, struct tcp_flow *tcp,
	const struct packet *packet)
{
	struct tcp_side *side = &tcp->sides[packet->dir];
	uint8_t flags = packet->tcp_flags;

	if ((flags & RTE_TCP_SYN_FLAG) != 0) {
		side->known = true;
		side->next_seq = packet->seq + 1;
	}
	/* both have spoken */
	if (!tcp->established && tcp->flow.packets[0] != 0 &&
			tcp->flow.packets[1] != 0) {
		tcp->established = true;
		tcp->handshake = table->now - tcp->flow.started;
		tcp->flow.timeout = TIMEOUT_TCP;
	}
	tcp_data(table, side, packet);
	if ((flags & RTE_TCP_FIN_FLAG) != 0)
		side->closed = true;
	if ((flags & RTE_TCP_RST_FLAG) != 0)
		flow_end(table, &tcp->flow, FLOW_END_RESET);
	else if (tcp->sides[0].closed && tcp->sides[1].closed)
		flow_end(table, &tcp->flow, FLOW_END_CLOSED);
}

/* DNS: queries of a flow that were not answered yet. */

static void
dns_query(struct flow_table *table, struct udp_flow *udp, uint16_t id,
	const uint8_t *name, uint32_t name_len)
{
	struct dns_query *query;

	if (udp->n_queries == DNS_QUERIES_MAX)
		return;
	query = state_alloc(table, STATE_DNS, sizeof(*query));
	if (query == NULL)
		return;
	query->id = id;
	query->asked = table->now;
	query->name = note_take(table, name, name_len);
	query->next = udp->queries;
	udp->queries = query;
	udp->n_queries++;
}

static void
dns_packet(struct flow_table *table, struct udp_flow *udp,
	const struct packet *packet)
{
	struct dns_query **link = &udp->queries;
	const uint8_t *name;
	bool response;
	int name_len;
	uint16_t id;

	name_len = packet_parse_dns(packet->payload, packet->payload_len, &id,
		&response, &name);
	if (name_len < 0)
		return;
	while (*link != NULL) {
		if (response && (*link)->id == id) {
			table->counters.dns_answered++;
			dns_drop(table, udp, link);
			return;
		}
		if (table->now - (*link)->asked > TIMEOUT_DNS)
			dns_drop(table, udp, link);
		else
			link = &(*link)->next;
	}
	if (!response)
		dns_query(table, udp, id, name, name_len);
}

/* Fragments: complete when all between 0 and the total has come. */
static void
frag_packet(struct flow_table *table, struct frag_flow *frag,
	const struct packet *packet)
{
	uint32_t end = packet->offset + packet->payload_len;
	unsigned int i;

	for (i = 0; i < frag->n; i++)
		if (packet->offset < frag->parts[i].end &&
				end > frag->parts[i].begin)
			return; /* an overlap: had before, or an attack */
	if (frag->n == FRAGMENTS_MAX)
		return;
	frag->parts[frag->n].begin = packet->offset;
	frag->parts[frag->n].end = end;
	frag->n++;
	frag->have += packet->payload_len;
	if (packet->last)
		frag->total = end;
	if (frag->total != 0 && frag->have == frag->total) {
		table->counters.reassembled++;
		flow_end(table, &frag->flow, FLOW_END_CLOSED);
	}
}

static void
flow_packet(struct flow_table *table, struct flow *flow,
	const struct packet *packet)
{
	flow->last_seen = table->now;
	flow->packets[packet->dir]++;
	flow->bytes[packet->dir] += packet->bytes;
	if (flow->note == NULL && packet->payload_len != 0)
		flow->note = note_take(table, packet->payload,
			packet->payload_len);
	if (packet->kind == PACKET_TCP)
		tcp_packet(table, (struct tcp_flow *)flow, packet);
	else if (packet->kind == PACKET_FRAGMENT)
		frag_packet(table, (struct frag_flow *)flow, packet);
	else if (packet->kind == PACKET_UDP &&
			(packet->key.port[0] == DNS_PORT ||
			packet->key.port[1] == DNS_PORT))
		dns_packet(table, (struct udp_flow *)flow, packet);
}

/* Let each pass of a file that is replayed be the traffic of other hosts. Both
 * directions of a flow are changed alike.
 */
static void
key_renumber(struct flow_key *key, uint32_t pass)
{
	uint32_t part;
	unsigned int i;

	for (i = 0; i < RTE_DIM(key->addr); i++) {
		memcpy(&part, &key->addr[i][4], sizeof(part));
		part ^= pass;
		memcpy(&key->addr[i][4], &part, sizeof(part));
	}
}

void
flow_table_packets(struct flow_table *table, struct rte_mbuf **mbufs,
	unsigned int n)
{
	struct packet packets[FLOW_BURST_MAX];
	const void *keys[FLOW_BURST_MAX];
	struct packet *tracked[FLOW_BURST_MAX];
	void *flows[FLOW_BURST_MAX];
	unsigned int n_tracked = 0, i;
	uint64_t found = 0;
	struct flow *flow;

	for (i = 0; i < n; i++) {
		packet_parse(mbufs[i], &packets[i]);
		table->counters.packets[packets[i].kind]++;
		if (packets[i].kind == PACKET_OTHER ||
				packets[i].kind == PACKET_MALFORMED)
			continue;
		key_renumber(&packets[i].key, table->pass);
		keys[n_tracked] = &packets[i].key;
		tracked[n_tracked++] = &packets[i];
	}
	if (n_tracked == 0)
		return;
	/* Lookup of a burst. 8< */
	rte_hash_lookup_bulk_data(table->hash, keys, n_tracked, &found, flows);
	for (i = 0; i < n_tracked; i++) {
		flow = (found & RTE_BIT64(i)) != 0 ? flows[i] : NULL;
		/* a packet before it may have been the flow's first one */
		if (flow == NULL && rte_hash_lookup_data(table->hash, keys[i],
				&flows[i]) >= 0)
			flow = flows[i];
		if (flow == NULL)
			flow = flow_create(table, tracked[i]);
		if (flow != NULL)
			flow_packet(table, flow, tracked[i]);
	}
	while (table->n_ended > 0) {
		flow = table->ended[--table->n_ended];
		flow_destroy(table, flow, flow->end);
	}
	/* >8 End of lookup of a burst. */
}

void
flow_table_tick(struct flow_table *table, uint32_t now)
{
	struct timer *head, *timer, *next;
	struct flow *flow;

	while (table->now != now) {
		table->now++;
		head = &table->wheel[table->now % WHEEL_SLOTS];
		for (timer = head->next; timer != head; timer = next) {
			next = timer->next;
			flow = timer->flow;
			if (flow->last_seen + flow->timeout > table->now) {
				/* heard of since it was started */
				timer_stop(timer);
				timer_start(table, timer,
					flow->last_seen + flow->timeout);
				continue;
			}
			flow_destroy(table, flow, FLOW_END_IDLE);
		}
	}
}

int
flow_table_create(struct flow_table *table, unsigned int id,
	uint32_t max_flows, int socket_id)
{
	char name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters params = {
		.name = name,
		.entries = max_flows,
		.key_len = sizeof(struct flow_key),
		.hash_func = rte_hash_crc,
		.socket_id = socket_id,
		/* there is room for as many as asked for */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	snprintf(name, sizeof(name), "flows_%u", id);
	table->max_flows = max_flows;
	table->hash = rte_hash_create(&params);
	return table->hash != NULL ? 0 : -rte_errno;
}

void
flow_table_destroy(struct flow_table *table)
{
	rte_hash_free(table->hash);
	table->hash = NULL;
}

void
flow_table_open(struct flow_table *table, const struct state_ops *ops)
{
	unsigned int i;

	table->ops = ops;
	table->n_flows = 0;
	table->most_flows = 0;
	table->now = 0;
	table->pass = 0;
	table->n_ended = 0;
	memset(&table->counters, 0, sizeof(table->counters));
	for (i = 0; i < WHEEL_SLOTS; i++) {
		table->wheel[i].next = &table->wheel[i];
		table->wheel[i].prev = &table->wheel[i];
	}
}

void
flow_table_close(struct flow_table *table)
{
	unsigned int i;

	for (i = 0; i < WHEEL_SLOTS; i++)
		while (table->wheel[i].next != &table->wheel[i])
			flow_destroy(table, table->wheel[i].next->flow,
				FLOW_END_STOP);
}
