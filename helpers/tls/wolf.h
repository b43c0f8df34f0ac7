/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wolf.h - wolfSSL, as it was built: its options come before its headers. */
#ifndef MSB_WOLF_H
#define MSB_WOLF_H

/* wolfSSL is GPL-2.0-or-later, or version 3 in later releases. */
#include <wolfssl/options.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#endif
