/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip.c - IP addresses, prefixes, ranges and the algebra of address sets. */
#include "ip.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ::ffff:0:0, the first address of the IPv4-mapped prefix. */
#define IP_MAPPED ((ip_num)0xffff << 32)

unsigned int ip_bits(enum ip_family family)
{
	return family == IP_V4 ? 32 : 128;
}

ip_num ip_max(enum ip_family family)
{
	return family == IP_V4 ? 0xffffffffu : ~(ip_num)0;
}

struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t bytes[4] = {a, b, c, d};

	return ip_from_bytes(IP_V4, bytes);
}

struct ip ip_from_bytes(enum ip_family family, const uint8_t *bytes)
{
	uint64_t high, low;
	uint32_t v4;

	if (family == IP_V4) {
		memcpy(&v4, bytes, sizeof(v4));
		return (struct ip){family, be32toh(v4)};
	}
	memcpy(&high, bytes, sizeof(high));
	memcpy(&low, bytes + sizeof(high), sizeof(low));
	return (struct ip){family, (ip_num)be64toh(high) << 64 | be64toh(low)};
}

size_t ip_to_bytes(struct ip ip, uint8_t bytes[16])
{
	const uint64_t high = htobe64((uint64_t)(ip.num >> 64));
	const uint64_t low = htobe64((uint64_t)ip.num);
	const uint32_t v4 = htobe32((uint32_t)ip.num);

	if (ip.family == IP_V4) {
		memcpy(bytes, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(bytes, &high, sizeof(high));
	memcpy(bytes + sizeof(high), &low, sizeof(low));
	return sizeof(high) + sizeof(low);
}

bool ip_parse(const char *text, struct ip *ret)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret = ip_from_bytes(IP_V4, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret = ip_from_bytes(IP_V6, bytes);
	else
		return false;
	return true;
}

bool ip_parse_prefix(const char *text, struct ip_range *ret, bool *ret_masked)
{
	const char *slash = strchr(text, '/'), *digit;
	char address[INET6_ADDRSTRLEN];
	unsigned int len = 0;
	struct ip ip;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!ip_parse(address, &ip))
		return false;
	if (!slash[1] || (slash[1] == '0' && slash[2]))
		return false;
	for (digit = slash + 1; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || digit - slash > 3)
			return false;
		len = len * 10 + (unsigned int)(*digit - '0');
	}
	if (len > ip_bits(ip.family))
		return false;
	*ret = ip_prefix(ip, len);
	if (ret_masked)
		*ret_masked = ret->lo != ip.num;
	return true;
}

bool ip_equal(struct ip a, struct ip b)
{
	return a.family == b.family && a.num == b.num;
}

bool ip_is_mapped(struct ip ip)
{
	return ip.family == IP_V6 && ip.num >> 32 == IP_MAPPED >> 32;
}

struct ip ip_unmap(struct ip ip)
{
	if (!ip_is_mapped(ip))
		return ip;
	return (struct ip){.family = IP_V4, .num = ip.num & 0xffffffffu};
}

struct ip_range ip_range_unmap(struct ip_range r)
{
	struct ip lo = {.family = r.family, .num = r.lo};
	struct ip hi = {.family = r.family, .num = r.hi};

	if (!ip_is_mapped(lo) || !ip_is_mapped(hi))
		return r;
	return (struct ip_range){
		.family = IP_V4,
		.lo = ip_unmap(lo).num,
		.hi = ip_unmap(hi).num,
	};
}

const char *ip_format(struct ip ip, char buf[IP_TEXT_MAX])
{
	int af = ip.family == IP_V4 ? AF_INET : AF_INET6;
	uint8_t bytes[16];

	ip_to_bytes(ip, bytes);
	if (!inet_ntop(af, bytes, buf, IP_TEXT_MAX))
		buf[0] = '\0';
	return buf;
}

const char *ip_range_format(struct ip_range r, char buf[IP_TEXT_MAX])
{
	struct ip hi = {.family = r.family, .num = r.hi};
	int len = ip_range_prefix_len(r);
	char text[IP_TEXT_MAX];
	size_t at;

	ip_format((struct ip){.family = r.family, .num = r.lo}, buf);
	at = strlen(buf);
	if (len == (int)ip_bits(r.family))
		return buf;
	if (len >= 0)
		snprintf(buf + at, IP_TEXT_MAX - at, "/%d", len);
	else
		snprintf(buf + at, IP_TEXT_MAX - at, "-%.45s",
			 ip_format(hi, text));
	return buf;
}

struct ip_range ip_single(struct ip ip)
{
	return (struct ip_range){
		.family = ip.family, .lo = ip.num, .hi = ip.num};
}

struct ip_range ip_prefix(struct ip ip, unsigned int len)
{
	unsigned int host = ip_bits(ip.family) - len;
	/* A shift by the width of the type is undefined: /0 in IPv6. */
	ip_num mask = host >= 128 ? ~(ip_num)0 : ((ip_num)1 << host) - 1;

	return (struct ip_range){
		.family = ip.family,
		.lo = ip.num & ~mask,
		.hi = ip.num | mask,
	};
}

int ip_range_prefix_len(struct ip_range r)
{
	ip_num host = r.lo ^ r.hi;
	int bits = 0;

	if (host & (host + 1) || r.lo & host)
		return -1;
	while (host) {
		host >>= 1;
		bits++;
	}
	return (int)ip_bits(r.family) - bits;
}

bool ip_range_has(struct ip_range r, struct ip ip)
{
	return r.family == ip.family && ip.num >= r.lo && ip.num <= r.hi;
}

bool ip_range_overlap(struct ip_range a, struct ip_range b)
{
	return a.family == b.family && a.lo <= b.hi && b.lo <= a.hi;
}

static int ip_range_order(const void *x, const void *y)
{
	const struct ip_range *a = x, *b = y;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return 0;
}

/* Append @r, whose start is not below that of the last range, to @s, which has
 * room for it. */
static void ip_set_push(struct ip_set *s, struct ip_range r)
{
	struct ip_range *last = s->n ? &s->v[s->n - 1] : NULL;

	if (last && last->family == r.family &&
	    (r.lo <= last->hi || r.lo == last->hi + 1)) {
		if (r.hi > last->hi)
			last->hi = r.hi;
	} else {
		s->v[s->n++] = r;
	}
}

struct ip_set ip_set_from(struct arena *a, const struct ip_range *v, size_t n)
{
	struct ip_range *sorted = arena_array(a, n, struct ip_range);
	struct ip_set s = {.v = sorted};
	size_t i;

	if (n) {
		memcpy(sorted, v, n * sizeof(*v));
		qsort(sorted, n, sizeof(*sorted), ip_range_order);
	}
	/* In place: what is written never overtakes what is read. */
	for (i = 0; i < n; i++)
		ip_set_push(&s, sorted[i]);
	return s;
}

struct ip_set ip_set_union(struct arena *a, struct ip_set x, struct ip_set y)
{
	struct ip_set s = {.v = arena_array(a, x.n + y.n, struct ip_range)};
	size_t i = 0, j = 0;

	while (i < x.n || j < y.n) {
		if (j == y.n ||
		    (i < x.n && ip_range_order(&x.v[i], &y.v[j]) <= 0))
			ip_set_push(&s, x.v[i++]);
		else
			ip_set_push(&s, y.v[j++]);
	}
	return s;
}

struct ip_set ip_set_minus(struct arena *a, struct ip_set x, struct ip_set y)
{
	struct ip_set s = {.v = arena_array(a, x.n + y.n, struct ip_range)};
	size_t i, j = 0;

	for (i = 0; i < x.n; i++) {
		struct ip_range rest = x.v[i];
		bool left = true;
		size_t k;

		while (j < y.n &&
		       (y.v[j].family < rest.family ||
			(y.v[j].family == rest.family && y.v[j].hi < rest.lo)))
			j++;
		for (k = j; k < y.n && ip_range_overlap(rest, y.v[k]); k++) {
			if (y.v[k].lo > rest.lo)
				s.v[s.n++] = (struct ip_range){
					rest.family, rest.lo, y.v[k].lo - 1};
			if (y.v[k].hi >= rest.hi) {
				left = false;
				break;
			}
			rest.lo = y.v[k].hi + 1;
		}
		if (left)
			s.v[s.n++] = rest;
	}
	return s;
}

struct ip_set ip_set_family(struct ip_set s, enum ip_family family)
{
	size_t from = 0, to;

	while (from < s.n && s.v[from].family != family)
		from++;
	to = from;
	while (to < s.n && s.v[to].family == family)
		to++;
	return (struct ip_set){.v = s.v + from, .n = to - from};
}

/* The range of @s that could hold @ip: the last that does not start above. */
static const struct ip_range *ip_set_find(struct ip_set s, struct ip ip)
{
	const struct ip_range key = {ip.family, ip.num, ip.num};
	size_t lo = 0, hi = s.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_range_order(&s.v[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &s.v[lo - 1] : NULL;
}

bool ip_set_has(struct ip_set s, struct ip ip)
{
	const struct ip_range *r = ip_set_find(s, ip);

	return r && ip_range_has(*r, ip);
}

bool ip_set_covers(struct ip_set s, struct ip_range r)
{
	const struct ip_range *found =
		ip_set_find(s, (struct ip){.family = r.family, .num = r.lo});

	return found && found->family == r.family && found->lo <= r.lo &&
	       found->hi >= r.hi;
}
