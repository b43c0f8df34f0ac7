/* SPDX-License-Identifier: GPL-2.0-or-later */
/* request1.h - The head of a request in HTTP/1.1, judged and passed on. */
#ifndef MSB_REQUEST1_H
#define MSB_REQUEST1_H

#include "head.h"
#include "inject.h"
#include "watch.h"

/**
 * request1_judge() - Look through a head
 * @w:	who watches
 * @h:	head
 *
 * Where somebody may have a secret it has to be for the server's name, too.
 *
 * Return: GATE_OK if it may go on
 */
enum gate_state request1_judge(const struct watch *w, const struct head *h);

/** request1_is_changed() - Whether values may be put into the body behind it,
 * which goes on in chunks then
 */
bool request1_is_changed(const struct watch *w, const struct head *h);

/** request1_form() - How they are written there */
enum inject_form request1_form(const struct head *h);

/**
 * request1_put() - Pass a head on, with values put in
 * @w:		who watches
 * @h:		head, which is in order: request1_judge()
 * @changed:	its body is changed
 *
 * Return: false if that cannot be done
 */
bool request1_put(struct watch *w, struct head *h, bool changed)
	__attribute__((warn_unused_result));

#endif
