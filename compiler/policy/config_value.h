/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_value.h - Readers of the single values that a document holds.
 *
 * Each reads @text into @to, or reports what is wrong and returns false; they
 * are the @read functions of the field tables. What @to points to is said at
 * each.
 */
#ifndef MSB_CONFIG_VALUE_H
#define MSB_CONFIG_VALUE_H

#include "config.h"
#include "field.h"

/** config_read_dest() - A Destination into a struct config_dest */
bool config_read_dest(struct field_ctx *c, const char *text, void *to);

/** config_read_ports() - "443" or "8000-9000" into a struct config_ports */
bool config_read_ports(struct field_ctx *c, const char *text, void *to);

/** config_read_port_key() - A key of Ports into a struct config_binding */
bool config_read_port_key(struct field_ctx *c, const char *text, void *to);

/** config_read_domain() - An exact name into a struct dname */
bool config_read_domain(struct field_ctx *c, const char *text, void *to);

/** config_read_suffix() - ".ads" or "ads" into the struct dname of its apex */
bool config_read_suffix(struct field_ctx *c, const char *text, void *to);

/** config_read_pattern() - "NAME" or "*.NAME" into a struct config_pattern */
bool config_read_pattern(struct field_ctx *c, const char *text, void *to);

/** config_read_nameserver() - A name server into a struct config_nameserver */
bool config_read_nameserver(struct field_ctx *c, const char *text, void *to);

/** config_read_bind() - An address literal into a struct ip, mapped unwrapped
 */
bool config_read_bind(struct field_ctx *c, const char *text, void *to);

/** config_read_pool4() - An IPv4 prefix into a struct ip_range */
bool config_read_pool4(struct field_ctx *c, const char *text, void *to);

/** config_read_pool6() - An IPv6 prefix into a struct ip_range */
bool config_read_pool6(struct field_ctx *c, const char *text, void *to);

/** config_read_env() - An environment variable's name into a const char * */
bool config_read_env(struct field_ctx *c, const char *text, void *to);

/** config_read_path() - An absolute path into a const char * */
bool config_read_path(struct field_ctx *c, const char *text, void *to);

/** config_read_placeholder() - A Placeholder into a const char * */
bool config_read_placeholder(struct field_ctx *c, const char *text, void *to);

/* What the readers share. */

/**
 * config_is_digits() - Whether a name is made of numbers and dots only
 *
 * Such a name was meant as an address: no name that DNS serves looks so.
 */
bool config_is_digits(const char *text);

/**
 * config_parse_port() - Read a port number in a document's strict spelling
 * @c:		context for errors
 * @text:	digits, not necessarily terminated
 * @len:	characters
 * @hint:	what to write instead of something that is no port, or NULL
 * @ret:	port; set on success
 */
bool config_parse_port(struct field_ctx *c, const char *text, size_t len,
		       const char *hint, uint16_t *ret);

/**
 * config_parse_name() - Read a domain name, or report why it is none
 * @c:		context for errors
 * @text:	text, as it is shown in the error
 * @skip:	characters before the name: a leading dot, "*."
 * @ret:	canonical name; set on success
 */
bool config_parse_name(struct field_ctx *c, const char *text, size_t skip,
		       struct dname *ret);

/** config_unmap() - Unwrap an IPv4-mapped address, with a warning */
struct ip config_unmap(struct field_ctx *c, struct ip ip);

/** config_prefix_error() - Say why @text is no prefix; false */
bool config_prefix_error(struct field_ctx *c, const char *text);

#endif
