/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rejudge.c - Flows under a configuration that is prepared. */
#include "worker.h"

/* Whether it may be what it is, under the configuration that is prepared. */
static bool may_stay(struct worker *w, const struct tls_flow *f)
{
	struct tlsd_answer answer;

	if (f->state == FLOW_REFUSED)
		return true;
	ask_monitor(w, f, true, false, &answer);
	/* Nothing is decided yet; but nobody is dialled who would not be. */
	if (f->state == FLOW_READING)
		return answer.verdict == TLSD_SPLICE ||
		       (answer.verdict == TLSD_WAIT &&
			f->watch[FLOW_SERVER].fd < 0);
	/* Who was verified by other roots, or was shown another CA, was
	 * promised something else. */
	if (f->verdict == TLSD_INTERCEPT && w->next_trust != w->trust)
		return false;
	/* Who was looked through for other secrets has not been looked through
	 * for these. */
	if ((f->verdict == TLSD_INTERCEPT || f->verdict == TLSD_READ) &&
	    w->next_vault != w->vault)
		return false;
	return answer.verdict == f->verdict;
}

void rejudge_freeze(struct worker *w)
{
	for (size_t i = 0; i < w->top && !w->l.stop; i++) {
		struct tls_flow *f = &w->flow[i];

		if (f->state == FLOW_FREE)
			continue;
		f->condemned = !may_stay(w, f);
		f->frozen = f->condemned || f->state == FLOW_READING;
	}
}

void rejudge_reset(struct worker *w)
{
	for (size_t i = 0; i < w->top; i++) {
		struct tls_flow *f = &w->flow[i];

		if (f->state == FLOW_FREE || !f->condemned)
			continue;
		w->count[TLS_COUNT_DENIED]++;
		carry_end(w, f, true);
	}
}

void rejudge_thaw(struct worker *w)
{
	for (size_t i = 0; i < w->top; i++) {
		struct tls_flow *f = &w->flow[i];

		if (f->state == FLOW_FREE || !f->frozen)
			continue;
		f->frozen = false;
		f->condemned = false;
		carry_run(w, f);
	}
}
