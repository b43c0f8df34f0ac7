/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generate.h - Random documents and flows, the same for the same seed. */
#ifndef MSB_GENERATE_H
#define MSB_GENERATE_H

#include <stdint.h>

#include "flow.h"
#include "policy.h"

/**
 * struct generator - A source of random documents
 * @state:	state of the random numbers
 * @names:	percent of the last document's rules that are about names, about
 * @many_ports:	its rules have long lists of ports
 */
struct generator {
	uint64_t state;
	unsigned int names;
	bool many_ports;
};

/** generate_below() - A random number from 0 to @n - 1 */
unsigned int generate_below(struct generator *g, unsigned int n);

/**
 * generate_document() - A valid document
 * @a:	arena for the text
 * @g:	random numbers
 *
 * Rules overlap, nest and touch: addresses come from a few prefixes of many
 * lengths, ports from a few neighbours.
 *
 * Return: JSON text
 */
const char *generate_document(struct arena *a, struct generator *g);

/** generate_name() - A name that a document may be about */
const char *generate_name(struct generator *g);

/**
 * generate_flow() - A flow that the policy's rules have something to say about
 * @a:	arena for names
 * @g:	random numbers
 * @p:	policy
 *
 * Its address is mostly an end of a rule's prefix, or next to one; so is its
 * port. Packets, and pins where the document is about names, can express it.
 */
struct flow generate_flow(struct arena *a, struct generator *g,
			  const struct policy *p);

#endif
