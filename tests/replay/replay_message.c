/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay_message.c - Messages to and from the words of a replay script. */
#include "replay_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool words_has(const struct words *w, const char *word)
{
	for (size_t i = 1; i < w->n && w->v[i][0] != '|'; i++)
		if (strcmp(w->v[i], word) == 0)
			return true;
	return false;
}

const char *words_get(const struct words *w, const char *key)
{
	const size_t n = strlen(key);

	for (size_t i = 1; i < w->n && w->v[i][0] != '|'; i++)
		if (strncmp(w->v[i], key, n) == 0 && w->v[i][n] == '=')
			return w->v[i] + n + 1;
	return NULL;
}

ldns_pkt_rcode message_rcode(const char *word)
{
	const ldns_lookup_table *row = ldns_lookup_by_name(ldns_rcodes, word);

	/* Where ldns has another word, or none. */
	if (strcmp(word, "NOTIMP") == 0)
		return LDNS_RCODE_NOTIMPL;
	if (strcmp(word, "BADVERS") == 0)
		return (ldns_pkt_rcode)16;
	if (!row)
		die("%s is no response code", word);
	return (ldns_pkt_rcode)row->id;
}

static size_t finish(ldns_pkt *pkt, uint8_t *to, size_t room)
{
	uint8_t *wire = NULL;
	size_t len = 0;

	if (ldns_pkt2wire(&wire, pkt, &len) != LDNS_STATUS_OK || len > room)
		die("the message cannot be made");
	memcpy(to, wire, len);
	LDNS_FREE(wire);
	ldns_pkt_free(pkt);
	return len;
}

/* ldns has no NULL-safe way to add an OPT record that is all zero. */
static size_t add_opt(const struct words *w, uint8_t *to, size_t len)
{
	const char *size = words_get(w, "edns"), *version;
	unsigned int n = size ? (unsigned int)strtoul(size, NULL, 10) : 1232;
	uint8_t opt[] = {0,	     0, 41, (uint8_t)(n >> 8),
			 (uint8_t)n, 0, 0,  0,
			 0,	     0, 0,  0,
			 10,	     0, 1,  'x'};
	size_t bytes = 11;

	if (!size && !words_has(w, "edns"))
		return len;
	version = words_get(w, "version");
	if (version)
		opt[6] = (uint8_t)strtoul(version, NULL, 10);
	if (words_has(w, "do"))
		opt[7] = 0x80;
	if (words_has(w, "option")) {
		opt[10] = 5;
		bytes = sizeof(opt);
	}
	memcpy(to + len, opt, bytes);
	to[11]++;
	return len + bytes;
}

size_t message_query(const struct words *w, uint8_t *to, size_t room)
{
	const char *class = words_get(w, "class");
	ldns_pkt *pkt;
	ldns_rdf *name;
	size_t len;

	if (w->n < 4)
		die("ask KEY NAME TYPE");
	name = ldns_dname_new_frm_str(w->v[2]);
	if (!name)
		die("%s is no name", w->v[2]);
	pkt = ldns_pkt_query_new(name, ldns_get_rr_type_by_name(w->v[3]),
				 class ? ldns_get_rr_class_by_name(class)
				       : LDNS_RR_CLASS_IN,
				 words_has(w, "nord") ? 0 : LDNS_RD);
	ldns_pkt_set_id(pkt, (uint16_t)strtoul(w->v[1], NULL, 10));
	ldns_pkt_set_cd(pkt, words_has(w, "cd"));
	ldns_pkt_set_ad(pkt, words_has(w, "ad"));
	len = finish(pkt, to, room - 16);
	return add_opt(w, to, len);
}

/* The records of a statement: those of one section, by its mark. */
static ldns_rr_list *records(const struct words *w, const char *mark)
{
	ldns_rr_list *list = ldns_rr_list_new();

	for (size_t i = 1; i < w->n; i++) {
		char text[8192] = "";
		ldns_rr *rr = NULL;

		if (strcmp(w->v[i], mark) != 0)
			continue;
		for (i++; i < w->n && w->v[i][0] != '|'; i++) {
			strncat(text, w->v[i], sizeof(text) - strlen(text) - 2);
			strncat(text, " ", 2);
		}
		i--;
		if (ldns_rr_new_frm_str(&rr, text, 300, NULL, NULL) !=
		    LDNS_STATUS_OK)
			die("%s is no record", text);
		ldns_rr_list_push_rr(list, rr);
	}
	return list;
}

size_t message_reply(const struct words *w, const uint8_t *query, size_t len,
		     uint8_t *to, size_t room)
{
	static const struct {
		ldns_pkt_section section;
		const char *mark;
	} sections[] = {
		{LDNS_SECTION_ANSWER, "|"},
		{LDNS_SECTION_AUTHORITY, "|ns"},
		{LDNS_SECTION_ADDITIONAL, "|ar"},
	};
	const char *question = words_get(w, "question"),
		   *type = words_get(w, "type");
	ldns_pkt *asked = NULL, *pkt = ldns_pkt_new();
	ldns_rr *rr;

	if (ldns_wire2pkt(&asked, query, len) != LDNS_STATUS_OK)
		die("the query that was sent is malformed");
	ldns_pkt_set_id(pkt,
			(uint16_t)(ldns_pkt_id(asked) ^ words_has(w, "id")));
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_ra(pkt, true);
	ldns_pkt_set_rd(pkt, ldns_pkt_rd(asked));
	ldns_pkt_set_cd(pkt, ldns_pkt_cd(asked));
	ldns_pkt_set_tc(pkt, words_has(w, "tc"));
	ldns_pkt_set_aa(pkt, words_has(w, "aa"));
	ldns_pkt_set_ad(pkt, words_has(w, "ad"));
	ldns_pkt_set_rcode(pkt, (uint8_t)message_rcode(w->v[1]));
	rr = ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(asked), 0));
	if (question) {
		ldns_rdf_deep_free(ldns_rr_owner(rr));
		ldns_rr_set_owner(rr, ldns_dname_new_frm_str(question));
	}
	if (type)
		ldns_rr_set_type(rr, ldns_get_rr_type_by_name(type));
	if (words_has(w, "lower"))
		ldns_dname2canonical(ldns_rr_owner(rr));
	ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, rr);
	for (size_t i = 0; i < 3; i++) {
		ldns_rr_list *list = records(w, sections[i].mark);

		ldns_pkt_push_rr_list(pkt, sections[i].section, list);
		ldns_rr_list_free(list);
	}
	ldns_pkt_free(asked);
	len = finish(pkt, to, room - 32);
	len = add_opt(w, to, len);
	if (words_has(w, "cut"))
		len--;
	if (words_has(w, "junk"))
		to[len++] = 0;
	return len;
}

static void check_flag(const struct words *w, const char *word, bool is)
{
	if (words_has(w, word) != is)
		die("%s is %sset", word, is ? "" : "not ");
}

static void check_section(const struct words *w, const char *mark,
			  ldns_rr_list *is)
{
	ldns_rr_list *want = records(w, mark);
	size_t n = ldns_rr_list_rr_count(want);

	if (ldns_rr_list_rr_count(is) != n)
		die("%zu records (%s), not %zu", ldns_rr_list_rr_count(is),
		    mark, n);
	for (size_t i = 0; i < n; i++) {
		char *a = ldns_rr2str(ldns_rr_list_rr(want, i));
		char *b = ldns_rr2str(ldns_rr_list_rr(is, i));

		if (strcasecmp(a, b) != 0)
			die("record (%s): %s", mark, b);
		LDNS_FREE(a);
		LDNS_FREE(b);
	}
	ldns_rr_list_deep_free(want);
}

/* The one SOA of a denial, which lasts 10 s. */
static void check_denied(ldns_pkt *pkt)
{
	ldns_rr_list *ns = ldns_pkt_authority(pkt);
	const ldns_rr *soa = ldns_rr_list_rr(ns, 0);

	if (ldns_rr_list_rr_count(ns) != 1 || ldns_pkt_ancount(pkt) ||
	    ldns_rr_get_type(soa) != LDNS_RR_TYPE_SOA ||
	    ldns_rr_ttl(soa) != 10 ||
	    ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)) != 10)
		die("no SOA of a denial");
}

/* The code of the first extended error; -1 without. */
static int extended_error(ldns_pkt *pkt)
{
	const ldns_rdf *options = ldns_pkt_edns_data(pkt);

	if (!options || ldns_rdf_size(options) < 6 ||
	    ldns_read_uint16(ldns_rdf_data(options)) != 15)
		return -1;
	return ldns_read_uint16(ldns_rdf_data(options) + 4);
}

void message_check(const struct words *w, const uint8_t *data, size_t len)
{
	const char *ede = words_get(w, "ede");
	ldns_pkt *pkt = NULL;
	unsigned int rcode;

	if (ldns_wire2pkt(&pkt, data, len) != LDNS_STATUS_OK)
		die("the answer is malformed");
	rcode = (unsigned int)ldns_pkt_get_rcode(pkt) |
		(unsigned int)ldns_pkt_edns_extended_rcode(pkt) << 4;
	if (rcode != (unsigned int)message_rcode(w->v[2]))
		die("the response code is %u", rcode);
	if (!ldns_pkt_qr(pkt) || !ldns_pkt_ra(pkt))
		die("QR and RA are not set");
	check_flag(w, "tc", ldns_pkt_tc(pkt));
	check_flag(w, "aa", ldns_pkt_aa(pkt));
	check_flag(w, "ad", ldns_pkt_ad(pkt));
	check_flag(w, "edns", ldns_pkt_edns(pkt));
	if (ede && extended_error(pkt) != (int)strtol(ede, NULL, 10))
		die("the extended error is %d", extended_error(pkt));
	check_section(w, "|", ldns_pkt_answer(pkt));
	if (words_has(w, "denied")) {
		check_denied(pkt);
	} else {
		check_section(w, "|ns", ldns_pkt_authority(pkt));
		check_section(w, "|ar", ldns_pkt_additional(pkt));
	}
	ldns_pkt_free(pkt);
}
