/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "options.h"
#include "secondary.h"

/* Of each allocator. */
static struct state {
	struct subject subject;
	bool started;
} states[MAX_ALLOCATORS];

static int
serve_open(const struct secondary_request *request)
{
	const struct scenario *scenario = scenario_find(request->scenario);
	struct state *state = &states[request->allocator];
	struct subject *subject = &state->subject;
	int ret;

	memset(subject, 0, sizeof(*subject));
	subject->alloc = allocators[request->allocator];
	subject->size = request->size;
	subject->calls = allocator_calls(subject->alloc, request->size);
	subject->live = request->live;
	memcpy(subject->keys, request->keys, sizeof(subject->keys));

	if (!state->started && subject->alloc->start != NULL) {
		ret = subject->alloc->start();
		if (ret < 0)
			return ret;
	}
	state->started = true;

	return scenario->mixed ? subject_draw_keys(subject) : 0;
}

/* The keys are the primary's. */
static int
serve_close(const struct secondary_request *request)
{
	struct subject *subject = &states[request->allocator].subject;

	free(subject->random_keys);
	subject->random_keys = NULL;
	if (states[request->allocator].started &&
			subject->alloc->flush != NULL)
		subject->alloc->flush();

	return 0;
}

static void
serve(const struct secondary_request *request, struct secondary_reply *reply)
{
	const struct scenario *scenario = scenario_find(request->scenario);

	memset(reply, 0, sizeof(*reply));
	switch (request->op) {
	case SECONDARY_OPEN:
		reply->ret = serve_open(request);
		break;
	case SECONDARY_RUN:
		reply->ret = scenario_run(scenario,
				&states[request->allocator].subject,
				request->n, &reply->sample);
		break;
	case SECONDARY_CLOSE:
		reply->ret = serve_close(request);
		break;
	default:
		reply->ret = -EINVAL;
		break;
	}
}

static int
send_reply(const struct secondary_reply *reply)
{
	ssize_t n = send(SECONDARY_FD, reply, sizeof(*reply), MSG_NOSIGNAL);

	return n == sizeof(*reply) ? 0 : -EPIPE;
}

int
secondary_serve(void)
{
	struct secondary_reply reply = { 0 };
	struct secondary_request request;
	unsigned int i;
	ssize_t n;
	int ret;

	ret = send_reply(&reply);
	while (ret == 0) {
		n = recv(SECONDARY_FD, &request, sizeof(request), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			break;
		serve(&request, &reply);
		ret = send_reply(&reply);
	}

	for (i = 0; i < RTE_DIM(states); i++)
		if (states[i].started && allocators[i]->stop != NULL)
			allocators[i]->stop();

	return ret;
}
