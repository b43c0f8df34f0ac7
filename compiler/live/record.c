/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.c - The record of a sandbox, as text. */
#include "record.h"

#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

static void record_line(struct str *s, const char *key, const char *value)
{
	size_t i;

	/* What a user gave may hold a line feed, which would be a new key here,
	 * and what a terminal takes for more than text. */
	str_printf(s, "%s ", key);
	for (i = 0; value[i]; i++)
		str_putc(s, is_control(value[i]) ? '?' : value[i]);
	str_putc(s, '\n');
}

void record_print(struct str *s, const struct state_record *r)
{
	const uint8_t *m = r->uplink_mac;
	size_t i;

	record_line(s, "name", r->name);
	str_printf(s, "slot %u\n", r->slot);
	record_line(s, "ready", r->ready ? "yes" : "no");
	record_line(s, "run", r->run ? "yes" : "no");
	str_printf(s, "created %lld\n", (long long)r->created);
	record_line(s, "guest", r->guest);
	record_line(s, "netns", r->netns);
	record_line(s, "uplink", r->uplink);
	str_printf(s, "uplink-mac %02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1],
		   m[2], m[3], m[4], m[5]);
	for (i = 0; i < STATE_LINKS; i++)
		str_printf(s, "link%zu %s\n", i, r->links[i]);
	record_line(s, "file", r->file);
	record_line(s, "forwarding", r->forwarding ? "yes" : "no");
	str_printf(s, "open %u\n", r->open);
}

/* Finds the value of @key among the lines of a record; "" if it is absent. */
static void record_text(const char *text, const char *key, char *ret,
			size_t size)
{
	size_t len = strlen(key);

	ret[0] = '\0';
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (strncmp(text, key, len) == 0 && text[len] == ' ') {
			text += len + 1;
			snprintf(ret, size, "%.*s", (int)strcspn(text, "\n"),
				 text);
			return;
		}
	}
}

static bool record_yes(const char *text, const char *key)
{
	char value[8];

	record_text(text, key, value, sizeof(value));
	return strcmp(value, "yes") == 0;
}

bool record_parse(const char *text, const char *name, struct state_record *ret)
{
	struct state_record r = {.slot = 0};
	struct ether_addr mac;
	char value[32], key[16];
	size_t i;

	record_text(text, "name", r.name, sizeof(r.name));
	if (strcmp(r.name, name) != 0)
		return false;
	record_text(text, "slot", value, sizeof(value));
	r.slot = (uint32_t)strtoul(value, NULL, 10);
	r.ready = record_yes(text, "ready");
	r.run = record_yes(text, "run");
	record_text(text, "created", value, sizeof(value));
	r.created = strtoll(value, NULL, 10);
	record_text(text, "guest", r.guest, sizeof(r.guest));
	record_text(text, "netns", r.netns, sizeof(r.netns));
	record_text(text, "uplink", r.uplink, sizeof(r.uplink));
	record_text(text, "uplink-mac", value, sizeof(value));
	if (ether_aton_r(value, &mac))
		memcpy(r.uplink_mac, &mac, sizeof(r.uplink_mac));
	for (i = 0; i < STATE_LINKS; i++) {
		snprintf(key, sizeof(key), "link%zu", i);
		record_text(text, key, r.links[i], sizeof(r.links[i]));
	}
	record_text(text, "file", r.file, sizeof(r.file));
	r.forwarding = record_yes(text, "forwarding");
	record_text(text, "open", value, sizeof(value));
	r.open = (uint32_t)strtoul(value, NULL, 10);
	*ret = r;
	return true;
}
