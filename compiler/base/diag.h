/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag.h - What there is to say about a document, and where in it. */
#ifndef MSB_DIAG_H
#define MSB_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "str.h"

/** DIAG_MAX_ERRORS - Errors reported for one document; more are counted */
#define DIAG_MAX_ERRORS 20

/** DIAG_MAX_NOTES - Warnings and notes reported for one document, likewise */
#define DIAG_MAX_NOTES 100

/** enum diag_level - How bad it is */
enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE,
};

/**
 * DIAG_CODES() - Every kind of diagnostic: enum tail, stable code, meaning
 *
 * The code is what scripts match on: it never changes its meaning. The meaning
 * is printed in the manual.
 */
#define DIAG_CODES(X) \
	X(SYNTAX, "syntax", "the text is not JSON (RFC 8259)") \
	X(UTF8, "utf-8", \
	  "the text is not UTF-8, or starts with a byte-order mark") \
	X(TOO_LARGE, "too-large", "the document is over 64 MiB") \
	X(DEPTH, "depth", "values are nested more than 32 deep") \
	X(TYPE, "type", "a value has the wrong JSON type") \
	X(UNKNOWN_KEY, "unknown-key", "a key that is no field of its object") \
	X(DUPLICATE_KEY, "duplicate-key", \
	  "a key twice in one object, or in both spellings") \
	X(MISSING, "missing", "a required field is absent") \
	X(NUMBER_RANGE, "number-range", "a number outside its range") \
	X(NUMBER_FORMAT, "number-format", \
	  "a number that is no whole number, or is written with blanks, signs or leading zeros") \
	X(ENUM, "enum", "a word that is not one of those allowed") \
	X(TEXT, "text", "text that its field does not allow") \
	X(EMPTY, "empty", "an empty or null list element") \
	X(PORT_RANGE, "port-range", "a port range whose ends are reversed") \
	X(ADDRESS, "address", "text that is no IP address or prefix") \
	X(DOMAIN_NAME, "domain-name", "text that is no domain name") \
	X(DESTINATION, "destination", \
	  "a destination that would never match what it seems to say") \
	X(EXCLUSIVE, "exclusive", "fields that exclude each other") \
	X(PAIR, "pair", "one of two fields that need each other is absent") \
	X(DUPLICATE, "duplicate", "the same thing declared twice") \
	X(ICMP_INGRESS, "icmp-ingress", \
	  "an ICMP protocol in a rule for ingress") \
	X(POOL, "pool", "an address pool that cannot serve the slot") \
	X(NEVER_MATCHES, "never-matches", "a rule that no packet can match") \
	X(HOST_BITS, "host-bits", \
	  "a prefix with host bits set; they are cleared") \
	X(MAPPED, "mapped", "an IPv4-mapped IPv6 address, read as IPv4") \
	X(SECRET_UNUSED, "secret-unused", \
	  "a secret that is never put in, or a host where it is not") \
	X(DNS_NAT, "dns-nat", "what plain NAT to a name server cannot do") \
	X(POLICY_SIZE, "policy-size", \
	  "a policy whose ruleset or helper would be too large") \
	X(RULE_ORDER, "rule-order", \
	  "rules that overlap in so many ways that a flow has to try them one by one")

/**
 * LINT_CODES() - What a document that is good may still have: likewise
 */
#define LINT_CODES(X) \
	X(LINT_SHADOWED, "shadowed", \
	  "a rule that never matches: earlier rules, one with the other action among them, decide all that it is about") \
	X(LINT_REDUNDANT, "redundant", \
	  "a rule that never matches: earlier rules with the same action decide all that it is about") \
	X(LINT_UNPUBLISHED, "unpublished", \
	  "a rule for ingress that is about no port that a binding publishes") \
	X(LINT_NO_EFFECT, "no-effect", \
	  "a rule that matches, and without which every flow would get the same verdict") \
	X(LINT_PARTLY_HIDDEN, "partly-hidden", \
	  "a rule of which an earlier one with the other action, which is no exception inside it, decides a part; a note") \
	X(LINT_DNS_DENIED, "dns-denied", \
	  "rules about names in a document that allows no query") \
	X(LINT_DNS_HIDDEN, "dns-hidden", \
	  "a rule about a name whose queries an earlier rule decides the other way") \
	X(LINT_PUBLIC_SUFFIX, "public-suffix", \
	  "a suffix under which anybody can register names; a note where it is denied") \
	X(LINT_NEVER_RESOLVES, "never-resolves", \
	  "a rule that allows a name that no name server may know") \
	X(LINT_PUBLISHED_DENIED, "published-denied", \
	  "a published port to which ingress denies every peer") \
	X(LINT_BIND_NOWHERE, "bind-nowhere", \
	  "a port that is published on an address that the host cannot have") \
	X(LINT_UNREAD_BYPASS, "unread-bypass", \
	  "names whose flows are not looked through for placeholders of secrets; a note") \
	X(LINT_UNREAD_TCP, "unread-tcp", \
	  "TCP that is allowed and not looked through for them; a note") \
	X(LINT_UNREAD_UDP, "unread-udp", \
	  "UDP that is allowed and not looked through for them; a note") \
	X(LINT_BOUND, "lint-bound", \
	  "a document too large for every question to be asked; a note")

/** enum diag_code - Kinds of diagnostics, by DIAG_CODES() and LINT_CODES() */
enum diag_code {
#define DIAG_ENUM(id, code, meaning) DIAG_##id,
	DIAG_CODES(DIAG_ENUM) LINT_CODES(DIAG_ENUM)
#undef DIAG_ENUM
		DIAG_CODE_COUNT,
};

/**
 * struct diag - One diagnostic
 * @level:	how bad
 * @code:	kind
 * @pointer:	JSON pointer (RFC 6901) as the document spells it; "" is the
 *		whole document
 * @line:	line, from 1; 0 if the place is not known
 * @column:	column in characters (code points), from 1
 * @offset:	byte offset of the place in the document
 * @width:	characters to underline, at least 1
 * @message:	what is wrong, and what would be allowed
 * @hint:	what to write instead, or NULL
 */
struct diag {
	enum diag_level level;
	enum diag_code code;
	const char *pointer;
	unsigned int line;
	unsigned int column;
	size_t offset;
	unsigned int width;
	const char *message;
	const char *hint;
};

/**
 * struct diags - The diagnostics of one document
 * @arena:	holds everything below
 * @file:	name to print: a path, "-" or "preset:NAME"
 * @text:	the document, for places and source lines; may be NULL
 * @len:	bytes at @text
 * @v:		diagnostics; diags_sort() orders them by place
 * @n:		number of diagnostics at @v
 * @cap:	private
 * @count:	how many of each level there were, those not kept included
 */
struct diags {
	struct arena *arena;
	const char *file;
	const char *text;
	size_t len;
	struct diag *v;
	size_t n;
	size_t cap;
	size_t count[3];
};

/** DIAG_AT_KEY - Underline the member's key instead of its value */
#define DIAG_AT_KEY 1u

/**
 * diag_add() - Add a diagnostic about a value
 * @d:		diagnostics
 * @level:	how bad
 * @code:	kind
 * @flags:	0 or DIAG_AT_KEY
 * @pointer:	canonical JSON pointer (field names as in the field tables,
 *		"/Rules/3/Ports/0"); it is resolved in the text of the document,
 *		where either spelling of a field name is found, to a place and
 *		to the pointer in the document's own spelling. A value that is
 *		absent is placed at its nearest ancestor that is there
 * @hint:	what to write instead, or NULL; copied
 * @fmt:	message: one sentence without the full stop
 *
 * An error about a pointer and place that already have an error of the same
 * code is dropped, and so is any about a value that could not be read at all:
 * one mistake, one message.
 */
void diag_add(struct diags *d, enum diag_level level, enum diag_code code,
	      unsigned int flags, const char *pointer, const char *hint,
	      const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/**
 * diag_add_at() - Add a diagnostic about a place in the text
 * @offset:	byte offset in the document
 *
 * For what has no JSON pointer because the text could not be parsed. The other
 * arguments are those of diag_add().
 */
void diag_add_at(struct diags *d, enum diag_level level, enum diag_code code,
		 size_t offset, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/**
 * diag_add_place() - Add a diagnostic about a place that is known
 * @offset:	byte offset in the document
 * @len:	bytes to underline
 * @pointer:	JSON pointer as the document spells it
 *
 * For what is found while the text is read, before it is a tree. The other
 * arguments are those of diag_add().
 */
void diag_add_place(struct diags *d, enum diag_level level, enum diag_code code,
		    size_t offset, size_t len, const char *pointer,
		    const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));

/**
 * diag_is_surplus() - Count a diagnostic that there is no more room for
 *
 * For those who would go a long way to word what nobody will see.
 *
 * Return: true if it was counted and that is all; false if it is to be added
 */
bool diag_is_surplus(struct diags *d, enum diag_level level);

/** diags_failed() - Whether there was any error */
bool diags_failed(const struct diags *d);

/** diags_sort() - Order by place in the document, then level */
void diags_sort(struct diags *d);

/**
 * diags_print() - Append all diagnostics as text, as compilers print them
 * @d:		diagnostics
 * @out:	receives "file:line:col: level: /pointer: message [code]", the
 *		source line, a caret line, and the hint for each
 */
void diags_print(const struct diags *d, struct str *out);

/**
 * diags_json() - Append all diagnostics as one JSON array
 * @d:		diagnostics
 * @out:	receives [{"file","line","column","level","pointer","code",
 *		"message","hint"}]
 */
void diags_json(const struct diags *d, struct str *out);

/** DIAG_LINT_FIRST - The first of LINT_CODES(); the others follow it */
#define DIAG_LINT_FIRST DIAG_LINT_SHADOWED

/** diag_code_name() - The stable code, "number-range" */
const char *diag_code_name(enum diag_code code);

/** diag_code_meaning() - One line for the manual */
const char *diag_code_meaning(enum diag_code code);

#endif
