/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_pattern.h - Regular expressions (ECMA 262) of the JSON Schema. */
#ifndef MSB_CONFIG_PATTERN_H
#define MSB_CONFIG_PATTERN_H

/* The decoder says more, and says it better; these are for editors and for
 * other programs' checks. */
#define PORT \
	"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}" \
	"|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
#define PORTS_PATTERN "^" PORT "(-" PORT ")?$"
#define POOL4_PATTERN "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/([0-9]|[12][0-9]|30)$"
#define POOL6_PATTERN \
	"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/([0-9]|[1-5][0-9]|6[0-4])$"
#define BIND_PATTERN \
	"^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$"
#define NAME_PATTERN   "^[^ .*:/@\\[\\]\\\\][^ *:/@\\[\\]\\\\]*$"
#define SUFFIX_PATTERN "^\\.?[^ .*:/@\\[\\]\\\\][^ *:/@\\[\\]\\\\]*$"
#define HOST_PATTERN   "^(\\*\\.)?[^ .*:/@\\[\\]\\\\][^ *:/@\\[\\]\\\\]*$"
#define DEST_PATTERN \
	"^(\\*|[0-9A-Fa-f:.]+/(0|[1-9][0-9]{0,2})" \
	"|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[0-9]{1,3}(\\.[0-9]{1,3}){3}" \
	"|(?!\\.?[0-9.]+$)" \
	"(?!(any|all|meta|none|internet|localhost|link_local|Public|Private" \
	"|Host|Metadata|Loopback|Multicast|Link-local|Link-Local)$)" \
	"\\.?[^ .*:/@\\[\\]\\\\][^ *:/@\\[\\]\\\\]*)$"

#endif
