/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curve.h - Signatures and keys of elliptic curves, computed by Nettle. */
#ifndef MSB_CURVE_H
#define MSB_CURVE_H

#include <stdbool.h>

#include "wolf.h"

#include <wolfssl/wolfcrypt/cryptocb.h>

/*
 * What wolfSSL's callback is asked, answered as it wants to be: 0, one of its
 * errors, or CRYPTOCB_UNAVAILABLE for what is not computed here.
 */

/** curve_sign() - ECDSA (FIPS 186-4 section 6.4) */
int curve_sign(wc_CryptoInfo *info);

/** curve_verify() - Likewise */
int curve_verify(wc_CryptoInfo *info);

/** curve_agree() - ECDH: the x coordinate of the common point */
int curve_agree(wc_CryptoInfo *info);

/** curve_generate() - A new pair of keys */
int curve_generate(wc_CryptoInfo *info);

#endif
