/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf.c - Reading a helper's configuration by its field tables. */
#include "conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "ip.h"
#include "json.h"

/* Room that there is at first: most are smaller. */
#define FIRST 4096

bool conf_decode(struct arena *a, const struct field_object *object,
		 const char *text, size_t len, void *to,
		 char ret_reason[CONF_REASON_MAX])
{
	struct diags d = {
		.arena = a,
		.file = object->name,
		.text = text,
		.len = len,
	};
	struct field_ctx c = {.a = a, .d = &d};
	struct jval *v = jval_read(&d);

	if (v)
		field_decode(&c, object, v, to);
	jval_free(v);
	if (!diags_failed(&d))
		return true;
	diags_sort(&d);
	for (size_t i = 0; i < d.n; i++) {
		if (d.v[i].level != DIAG_ERROR)
			continue;
		snprintf(ret_reason, CONF_REASON_MAX, "%s%s%s",
			 d.v[i].pointer ? d.v[i].pointer : "",
			 d.v[i].pointer && *d.v[i].pointer ? ": " : "",
			 d.v[i].message);
		break;
	}
	return false;
}

const char *conf_read_fd(struct arena *a, int fd, size_t *ret_len)
{
	size_t len = 0, cap = FIRST;
	char *text = arena_alloc(a, cap, 1);

	for (;;) {
		const ssize_t n = pread(fd, text + len, cap - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return NULL;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONF_MAX_BYTES) {
			errno = EFBIG;
			return NULL;
		}
		if (len == cap) {
			char *more = arena_alloc(a, 2 * cap, 1);

			memcpy(more, text, len);
			text = more;
			cap *= 2;
		}
	}
	*ret_len = len;
	return text;
}

static int order(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

/* Where more than a kilobyte is to be sorted, glibc before 2.37 asks how much
 * memory the machine has (sysinfo(2)), once. */
static void sort_once(void)
{
	uint64_t many[512];
	const size_t n = sizeof(many) / sizeof(many[0]);

	for (size_t i = 0; i < n; i++)
		many[i] = n - i;
	qsort(many, n, sizeof(many[0]), order);
}

void conf_warm_up(void)
{
	ARENA(a);
	struct diags d = {.arena = &a, .file = "", .text = "{}", .len = 2};

	jval_free(jval_read(&d));
	sort_once();
}

static bool read_ip(struct field_ctx *c, const char *text,
		    enum ip_family family, struct ip *ret)
{
	ARENA(s);
	struct ip ip;

	if (!ip_parse(text, &ip) || ip.family != family)
		return field_error(c, DIAG_ADDRESS, NULL,
				   "%s is no IPv%d address",
				   field_quote(&s, text), (int)family);
	*ret = ip;
	return true;
}

bool conf_read_ip4(struct field_ctx *c, const char *text, void *to)
{
	return read_ip(c, text, IP_V4, to);
}

bool conf_read_ip6(struct field_ctx *c, const char *text, void *to)
{
	return read_ip(c, text, IP_V6, to);
}
