/* SPDX-License-Identifier: GPL-2.0-or-later */
/* side.c - One end of an intercepted connection: a socket with TLS on it. */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Types of records (RFC 8446 appendix B.1). */
#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT		  21
#define RECORD_APPLICATION_DATA	  23

/* Octets of the largest record (RFC 5246 section 6.2.3; TLS 1.3 has less), and
 * of the tag that every AEAD of ours has. */
#define RECORD_MAX (16384 + 2048)
#define RECORD_TAG 16

/* Whether the record that begins with this header may be one. */
static bool header_is_sound(const struct side *s)
{
	const uint8_t type = s->head[0];
	const size_t len = (size_t)s->head[3] << 8 | s->head[4];

	if (type < RECORD_CHANGE_CIPHER_SPEC || type > RECORD_APPLICATION_DATA)
		return false;
	if (s->head[1] != 3 || len > RECORD_MAX || !len)
		return false;
	/* TLS 1.3's are of this type whatever is in them, and have one octet
	 * that says what; in TLS 1.2 all are encrypted once the handshake is
	 * over. */
	if (type == RECORD_APPLICATION_DATA ||
	    (s->sealed && type != RECORD_CHANGE_CIPHER_SPEC))
		return len >=
		       RECORD_TAG + (wolfSSL_version(s->ssl) == TLS1_3_VERSION);
	return true;
}

/* A TLS 1.3 client that does not like a certificate may say so before it has
 * keys to say it with (OpenSSL does). wolfSSL reads no further than the header
 * then, so a look ahead is taken at what it was. */
static void note_alert(struct side *s)
{
	if (s->head[0] == RECORD_ALERT && !s->sealed && !s->ahead &&
	    recv(s->fd, s->alert, sizeof(s->alert), MSG_PEEK) !=
		    sizeof(s->alert))
		memset(s->alert, 0, sizeof(s->alert));
}

/* Follow the records. False: these are none. */
static bool follow(struct side *s, const uint8_t *octets, size_t len)
{
	while (len) {
		size_t n;

		if (s->left) {
			n = len < s->left ? len : s->left;
			s->left -= (uint32_t)n;
		} else {
			n = sizeof(s->head) - s->head_len;
			n = len < n ? len : n;
			memcpy(s->head + s->head_len, octets, n);
			s->head_len = (uint8_t)(s->head_len + n);
			if (s->head_len == sizeof(s->head)) {
				if (!header_is_sound(s))
					return false;
				note_alert(s);
				s->head_len = 0;
				s->left = (uint32_t)s->head[3] << 8 |
					  s->head[4];
			}
		}
		octets += n;
		len -= n;
	}
	return true;
}

static size_t read_ahead(struct side *s, void *to, size_t max)
{
	size_t n = s->ahead_len - s->ahead_at;

	n = n < max ? n : max;
	memcpy(to, s->ahead + s->ahead_at, n);
	s->ahead_at += n;
	if (s->ahead_at == s->ahead_len) {
		free(s->ahead);
		s->ahead = NULL;
	}
	return n;
}

static int on_receive(WOLFSSL *ssl, char *to, int max, void *ctx)
{
	struct side *const s = ctx;
	ssize_t n;

	(void)ssl;
	if (max <= 0 || side_is_over(s))
		return WOLFSSL_CBIO_ERR_WANT_READ;
	if (s->ahead) {
		n = (ssize_t)read_ahead(s, to, (size_t)max);
	} else {
		do {
			n = recv(s->fd, to, (size_t)max, 0);
		} while (n < 0 && errno == EINTR);
	}
	if (n > 0) {
		if (follow(s, (const uint8_t *)to, (size_t)n))
			return (int)n;
		s->broken = true;
	} else if (n == 0) {
		s->fin = true;
	} else if (errno == EAGAIN) {
		s->readable = false;
	} else {
		s->reset = true;
	}
	return WOLFSSL_CBIO_ERR_WANT_READ;
}

static int on_send(WOLFSSL *ssl, char *from, int len, void *ctx)
{
	struct side *const s = ctx;
	ssize_t n;

	(void)ssl;
	if (s->dead || len <= 0)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	do {
		n = send(s->fd, from, (size_t)len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0) {
		s->sent = true;
		return (int)n;
	}
	/* What the other end has sent can be read all the same. */
	if (errno == EAGAIN)
		s->writable = false;
	else
		s->dead = true;
	return WOLFSSL_CBIO_ERR_WANT_WRITE;
}

void side_use(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetIORecv(ctx, on_receive);
	wolfSSL_CTX_SetIOSend(ctx, on_send);
}

void side_init(struct side *s, int fd)
{
	*s = (struct side){.fd = fd, .readable = true, .writable = true};
}

void side_attach(struct side *s, WOLFSSL *ssl)
{
	s->ssl = ssl;
	wolfSSL_SetIOReadCtx(ssl, s);
	wolfSSL_SetIOWriteCtx(ssl, s);
}

void side_events(struct side *s, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		s->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		s->hup = true;
	/* What came before a reset can still be read. */
	if (events & EPOLLERR)
		s->failed = true;
}

bool side_is_over(const struct side *s)
{
	return s->fin || s->reset || s->broken;
}

bool side_send(struct side *s, const void *octets, size_t len)
{
	ssize_t n;

	do {
		n = send(s->fd, octets, len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

void side_release(struct side *s)
{
	wolfSSL_free(s->ssl);
	free(s->ahead);
	s->ssl = NULL;
	s->ahead = NULL;
}
