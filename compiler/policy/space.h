/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space.h - The normal form of a walk: disjoint boxes instead of ordered rules.
 */
#ifndef MSB_SPACE_H
#define MSB_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "ip.h"
#include "policy.h"

/**
 * enum space_class - The kinds of IP protocol that a rule can tell apart
 * @SPACE_TCP:		TCP, which has ports
 * @SPACE_UDP:		UDP, which has ports
 * @SPACE_ICMP:		the ICMP of the address's family
 * @SPACE_OTHER:	every other protocol, the other family's ICMP included:
 *			only rules without protocols match it
 */
enum space_class {
	SPACE_TCP,
	SPACE_UDP,
	SPACE_ICMP,
	SPACE_OTHER,
	SPACE_CLASSES,
};

/** SPACE_FALLS - "No rule of the run decides": the flow falls to what follows
 */
#define SPACE_FALLS UINT32_MAX

/** SPACE_WORK - Steps that the making of one space may take: spans that are
 * read or written while profiles are merged. A step is a few nanoseconds */
#define SPACE_WORK 50000000u

/** SPACE_KEEP - Spans that one space may keep, 8 bytes each */
#define SPACE_KEEP 4000000u

/**
 * struct space_span - Ports with one outcome
 * @lo:		first port
 * @hi:		last port
 * @rule:	index in the walk of the rule that decides, or SPACE_FALLS
 */
struct space_span {
	uint16_t lo;
	uint16_t hi;
	uint32_t rule;
};

/**
 * struct space_ports - What happens at every port of one protocol class
 * @v:		ascending spans from port 0 to 65535 without a gap; neighbours
 *		differ in their rule. A class without ports has one
 * @n:		number of spans, at least 1
 * @open:	whether any of them is SPACE_FALLS
 * @hash:	private
 *
 * Kept once: within one space, equal contents are one object.
 */
struct space_ports {
	const struct space_span *v;
	size_t n;
	bool open;
	uint64_t hash;
};

/**
 * struct space_profile - What happens at one address, whatever the service
 * @own:	by protocol class, what the run's rules about single addresses
 *		and prefixes decide there, where no other rule comes first
 * @base:	by protocol class, what the run's other rules decide; it counts
 *		where @own falls. Without meaning, and empty, if @own never does
 * @number:	place in the space's list of profiles
 *
 * Kept once, as the ports are: equal profiles are one object. There are few
 * bases, which may be long, and many short lists on top of them.
 */
struct space_profile {
	const struct space_ports *own[SPACE_CLASSES];
	const struct space_ports *base[SPACE_CLASSES];
	size_t number;
};

/**
 * struct space_cell - Addresses with one profile
 * @addrs:	addresses
 * @profile:	what happens there
 * @base:	what would happen there without the run's rules about single
 *		addresses and prefixes: nothing of its own, and the whole base
 */
struct space_cell {
	struct ip_range addrs;
	const struct space_profile *profile;
	const struct space_profile *base;
};

/**
 * struct space_area - Every address of both families
 * @v:		ascending by family, then address, without a gap; neighbours
 *		differ in their profile
 * @n:		number of cells
 */
struct space_area {
	const struct space_cell *v;
	size_t n;
};

/**
 * struct space_run - Neighbouring rules about addresses, decomposed
 * @first:	index in the walk of the run's first rule
 * @end:	index behind its last rule: that of a domain rule, or the number
 *		of rules. A run may be empty (@first equal to @end)
 * @flat:	whether @area is set; false if making it exceeded the bound
 * @area:	the decomposition
 */
struct space_run {
	size_t first;
	size_t end;
	bool flat;
	struct space_area area;
};

/**
 * struct space - A walk as a sequence of runs, cut by its domain rules
 * @walk:	the walk
 * @gw4:	IPv4 gateway: group host
 * @gw6:	IPv6 gateway: group host
 * @runs:	static runs. Between run i and run i + 1 stands one domain rule,
 *		walk->rules[runs[i].end]
 * @n_runs:	number of runs, at least 1
 * @flat:	whether all runs are flat
 * @profiles:	every profile of every run, by number; neither order nor
 *		presence of one that no cell has means anything
 * @n_profiles:	how many
 * @steps:	steps that it took, to be held against SPACE_WORK
 */
struct space {
	const struct policy_walk *walk;
	struct ip gw4;
	struct ip gw6;
	struct space_run *runs;
	size_t n_runs;
	bool flat;
	const struct space_profile *const *profiles;
	size_t n_profiles;
	size_t steps;
};

/**
 * enum space_names - What to do about domain rules
 * @SPACE_CUT:		each one ends a run
 * @SPACE_NAMELESS:	leave them out, as for a flow of which no name is known:
 *			there is one run, and what falls meets the default
 */
enum space_names {
	SPACE_CUT,
	SPACE_NAMELESS,
};

/**
 * space_build() - Decompose a walk
 * @a:		arena for the result
 * @walk:	walk; must live as long as the result. A range of a rule need
 *		not be a prefix
 * @slot:	whose gateways are group host
 * @names:	what to do about domain rules
 * @ret:	space
 *
 * A pure function of the walk. Always sets @ret; what exceeds SPACE_WORK or
 * SPACE_KEEP is left as rules, with @flat false.
 *
 * Return: @ret->flat
 */
bool space_build(struct arena *a, const struct policy_walk *walk,
		 const struct slot *slot, enum space_names names,
		 struct space *ret);

/** space_class_of() - The class of an IP protocol number in a family */
enum space_class space_class_of(enum ip_family family, uint8_t proto);

/**
 * struct space_service - A protocol class and ports, as a rule or box has them
 * @class:	class
 * @lo:		first port; 0 if the class has none
 * @hi:		last port; 65535 if the class has none
 */
struct space_service {
	enum space_class class;
	uint16_t lo;
	uint16_t hi;
};

/**
 * space_run_lookup() - What a run does with a flow
 * @s:		space
 * @run:	index of the run; it need not be flat
 * @ip:		destination or peer; IPv4-mapped ones are read as IPv4
 * @proto:	IP protocol number
 * @port:	port; ignored where the protocol has none
 *
 * Return: index of the deciding rule, or SPACE_FALLS. Logarithmic in the number
 * of cells
 */
uint32_t space_run_lookup(const struct space *s, size_t run, struct ip ip,
			  uint8_t proto, uint16_t port);

/**
 * space_lookup() - What a walk does with a flow of which no name is known
 * @s:		space, made with either of enum space_names
 * @ip:		destination or peer
 * @proto:	IP protocol number
 * @port:	port
 *
 * Return: index of the deciding rule, or SPACE_FALLS if the default decides
 */
uint32_t space_lookup(const struct space *s, struct ip ip, uint8_t proto,
		      uint16_t port);

/** space_profile_at() - Which rule decides at a port, or SPACE_FALLS */
uint32_t space_profile_at(const struct space_profile *p, enum space_class class,
			  uint16_t port);

/** space_allows() - The verdict of a deciding rule, SPACE_FALLS: the default */
bool space_allows(const struct space *s, uint32_t rule);

/** space_pointer() - Its JSON pointer */
const char *space_pointer(const struct space *s, uint32_t rule);

/**
 * space_cells_of() - The cells of a flat run that overlap a range
 * @run:	run, flat
 * @r:		addresses
 * @ret_n:	number of cells
 *
 * Return: the first of them; the others follow it. Logarithmic
 */
const struct space_cell *space_cells_of(const struct space_run *run,
					struct ip_range r, size_t *ret_n);

/**
 * space_rule_ranges() - The addresses that a rule matches
 * @a:		arena for the set
 * @s:		space, for the gateways
 * @rule:	index in the walk; a domain rule can be about any address
 */
struct ip_set space_rule_ranges(struct arena *a, const struct space *s,
				uint32_t rule);

/**
 * space_rule_services() - The protocols and ports that a rule matches
 * @a:		arena for the list
 * @r:		rule
 * @family:	family: which of the ICMPs is SPACE_ICMP
 * @ret_n:	number of services, ascending by class and port
 */
struct space_service *space_rule_services(struct arena *a,
					  const struct policy_rule *r,
					  enum ip_family family, size_t *ret_n);

/**
 * struct space_box - Flows that one rule decides
 * @addrs:	addresses
 * @service:	protocol class and ports
 * @rule:	index of the rule that decides them, or SPACE_FALLS
 */
struct space_box {
	struct ip_range addrs;
	struct space_service service;
	uint32_t rule;
};

/**
 * space_boxes() - Who decides the flows that a rule matches
 * @a:		arena for the result
 * @s:		space made with SPACE_NAMELESS, flat
 * @rule:	index in the walk. Of a domain rule: the flows that it could be
 *		about; it is reached where the decider is behind it
 * @max:	most boxes to return
 * @ret:	boxes, ascending by address, class, port; one for each decider
 *		of each part; touching boxes are not joined. Sets each @rule
 * @ret_n:	how many
 *
 * The parts where the decider is @rule itself are what the rule decides: if
 * there is none, it never matches. A decider with a lower index hides that part
 * of it. Deciders behind a static rule do not occur.
 *
 * Return: false if there were more than @max
 */
bool space_boxes(struct arena *a, const struct space *s, uint32_t rule,
		 size_t max, struct space_box **ret, size_t *ret_n);

/**
 * space_deciders() - Which rules decide the flows that a rule matches
 * @a:		arena for the result
 * @s:		space made with SPACE_NAMELESS, flat
 * @rule:	index in the walk
 * @ret:	their indices, ascending, SPACE_FALLS last; each occurs once
 * @work:	what it took is subtracted, in steps; not below 0
 *
 * Each one but @rule is needed: it decides flows that no other rule on the list
 * decides in this walk. So if @rule is not on the list, the list is a smallest
 * set of rules that hide it, as they stand.
 *
 * Return: how many
 */
size_t space_deciders(struct arena *a, const struct space *s, uint32_t rule,
		      uint32_t **ret, size_t *work);

/** enum space_answer - A question that may cost too much */
enum space_answer {
	SPACE_NO,
	SPACE_YES,
	SPACE_UNKNOWN,
};

/**
 * space_changes_nothing() - Whether a walk means the same without a rule
 * @s:		space of the walk
 * @slot:	slot
 * @rule:	index of a rule about addresses
 * @dns:	whether the walk judges queries as well: the egress walk does
 * @work:	steps that it may take; what it took is subtracted
 *
 * Some flows of the rule are tried first. If that tells nothing, the rule and
 * those that can meet it are compared, as space_same() does, with what is left
 * without it.
 *
 * Return: SPACE_UNKNOWN if a bound was exceeded, @work among them
 */
enum space_answer space_changes_nothing(const struct space *s,
					const struct slot *slot, uint32_t rule,
					bool dns, size_t *work);

/**
 * struct space_change - Flows that two walks treat differently
 * @addrs:	addresses
 * @service:	protocol class and ports
 * @names:	false: flows of which no name is known get another verdict.
 *		true: they get the same one, but other domain rules, or the same
 *		in another order, are asked about flows with names
 * @dns:	queries, over TCP or UDP by @service.class, to the resolvers
 *		@addrs, are answered differently; @names is true
 * @before_allow: verdict without a name, before
 * @after_allow: verdict without a name, after
 * @before:	rule that decides at the box's first address and port, without a
 *		name, before; SPACE_FALLS is the default
 * @after:	likewise, after
 */
struct space_change {
	struct ip_range addrs;
	struct space_service service;
	bool names;
	bool dns;
	bool before_allow;
	bool after_allow;
	uint32_t before;
	uint32_t after;
};

/**
 * space_diff() - Subtract two walks
 * @a:		arena for the result
 * @before:	space made with SPACE_CUT
 * @after:	space made with SPACE_CUT
 * @dns:	whether the walks judge queries as well: egress walks do
 * @max:	most changes to return
 * @ret:	changes, disjoint: changes of verdict first, then changes of
 *		names; each ascending by address, class, port. Neighbouring
 *		addresses are joined where all of what changes is the same
 * @ret_n:	how many were returned; none if the walks mean the same
 * @ret_all:	whether these are all
 *
 * Return: SPACE_YES if they differ, SPACE_NO if they mean the same,
 * SPACE_UNKNOWN if a bound was exceeded
 */
enum space_answer space_diff(struct arena *a, const struct space *before,
			     const struct space *after, bool dns, size_t max,
			     struct space_change **ret, size_t *ret_n,
			     bool *ret_all);

/**
 * space_same() - Whether two walks mean the same
 * @x:		space made with SPACE_CUT
 * @y:		space made with SPACE_CUT
 * @dns:	whether the walks judge queries as well: egress walks do
 *
 * Return: SPACE_YES only if every flow, with whatever names, gets the same
 * verdict. SPACE_NO is exact for walks without domain rules; for domain rules
 * see space_names.c
 */
enum space_answer space_same(const struct space *x, const struct space *y,
			     bool dns);

/**
 * space_witness() - A flow of a box
 * @addrs:	addresses
 * @service:	protocol class and ports
 * @ret_proto:	IP protocol number
 * @ret_port:	port; 0 if the class has none. Port 0, which no flow line can
 *		have, is left out if the box has another
 *
 * Return: the box's first address
 */
struct ip space_witness(struct ip_range addrs, struct space_service service,
			uint8_t *ret_proto, uint16_t *ret_port);

#endif
