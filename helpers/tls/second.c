/* SPDX-License-Identifier: GPL-2.0-or-later */
/* second.c - Flows of TLS 1.3 until it is known that no other ClientHello
 * comes, or is for the same name.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "retry.h"
#include "worker.h"

#define ALERT_ILLEGAL_PARAMETER 47

/* From here on nothing is looked at. */
static void go_on(struct worker *w, struct tls_flow *f)
{
	flow_time(w, f, NULL, 0);
	splice_hold(&f->pump, FLOW_GUEST, false);
	splice_hold(&f->pump, FLOW_SERVER, false);
	f->state = FLOW_SPLICED;
	carry_run(w, f);
}

static void refuse(struct worker *w, struct tls_flow *f, const char *why,
		   uint8_t alert)
{
	w->count[TLS_COUNT_FAILED]++;
	event_flow(w, "hello-refused", f, "reason", why);
	carry_refuse(w, f, alert);
}

void second_begin(struct worker *w, struct tls_flow *f)
{
	const struct opening *o = f->opening;

	splice_head(&f->pump, o->raw, (uint32_t)o->used);
	splice_hold(&f->pump, FLOW_GUEST, true);
	splice_hold(&f->pump, FLOW_SERVER, true);
	f->state = FLOW_GREETED;
	/* What came behind it takes memory until there is an answer. */
	if (o->raw_len > o->used)
		flow_time(w, f, &w->hello, w->now.conf->limits.hello_ms);
	carry_run(w, f);
}

/* It was asked for another one. What came behind the first is the beginning of
 * it, or of what is thrown away before it. */
static void expect_other(struct worker *w, struct tls_flow *f)
{
	struct opening *const o = f->opening;
	size_t len = 0;

	/* Who answers a part of a hello is none that this is about. */
	if (f->pump.head_len) {
		carry_end(w, f, true);
		return;
	}
	if (o) {
		len = o->raw_len - o->used;
		if (len > sizeof(w->in)) {
			carry_limit(w, f, "HelloBytes");
			return;
		}
		memcpy(w->in, o->raw + o->used, len);
		opening_drop(w, f);
	}
	splice_hold(&f->pump, FLOW_SERVER, false);
	f->state = FLOW_RETRIED;
	flow_time(w, f, &w->hello, w->now.conf->limits.hello_ms);
	if (len && !guest_keep(w, f, len))
		return;
	carry_run(w, f);
}

/* What the server says, without taking it; false: the flow was ended. */
static bool look(struct worker *w, struct tls_flow *f, enum retry_answer *ret)
{
	uint8_t data[RETRY_MAX];
	ssize_t n;

	*ret = RETRY_MORE;
	if (!f->pump.readable[FLOW_SERVER])
		return true;
	do {
		n = recv(f->watch[FLOW_SERVER].fd, data, sizeof(data),
			 MSG_DONTWAIT | MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		f->pump.readable[FLOW_SERVER] = false;
		return true;
	}
	/* The kernel tells an error once: the pump would see an end in order.
	 */
	if (n < 0) {
		carry_end(w, f, true);
		return false;
	}
	*ret = retry_look(data, (size_t)n);
	if (*ret == RETRY_MORE && n == sizeof(data))
		*ret = RETRY_ASKED;
	/* What was said ends here. */
	else if (*ret == RETRY_MORE && (!n || f->pump.ending[FLOW_SERVER]))
		*ret = RETRY_NONE;
	return true;
}

/* Whether the guest ends, having said nothing more: that may be passed on. */
static bool has_left(const struct tls_flow *f)
{
	uint8_t octet;

	return f->pump.ending[FLOW_GUEST] &&
	       (!f->opening || f->opening->raw_len == f->opening->used) &&
	       recv(f->watch[FLOW_GUEST].fd, &octet, 1,
		    MSG_DONTWAIT | MSG_PEEK) == 0;
}

void second_answer(struct worker *w, struct tls_flow *f)
{
	const struct opening *const o = f->opening;
	enum retry_answer answer;

	if (!look(w, f, &answer))
		return;
	switch (answer) {
	case RETRY_MORE:
		if (has_left(f))
			splice_hold(&f->pump, FLOW_GUEST, false);
		if (!carry_pump(w, f))
			return;
		/* The hello is gone, and nothing came behind it. */
		if (!f->pump.head_len && o && o->raw_len == o->used)
			opening_drop(w, f);
		return;
	case RETRY_NONE:
		if (o)
			f->pump.head_len += (uint32_t)(o->raw_len - o->used);
		go_on(w, f);
		return;
	case RETRY_ASKED:
		expect_other(w, f);
		return;
	}
}

static bool is_same_name(const struct tls_flow *f, struct dname name)
{
	return name.len == f->name_len &&
	       (!name.len || !memcmp(name.wire, f->name, name.len));
}

static void judge(struct worker *w, struct tls_flow *f)
{
	const struct opening *const o = f->opening;

	if (!is_same_name(f, o->hello.sni)) {
		refuse(w, f, "the second ClientHello has another name",
		       ALERT_ILLEGAL_PARAMETER);
		return;
	}
	splice_head(&f->pump, o->raw, (uint32_t)o->raw_len);
	go_on(w, f);
}

void second_read(struct worker *w, struct tls_flow *f)
{
	const struct hello *h;

	/* What the server has asked goes to the guest. */
	if (!carry_pump(w, f) || !guest_read_on(w, f))
		return;
	h = f->opening ? &f->opening->hello : NULL;
	switch (h ? h->state : HELLO_MORE) {
	case HELLO_MORE:
		if (f->guest_ended)
			carry_end(w, f, false);
		return;
	case HELLO_DONE:
		judge(w, f);
		return;
	case HELLO_PLAIN:
		refuse(w, f, "no second ClientHello follows",
		       ALERT_ILLEGAL_PARAMETER);
		return;
	case HELLO_BAD:
		refuse(w, f, h->why, h->alert);
		return;
	}
}
