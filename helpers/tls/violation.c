/* SPDX-License-Identifier: GPL-2.0-or-later */
/* violation.c - What comes of a placeholder that is not for whom it is sent to.
 *
 * Whoever sends such a thing decides what is in it: so neither an event nor a
 * message says more of it than where it was, and which secret it stands for.
 */
#include <stdio.h>

#include "worker.h"

static const char *const actions[] = {
	[SECRET_BLOCK] = "block",
	[SECRET_BLOCK_AND_LOG] = "block-and-log",
	[SECRET_BLOCK_AND_TERMINATE] = "block-and-terminate",
};

/* The secret that it is about; NULL: it is about none by itself. */
static const char *secret_of(const struct worker *w,
			     const struct gate_violation *v)
{
	if (v->where == GATE_AUTHORITY || v->where == GATE_FRAMING)
		return NULL;
	return vault_secrets(w->vault).all[v->found.secret].name;
}

static void write_event(struct worker *w, const struct tls_flow *f,
			const struct gate_violation *v)
{
	const struct dname sni = {f->name, f->name_len};
	const char *secret = secret_of(w, v);
	char name[DNAME_TEXT_MAX], address[IP_TEXT_MAX];
	struct log_field fields[8] = {
		{"address", ip_format(f->asked.ip, address), 0},
		{"port", NULL, f->asked.port},
		{"where", gate_where_name(v->where), 0},
		{"action", actions[v->action], 0},
	};
	size_t n = 4;

	if (secret)
		fields[n++] = (struct log_field){"secret", secret, 0};
	if (!secret && v->why)
		fields[n++] = (struct log_field){"reason", v->why, 0};
	if (f->name)
		fields[n++] =
			(struct log_field){"sni", dname_format(sni, name), 0};
	log_event(&w->violations, "secret-violation", fields);
}

/* One line, for people. */
static void describe(const struct worker *w, const struct tls_flow *f,
		     const struct gate_violation *v, char ret[CHANNEL_TEXT_MAX])
{
	const struct dname sni = {f->name, f->name_len};
	const char *secret = secret_of(w, v);
	const char *where = gate_where_name(v->where);
	char name[DNAME_TEXT_MAX] = "", address[IP_TEXT_MAX], what[128];

	if (secret)
		snprintf(what, sizeof(what),
			 "placeholder of secret %s in the %s", secret, where);
	else
		snprintf(what, sizeof(what), "%s (%s)", v->why, where);
	if (f->name)
		dname_format(sni, name);
	/* A name that is too long for a message is cut. */
	snprintf(ret, CHANNEL_TEXT_MAX, "%s, to %s port %u%s%s", what,
		 ip_format(f->asked.ip, address), f->asked.port,
		 f->name ? ", " : "", name);
}

/* Nothing goes on, whatever becomes of the rest of the sandbox. */
static void terminate(struct worker *w, const char *why)
{
	w->terminated = true;
	guest_pause(w, true);
	for (size_t i = 0; i < w->top; i++)
		if (w->flow[i].state != FLOW_FREE)
			carry_end(w, &w->flow[i], true);
	if (channel_send_text(w->channel.fd, CHANNEL_TERMINATE, "%s", why) < 0)
		worker_fail(w, "have the sandbox ended");
}

void violation_end(struct worker *w, struct tls_flow *f,
		   const struct gate_violation *v)
{
	const enum secret_action action = v->action;
	char why[CHANNEL_TEXT_MAX];

	w->count[TLS_COUNT_VIOLATIONS]++;
	describe(w, f, v, why);
	switch (action) {
	case SECRET_BLOCK:
		break;
	case SECRET_BLOCK_AND_LOG:
	case SECRET_BLOCK_AND_TERMINATE:
		write_event(w, f, v);
		break;
	}
	carry_end(w, f, true);
	if (action == SECRET_BLOCK_AND_TERMINATE)
		terminate(w, why);
}
