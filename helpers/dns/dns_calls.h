/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_calls.h - What the worker may not do with the descriptors it holds.
 *
 * The worker's sockets to name servers are of the host's network namespace. A
 * datagram socket that is connected may still send to anybody, if it is told
 * an address: so the calls that take one are for descriptors below
 * DNS_CALLS_LOW, where the sockets of the gateway's namespace are. What is
 * below stays there: it cannot be closed, and nothing can be put in its place.
 */
#ifndef MSB_DNS_CALLS_H
#define MSB_DNS_CALLS_H

/** DNS_CALLS_LOW - First descriptor from which nothing is sent to an address */
#define DNS_CALLS_LOW 32

/**
 * dns_calls_restrict() - Restrict the calls, in addition to syscalls.h
 *
 * To be called before it, which allows no further filter. Making sockets,
 * connecting and binding them fails with EPERM from here on, and so does
 * closing what is below DNS_CALLS_LOW.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *dns_calls_restrict(void) __attribute__((warn_unused_result));

/**
 * dns_calls_fill() - Leave no descriptor below DNS_CALLS_LOW free
 *
 * To be called when the gateway's sockets are there.
 *
 * Return: 0; -1 and errno
 */
int dns_calls_fill(void) __attribute__((warn_unused_result));

#endif
