/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signer_calls.h - The system calls that the signer may make. */
#ifndef MSB_SIGNER_CALLS_H
#define MSB_SIGNER_CALLS_H

/**
 * signer_confine() - Confine the signer for good
 *
 * As confine_worker(), and of the system calls that this leaves only those are
 * left that receive and send messages on the descriptors that are there, read
 * files that come with messages, take memory and random numbers. The signer
 * makes no socket and connects none.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *signer_confine(void) __attribute__((warn_unused_result));

#endif
