/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sign_case.h - A CA, a document and requests for the signer. */
#ifndef MSB_SIGN_CASE_H
#define MSB_SIGN_CASE_H

#include "sign.h"
#include "tlsd_parts.h"

/* What a document intercepts, and rules about two names. */

#define PORT443 "\"Ports\":[443]"

#define ALLOW_A "{\"Action\":\"allow\",\"Destination\":\"a.example\"}"
#define ALLOW_B "{\"Action\":\"allow\",\"Destination\":\"b.example\"}"

/**
 * struct sign_case - A CA in two files
 * @cert:	its certificate
 * @key:	its key
 * @id:		what requests name it by
 */
struct sign_case {
	int cert;
	int key;
	uint8_t id[TLSD_CA_ID];
};

/** sign_case_text_fd() - A file of this text */
int sign_case_text_fd(const char *text);

/**
 * sign_case_conf_fd() - A tls.json
 * @rules:	its rules
 * @otherwise:	"allow" or "deny": what holds where there is none
 * @intercept:	what it says of interception, or NULL
 */
int sign_case_conf_fd(const char *rules, const char *otherwise,
		      const char *intercept);

/** sign_case_ca() - A new CA */
struct sign_case sign_case_ca(void);

/** sign_case_ask_for() - A request for a leaf of this name */
struct tlsd_sign sign_case_ask_for(const struct sign_case *f, const char *text);

#endif
