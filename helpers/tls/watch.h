/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.h - One flow of a gate, as its readers of protocols share it. */
#ifndef MSB_WATCH_H
#define MSB_WATCH_H

#include "gate.h"
#include "inject.h"
#include "mask.h"

/** WATCH_HEAD_MAX - Octets of a request's head, and of its trailers */
#define WATCH_HEAD_MAX 65536

/**
 * struct watch - A flow
 * @finder:	finds placeholders
 * @secrets:	all secrets
 * @firsts:	what they begin with, for each form
 * @allowed:	those that the server may have
 * @any:	there are some
 * @body:	some may be put into a body
 * @sni:	the server's name, or NULL
 * @strictest:	strictest action of those
 * @mask:	those that were put in, and what comes back of them
 * @sink:	receives what goes on; set while something is fed
 * @arg:	for @sink
 * @ret:	receives what is wrong, likewise
 */
struct watch {
	const struct finder *finder;
	const struct secrets *secrets;
	const struct inject_firsts *firsts;
	struct secret_bits allowed;
	bool any;
	bool body;
	const char *sni;
	enum secret_action strictest;
	struct mask *mask;
	gate_sink *sink;
	void *arg;
	struct gate_violation *ret;
};

/** watch_put() - What the guest says goes on to the server */
enum gate_state watch_put(const struct watch *w, const uint8_t *data,
			  size_t len);

/** watch_put_ok() - The same, as an output of inject.h; @arg is the watch */
bool watch_put_ok(void *arg, const uint8_t *data, size_t len);

/** watch_answer() - What the server says goes on to the guest, unread */
enum gate_state watch_answer(const struct watch *w, const uint8_t *data,
			     size_t len);

/** watch_mask() - The same, without values that were put into the flow */
enum gate_state watch_mask(const struct watch *w, const uint8_t *data,
			   size_t len);

/** watch_mask_end() - What waited of that goes on: nothing follows it yet */
enum gate_state watch_mask_end(const struct watch *w);

/** watch_broken() - End, for want of memory or because a limit was met */
enum gate_state watch_broken(const struct watch *w, const char *why);

/** watch_refuse() - End: a violation that is no placeholder */
enum gate_state watch_refuse(const struct watch *w, enum gate_where where,
			     const char *why);

/** watch_scan() - Look through a part of a stream */
enum gate_state watch_scan(const struct watch *w, struct finder_state *s,
			   enum gate_where where, const uint8_t *data,
			   size_t len);

/** watch_scan_end() - The stream ends */
enum gate_state watch_scan_end(const struct watch *w, struct finder_state *s,
			       enum gate_where where);

/** watch_scan_all() - Look through a text that is complete */
enum gate_state watch_scan_all(const struct watch *w, enum gate_where where,
			       const uint8_t *data, size_t len);

/** watch_inject() - What may be put in at one bit of enum secret_inject */
struct inject watch_inject(const struct watch *w, enum secret_inject where,
			   enum inject_form form);

/**
 * watch_is_authority() - Whether a request's authority is the server's name
 * @w:		flow
 * @text:	HOST or HOST:PORT; a trailing dot counts for nothing
 * @len:	octets of it
 */
bool watch_is_authority(const struct watch *w, const uint8_t *text, size_t len);

/**
 * struct watch_field - A header field
 * @name:	its name, of any case
 * @name_len:	octets
 * @value:	its value, without blanks around it
 * @value_len:	octets
 */
struct watch_field {
	const uint8_t *name;
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};

/** watch_is_named() - Whether a field has the name @lower */
bool watch_is_named(const struct watch_field *f, const char *lower);

/** watch_has_value() - Whether its value is @lower, whatever the case */
bool watch_has_value(const struct watch_field *f, const char *lower);

/**
 * watch_field_has() - Whether something is to be put into a field's value
 *
 * Not into those that say who speaks, from where, or about which request:
 * servers write these into logs and pages, and back into answers.
 */
bool watch_field_has(const struct watch *w, const struct watch_field *f);

/** watch_field_put() - Write a field's value, with what is to be put into it */
bool watch_field_put(const struct watch *w, const struct watch_field *f,
		     inject_put *put, void *arg);

/** watch_target_put() - The same for a request's target: its query */
bool watch_target_put(const struct watch *w, const uint8_t *target, size_t len,
		      inject_put *put, void *arg);

#endif
