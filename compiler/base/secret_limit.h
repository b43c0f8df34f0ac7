/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret_limit.h - How many secrets a sandbox has at most, and how long. */
#ifndef MSB_SECRET_LIMIT_H
#define MSB_SECRET_LIMIT_H

/** SECRET_MAX - Secrets of one sandbox */
#define SECRET_MAX 256

/**
 * SECRET_PLACEHOLDER_MIN - Octets that a placeholder has at least
 *
 * "$MSB_" and a name of one letter. Random octets look like a given placeholder
 * of six once in 2^48 places, and like its base64 form once in 2^44; with four
 * it would happen in each few gigabytes of an upload.
 */
#define SECRET_PLACEHOLDER_MIN 6

/** SECRET_PLACEHOLDER_MAX - Octets that it has at most */
#define SECRET_PLACEHOLDER_MAX 128

/**
 * SECRET_PLACEHOLDERS_MAX - Octets that all of a sandbox's have at most
 *
 * 24 each if there are as many secrets as may be. So many can be looked for at
 * once, whatever they are: see finder_build.c, where it is proved.
 */
#define SECRET_PLACEHOLDERS_MAX 6144

/** SECRET_VALUE_MAX - Octets of a value: what fits into a header */
#define SECRET_VALUE_MAX 16384

#endif
