/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_table.h - The field tables of the input language. */
#ifndef MSB_CONFIG_TABLE_H
#define MSB_CONFIG_TABLE_H

#include "config.h"
#include "field.h"
#include "str.h"

/** enum config_object - Kinds of objects, the whole document first */
enum config_object {
	CONFIG_NETWORK,
	CONFIG_RULE,
	CONFIG_DNS,
	CONFIG_TLS,
	CONFIG_PORT_BINDING,
	CONFIG_RATE_LIMITER,
	CONFIG_RATE_LIMIT,
	CONFIG_TOKEN_BUCKET,
	CONFIG_SECRET,
	CONFIG_OBJECT_COUNT,
};

/** config_objects - Their tables; what refers to another table comes first */
extern const struct field_object config_objects[CONFIG_OBJECT_COUNT];

/** config_inject_words - What Inject may have, ended by a row of zeros */
extern const struct field_word config_inject_words[];

/** config_violation_words - What OnSecretViolation and OnViolation may be */
extern const struct field_word config_violation_words[];

/* Fields that a check asks for by number: their rows in the tables. */

/** enum config_network_field - Fields of NetworkConfig that exclude others */
enum config_network_field {
	NETWORK_POLICY,
	NETWORK_RULES,
	NETWORK_DEFAULT_EGRESS,
	NETWORK_DEFAULT_INGRESS,
};

/** enum config_rule_field - Fields of PolicyRule that a check points at */
enum config_rule_field {
	RULE_ACTION,
	RULE_DIRECTION,
	RULE_DESTINATION,
	RULE_PROTOCOL,
	RULE_PROTOCOLS,
};

/** enum config_tls_field - Fields of TLS that need each other */
enum config_tls_field {
	TLS_FIELD_CA_CERT,
	TLS_FIELD_CA_KEY,
};

/** enum config_secret_field - Fields of SecretEntry that are looked at */
enum config_secret_field {
	SECRET_NAME,
	SECRET_VALUE_FILE,
	SECRET_VALUE_ENV,
	SECRET_INJECT,
};

/**
 * config_member_error() - Report an error about a member of the object that is
 * being read
 * @name:	the member
 *
 * The others are those of field_report().
 */
void config_member_error(struct field_ctx *c, const char *name,
			 enum diag_code code, const char *hint, const char *fmt,
			 ...) __attribute__((format(printf, 5, 6)));

/* The checks of the tables, in config_check.c. */

/** config_check_network() - Exclusive fields, duplicates, defaults */
void config_check_network(struct field_ctx *c, uint32_t set, void *to);

/** config_check_rule() - Defaults, ICMP and direction; unites the ports */
void config_check_rule(struct field_ctx *c, uint32_t set, void *to);

/** config_check_tls() - CACert and CAKey need each other */
void config_check_tls(struct field_ctx *c, uint32_t set, void *to);

/** config_check_binding() - Defaults */
void config_check_binding(struct field_ctx *c, uint32_t set, void *to);

/* And in config_secret.c. */

/** config_check_secret() - One of ValueFile and ValueEnv; defaults */
void config_check_secret(struct field_ctx *c, uint32_t set, void *to);

/**
 * config_check_secrets() - How many there are, how long, and that each has a
 * name and a placeholder of its own
 * @c:	context, at what has the field Secrets
 * @v:	the secrets
 * @n:	how many
 */
void config_check_secrets(struct field_ctx *c, const struct config_secret *v,
			  size_t n);

/** config_check_use() - Warn of secrets that are never put in anywhere */
void config_check_use(struct field_ctx *c, const struct config *config);

/**
 * config_schema() - Append the JSON Schema (2020-12) of the input language
 *
 * Every document that config_read() accepts is valid under it. What a schema
 * cannot say, such as that no port is published twice, is left to
 * config_read().
 */
void config_schema(struct str *out);

/** config_manual() - Append the fields as mdoc source, for the manual */
void config_manual(struct str *out);

#endif
