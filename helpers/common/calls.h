/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.h - What a worker may not do with the descriptors it holds.
 *
 * It is for workers that are given sockets which are connected already. Such a
 * socket may still reach anybody, if it is told an address: a datagram by
 * itself, a stream that was refused by connecting anew (connect(2), or
 * MSG_FASTOPEN). So the calls that take one are for descriptors below
 * CALLS_LOW, where the channels and the sockets towards the guest are. What is
 * below stays there: it cannot be closed, and nothing can be put in its place.
 */
#ifndef MSB_CALLS_H
#define MSB_CALLS_H

/** CALLS_LOW - First descriptor from which nothing is sent to an address */
#define CALLS_LOW 32

/**
 * calls_restrict() - Restrict the calls, in addition to syscalls.h
 *
 * To be called before it, which allows no further filter. Making sockets,
 * connecting and binding them fails with EPERM from here on, and so does
 * closing what is below CALLS_LOW.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *calls_restrict(void) __attribute__((warn_unused_result));

/**
 * calls_fill() - Leave no descriptor below CALLS_LOW free
 *
 * To be called when the sockets that are told addresses are there.
 *
 * Return: 0; -1 and errno
 */
int calls_fill(void) __attribute__((warn_unused_result));

#endif
