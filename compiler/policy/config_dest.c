/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_dest.c - What a rule's Destination names.
 *
 * Whatever is not a group, a prefix or an address is a domain name, and nearly
 * every typing mistake is one: a rule for "Public" or "256.1.1.1" would be
 * accepted and never match. So a text that looks like something else is
 * refused before it is read as a name. Somebody who does mean a host that is
 * called "any" writes "any.", with the dot that ends a full name.
 */
#include <string.h>

#include "config_value.h"
#include "suggest.h"

/** struct near_miss - A word that is no destination, and what to write */
struct near_miss {
	const char *word;
	const char *instead;
};

static const struct near_miss near_misses[] = {
	{"any", "*"},		{"all", "*"},
	{"everything", "*"},	{"none", NULL},
	{"meta", "metadata"},	{"imds", "metadata"},
	{"local", "private"},	{"localhost", "loopback"},
	{"internet", "public"},
};

static bool word_error(struct field_ctx *c, const char *text,
		       const char *instead)
{
	ARENA(s);
	const char *hint;
	STR(names);

	for (int g = GROUP_NONE + 1; g < GROUP_COUNT; g++)
		str_printf(&names, "%s%s", g == GROUP_NONE + 1 ? "" : ", ",
			   group_name((enum group)g));
	if (!instead)
		hint = arena_printf(&s, "the groups are %s", str_text(&names));
	else if (strpbrk(text, " \t\n"))
		hint = arena_printf(&s, "write \"%s\"", instead);
	else
		hint = arena_printf(
			&s,
			"write \"%s\"; for a host that is called so, write %s",
			instead,
			field_quote(&s, arena_printf(&s, "%s.", text)));
	return field_error(c, DIAG_DESTINATION, hint, "%s is no destination",
			   field_quote(&s, text));
}

/* Refuse a single word that is nearly a group's name. */
static bool check_word(struct field_ctx *c, const char *text)
{
	if (strchr(text, '.') || strlen(text) >= SUGGEST_MAX)
		return true;
	for (size_t i = 0; i < sizeof(near_misses) / sizeof(*near_misses); i++)
		if (!suggest_distance(text, near_misses[i].word))
			return word_error(c, text, near_misses[i].instead);
	for (int g = GROUP_NONE + 1; g < GROUP_COUNT; g++)
		/* One letter in six: "hosts" may well be a host. */
		if (suggest_distance(text, group_name((enum group)g)) * 6 <=
		    strlen(group_name((enum group)g)))
			return word_error(c, text, group_name((enum group)g));
	return true;
}

/* Refuse what was meant as an address. */
static bool check_address(struct field_ctx *c, const char *text, size_t skip)
{
	const char *mark = strpbrk(text, "%-:");
	const char *hint = NULL;
	struct ip ip, end;
	ARENA(s);

	if (config_is_digits(text + skip))
		return field_error(c, DIAG_DESTINATION,
				   "an IPv4 address is four numbers from 0 to "
				   "255, without leading zeros",
				   "%s is neither an address nor a name",
				   field_quote(&s, text));
	if (text[0] == '[')
		return field_error(c, DIAG_DESTINATION,
				   "write the address alone, and ports in "
				   "Ports",
				   "%s is no address", field_quote(&s, text));
	if (!mark)
		return true;
	/* "192.0.2.7-dsl.example" is a host's name. */
	if (*mark == '-' && mark[1] && !ip_parse(mark + 1, &end) &&
	    !config_is_digits(mark + 1))
		return true;
	if (ip_parse(arena_strndup(&s, text, strcspn(text, "%-")), &ip)) {
		hint = strchr(text, '%') ? "write the address without the zone"
					 : "write prefixes instead of a range: "
					   "\"10.0.0.0/24\"";
	} else if (strchr(text, ':')) {
		size_t n = strcspn(text, ":");

		hint = strchr(text + n + 1, ':')
			       ? "an IPv6 address looks like \"2001:db8::7\""
			       : "write the destination alone, and ports in "
				 "Ports";
	} else {
		return true;
	}
	return field_error(c, DIAG_DESTINATION, hint,
			   "%s is neither an address nor a name",
			   field_quote(&s, text));
}

static bool read_prefix(struct field_ctx *c, const char *text,
			struct config_dest *to)
{
	char buf[IP_TEXT_MAX];
	struct ip_range range, plain;
	bool masked;

	if (!ip_parse_prefix(text, &range, &masked))
		return config_prefix_error(c, text);
	plain = ip_range_unmap(range);
	if (masked)
		field_report(c, DIAG_WARNING, DIAG_HOST_BITS, NULL,
			     "host bits are set; read as %s",
			     ip_range_format(plain, buf));
	if (plain.family != range.family)
		field_report(c, DIAG_WARNING, DIAG_MAPPED, NULL,
			     "IPv4-mapped addresses are read as %s",
			     ip_range_format(plain, buf));
	*to = (struct config_dest){.kind = CONFIG_DEST_RANGE, .range = plain};
	return true;
}

static bool text_is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return !*text;
}

/* Full-width letters and digits become ASCII on the way to a name, and then it
 * is one that was meant as an address or a group. */
static bool check_mapped(struct field_ctx *c, const char *text,
			 struct dname name)
{
	char buf[DNAME_TEXT_MAX];
	enum group group;
	bool wrong;
	size_t i;
	ARENA(s);

	dname_format(name, buf);
	wrong = config_is_digits(buf) || group_from_name(buf, &group);
	for (i = 0; i < sizeof(near_misses) / sizeof(*near_misses); i++)
		wrong |= !strcmp(buf, near_misses[i].word);
	if (!wrong || text_is_ascii(text))
		return true;
	return field_error(c, DIAG_DESTINATION,
			   arena_printf(&s, "write it in ASCII: \"%s\"", buf),
			   "%s is read as the domain name \"%s\"",
			   field_quote(&s, text), buf);
}

static bool read_name(struct field_ctx *c, const char *text,
		      struct config_dest *to)
{
	bool suffix = text[0] == '.';
	struct config_dest dest = {
		.kind = suffix ? CONFIG_DEST_SUFFIX : CONFIG_DEST_NAME,
	};
	ARENA(s);

	if (!strncmp(text, "*.", 2))
		return field_error(
			c, DIAG_DESTINATION,
			strspn(text, "*.") == strlen(text)
				? "write \"*\" for every destination"
				: arena_printf(&s, "write %s",
					       field_quote(&s, text + 1)),
			"%s is no destination: a name with all its "
			"subdomains is written with a leading dot",
			field_quote(&s, text));
	if (!strcmp(text, "."))
		return field_error(c, DIAG_DESTINATION,
				   "write \"*\" for every destination",
				   "\".\" is no destination");
	if (!check_address(c, text, suffix) ||
	    (!suffix && !check_word(c, text)))
		return false;
	if (!config_parse_name(c, text, suffix, &dest.name) ||
	    !check_mapped(c, text, dest.name))
		return false;
	*to = dest;
	return true;
}

bool config_read_dest(struct field_ctx *c, const char *text, void *to)
{
	struct config_dest *dest = to;
	enum group group;
	struct ip ip;

	if (!strcmp(text, "*")) {
		*dest = (struct config_dest){.kind = CONFIG_DEST_ANY};
	} else if (group_from_name(text, &group)) {
		*dest = (struct config_dest){.kind = CONFIG_DEST_GROUP,
					     .group = group};
	} else if (text[0] != '.' && strchr(text, '/')) {
		return read_prefix(c, text, dest);
	} else if (text[0] != '.' && ip_parse(text, &ip)) {
		*dest = (struct config_dest){
			.kind = CONFIG_DEST_RANGE,
			.range = ip_single(config_unmap(c, ip)),
		};
	} else {
		return read_name(c, text, dest);
	}
	return true;
}
