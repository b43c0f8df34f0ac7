/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change.c - What making, replacing and removing a sandbox have in common. */
#include "change.h"

#include <string.h>

#include "lease.h"
#include "str.h"

static const int held_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define N_HELD (sizeof(held_signals) / sizeof(held_signals[0]))

static void release_all(struct state *s, const char *name, const char *text)
{
	struct lease_names l;
	ARENA(a);

	l = lease_parse(&a, text);
	lease_release(s, name, &l, NULL);
}

void change_put_away(struct state *s)
{
	state_sweep(s, release_all);
	state_unshare(s);
}

/* Removes what processes that were killed have left behind. One that cannot be
 * removed now stays for "down", which says why. */
static void sweep(struct state *s)
{
	struct live_error ignored;
	struct state_record r;
	const char **names;
	size_t i, n;
	ARENA(a);

	change_put_away(s);
	if (state_list_unsettled(s, &a, &names, &n, &ignored) < 0)
		return;
	for (i = 0; i < n; i++)
		if (state_get(s, names[i], &r, &ignored) == 0 &&
		    (r.run || !r.ready) && !state_owned(s, names[i]))
			change_remove(s, names[i], &ignored);
}

int change_begin(struct change *c, struct state *s, unsigned int fail_at,
		 struct live_error *e)
{
	sigset_t held;
	size_t i;

	c->fail_at = fail_at;
	c->ops = 0;
	sigemptyset(&held);
	for (i = 0; i < N_HELD; i++)
		sigaddset(&held, held_signals[i]);
	/* The lock may take its time, and nothing is made yet: until it is
	 * there, a signal does what it does. */
	sigprocmask(SIG_UNBLOCK, &held, &c->before);
	if (state_lock(s, e) < 0) {
		sigprocmask(SIG_SETMASK, &c->before, NULL);
		return -1;
	}
	sigprocmask(SIG_BLOCK, &held, NULL);
	sweep(s);
	return 0;
}

int change_goes_on(struct change *c, struct live_error *e)
{
	sigset_t pending;
	size_t i;

	if (++c->ops == c->fail_at)
		return live_system(e, "fault injected at operation %u", c->ops);
	if (sigpending(&pending) == 0)
		for (i = 0; i < N_HELD; i++)
			if (sigismember(&pending, held_signals[i]))
				return live_system(
					e, "interrupted by SIG%s",
					sigabbrev_np(held_signals[i]));
	return 0;
}

void change_end(struct change *c)
{
	sigprocmask(SIG_SETMASK, &c->before, NULL);
}

int change_make(const struct change_step *steps, size_t n, void *data,
		struct live_error *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (steps[i].make(data, e) < 0)
			break;
	if (i == n)
		return 0;
	live_while(e, steps[i].what);
	do
		if (steps[i].undo)
			steps[i].undo(data);
	while (i--);
	return -1;
}

/* Adds and deletes the elements of a pair of files, which works whether they
 * were there or not. False if there is no such pair. */
static bool put_withdrawal(const struct state *s, const char *name,
			   const char *add, const char *withdraw,
			   struct str *to, struct live_error *e)
{
	const char *first, *second;
	size_t len;
	ARENA(a);

	first = state_read(s, &a, name, add, &len, e);
	second = first ? state_read(s, &a, name, withdraw, &len, e) : NULL;
	if (!second)
		return false;
	str_puts(to, first);
	str_puts(to, second);
	return true;
}

int change_host(const struct state *s, const char *name, struct ruleset *host,
		const char *then, struct live_error *e)
{
	struct live_error ignored;
	bool two;
	STR(now);
	STR(next);
	STR(text);

	if (!put_withdrawal(s, name, "host.nft", "host-withdraw.nft", &now, e))
		return -1;
	two = put_withdrawal(s, name, CHANGE_NEXT, CHANGE_NEXT_WITHDRAW, &next,
			     &ignored);
	str_printf(&text, "%s%s%s", str_text(&now), str_text(&next), then);
	if (!two)
		return ruleset_load(host, str_text(&text), e);
	/* A port of both that leads elsewhere can be taken away only as what
	 * it is; which that is, only the kernel knows. */
	if (ruleset_load(host, str_text(&text), &ignored) == 0)
		return 0;
	str_free(&text);
	str_printf(&text, "%s%s%s", str_text(&next), str_text(&now), then);
	return ruleset_load(host, str_text(&text), e);
}

int change_leave_host(const struct state *s, const char *name,
		      struct ruleset *host, struct live_error *e)
{
	size_t left;
	bool has;

	if (ruleset_has_table(host, "msb", &has, e) < 0)
		return -1;
	if (!has)
		return 0;
	if (change_host(s, name, host, "", e) < 0)
		return -1;
	/* Elements are counted only where there may be none: a listing of them
	 * all is what a thousand sandboxes would wait for. */
	if (state_has_other(s, name))
		return 0;
	if (ruleset_elements(host, "msb", &left, e) < 0)
		return -1;
	return left ? 0 : ruleset_load(host, "delete table inet msb\n", e);
}
