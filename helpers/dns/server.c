/* SPDX-License-Identifier: GPL-2.0-or-later */
/* server.c - Name servers, and what is known of each. */
#include "server.h"

/* Bounds of the time before another server is asked too, ms. */
#define HEDGE_MIN     60
#define HEDGE_MAX     400
#define HEDGE_UNKNOWN 200

void server_answered(struct server *s, uint64_t ms)
{
	const uint32_t sample = ms < 10000 ? (uint32_t)ms : 10000;

	s->fails = 0;
	s->dead = 0;
	s->dead_ms = 0;
	/* RFC 6298 has the weights. One at least: zero is "not known". */
	s->srtt = s->srtt ? (7 * s->srtt + sample) / 8 : sample;
	if (!s->srtt)
		s->srtt = 1;
}

void server_failed(struct server *s, uint64_t now)
{
	s->dead_ms = s->dead_ms ? 2 * s->dead_ms : SERVER_DEAD_MS;
	if (s->dead_ms > SERVER_DEAD_MAX_MS)
		s->dead_ms = SERVER_DEAD_MAX_MS;
	s->dead = now + s->dead_ms;
	s->fails = 0;
}

void server_silent(struct server *s, uint64_t now)
{
	if (s->dead <= now && ++s->fails >= SERVER_FAILS)
		server_failed(s, now);
}

uint32_t server_hedge(const struct server *s)
{
	uint32_t ms = s->srtt ? 3 * s->srtt + 50 : HEDGE_UNKNOWN;

	if (ms < HEDGE_MIN)
		return HEDGE_MIN;
	return ms < HEDGE_MAX ? ms : HEDGE_MAX;
}

size_t server_choose(const struct server *v, size_t n, uint64_t now,
		     uint32_t asked, uint32_t failed, size_t last)
{
	for (size_t i = 0; i < n; i++)
		if (!(asked & 1u << i) && v[i].dead <= now)
			return i;
	for (size_t i = 0; i < n; i++)
		if (!(asked & 1u << i))
			return i;
	for (size_t i = 1; i <= n; i++)
		if (!(failed & 1u << (last + i) % n))
			return (last + i) % n;
	return n;
}
