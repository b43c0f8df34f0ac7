/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_conf.h - tls.json, decoded: which flows may go on, and how. */
#ifndef MSB_TLS_CONF_H
#define MSB_TLS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "secret.h"
#include "walk_conf.h"

/** TLS_CONNECTIONS - Limits.Connections, unless set */
#define TLS_CONNECTIONS 12288

/** TLS_CONNECTIONS_MAX - What it may be at most */
#define TLS_CONNECTIONS_MAX 65536

/** TLS_INTERCEPTED - Limits.Intercepted, unless set */
#define TLS_INTERCEPTED 2048

/** TLS_HELLO_MS - Limits.HelloMs, unless set */
#define TLS_HELLO_MS 5000

/** TLS_CONNECT_MS - Limits.ConnectMs, unless set */
#define TLS_CONNECT_MS 30000

/** TLS_HANDSHAKE_MS - Limits.HandshakeMs, unless set */
#define TLS_HANDSHAKE_MS 15000

/** TLS_HELLO_BYTES - Limits.HelloBytes, unless set: 8 MiB */
#define TLS_HELLO_BYTES (UINT32_C(8) << 20)

/** TLS_HELLO_BYTES_MIN - What it may be at least */
#define TLS_HELLO_BYTES_MIN (UINT32_C(128) << 10)

/** TLS_HELLO_BYTES_MAX - What it may be at most: 256 MiB */
#define TLS_HELLO_BYTES_MAX (UINT32_C(256) << 20)

/** TLS_TIME_MAX_MS - What times may be at most: a day */
#define TLS_TIME_MAX_MS 86400000

/** TLS_NO_SET - In place of a pin set's index: there is none */
#define TLS_NO_SET UINT16_MAX

_Static_assert(WALK_PIN_SETS_MAX < TLS_NO_SET, "a set's index fits");

/**
 * struct tls_limits - Sizes of the tables, and times
 * @connections: flows that are carried at one time
 * @intercepted: those of them whose TLS is ended here
 * @hello_ms:	time that a client has to say its ClientHello
 * @connect_ms:	time that a server has to accept a connection
 * @handshake_ms: time that both handshakes of an intercepted flow have
 * @hello_bytes: octets of ClientHellos that are being read, of all flows
 */
struct tls_limits {
	uint32_t connections;
	uint32_t intercepted;
	uint32_t hello_ms;
	uint32_t connect_ms;
	uint32_t handshake_ms;
	uint32_t hello_bytes;
};

/**
 * struct tls_intercept - Interception
 * @verify_upstream: whether a server's certificate must be valid
 */
struct tls_intercept {
	bool verify_upstream;
};

/**
 * struct tls_value_source - Where the host keeps a secret's value
 * @file:	absolute path of a file that holds it, or NULL
 * @env:	environment variable of whoever reads it, or NULL
 */
struct tls_value_source {
	const char *file;
	const char *env;
};

/**
 * struct tls_conf - tls.json
 * @walk:	names, rules and pin sets. Its policy has the document's
 *		InterceptedPorts, Bypass and Secrets as well: eval_intercepts(),
 *		eval_bypasses(), eval_reads()
 * @dns:	how the sandbox resolves names: what is refused to DNS over TLS
 *		depends on it
 * @port:	port of the listeners
 * @limits:	limits
 * @has_intercept: whether @intercept is there
 * @tls:	Bypass, VerifyUpstream and Ports
 * @intercept:	NULL: nothing is intercepted
 * @made:	where @intercept points to
 * @secrets:	secrets, in the document's order, without their values, which no
 *		file of ours has
 * @sources:	for each of them, where its value is
 * @rule_set:	for each rule about a name, in the order of the walk, the pair
 *		of pin sets that has its addresses; else TLS_NO_SET
 */
struct tls_conf {
	struct walk_conf walk;
	enum policy_dns dns;
	uint16_t port;
	struct tls_limits limits;
	bool has_intercept;
	struct config_tls tls;
	const struct tls_intercept *intercept;
	struct tls_intercept made;
	struct secrets secrets;
	const struct tls_value_source *sources;
	const uint16_t *rule_set;
};

/**
 * tls_conf_decode() - Decode and check a configuration
 * @a:		arena that holds the result
 * @text:	JSON
 * @len:	bytes
 * @ret_reason:	on failure, why
 *
 * Return: the configuration, NULL if it is refused
 */
struct tls_conf *tls_conf_decode(struct arena *a, const char *text, size_t len,
				 char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * tls_conf_read() - The same, from a file
 * @fd:	descriptor, which stays open
 */
struct tls_conf *tls_conf_read(struct arena *a, int fd,
			       char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * tls_conf_host() - Whether flows to a port of the gateway may go on
 * @c:		configuration
 * @family:	of the gateway's address
 * @port:	port
 *
 * What is said of the name in a flow can deny it still, and never allow more:
 * the gateway's addresses are pinned to no name.
 */
bool tls_conf_host(const struct tls_conf *c, enum ip_family family,
		   uint16_t port);

#endif
