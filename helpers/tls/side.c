/* SPDX-License-Identifier: GPL-2.0-or-later */
/* side.c - One end of an intercepted connection: a socket with TLS on it. */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "takeover.h"

/* Whether the record that begins with this header may be one. */
static bool header_is_sound(const struct side *s)
{
	const uint8_t type = s->head[0];
	const size_t len = (size_t)s->head[3] << 8 | s->head[4];

	if (type < RECORD_CHANGE_CIPHER_SPEC || type > RECORD_DATA)
		return false;
	if (s->head[1] != 3 || len > RECORD_MAX - RECORD_HEAD || !len)
		return false;
	/* TLS 1.3's are of this type whatever is in them, and have one octet
	 * that says what. */
	return type != RECORD_DATA ||
	       len >= AEAD_TAG + (wolfSSL_version(s->ssl) == TLS1_3_VERSION);
}

/* A TLS 1.3 client that does not like a certificate may say so before it has
 * keys to say it with (OpenSSL does). wolfSSL reads no further than the header
 * then, so a look ahead is taken at what it was. */
static void note_alert(struct side *s)
{
	if (s->head[0] == RECORD_ALERT && !s->ahead &&
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

size_t side_ahead(struct side *s, void *to, size_t max)
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

size_t side_receive(struct side *s, void *to, size_t max)
{
	ssize_t n;

	do {
		n = recv(s->fd, to, max, 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return (size_t)n;
	if (n == 0)
		s->fin = true;
	else if (errno == EAGAIN)
		s->readable = false;
	else
		s->reset = true;
	return 0;
}

size_t side_transmit(struct side *s, const void *from, size_t len)
{
	ssize_t n;

	do {
		n = send(s->fd, from, len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* What the other end has sent can be read all the same. */
	if (n < 0 && errno != EAGAIN)
		s->dead = true;
	else if (n < (ssize_t)len)
		s->writable = false;
	return n < 0 ? 0 : (size_t)n;
}

/* Records of an open connection, which wolfSSL is shown. */
static int on_feed(struct side *s, char *to, size_t max)
{
	const size_t n = s->feed_len < max ? s->feed_len : max;

	if (!n)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	memcpy(to, s->feed, n);
	s->feed += n;
	s->feed_len -= n;
	return (int)n;
}

static int on_receive(WOLFSSL *ssl, char *to, int max, void *ctx)
{
	struct side *const s = ctx;
	size_t n;

	(void)ssl;
	if (max <= 0 || side_is_over(s))
		return WOLFSSL_CBIO_ERR_WANT_READ;
	if (s->sealed)
		return on_feed(s, to, (size_t)max);
	n = s->ahead ? side_ahead(s, to, (size_t)max)
		     : side_receive(s, to, (size_t)max);
	if (n && follow(s, (const uint8_t *)to, n))
		return (int)n;
	s->broken = s->broken || n;
	return WOLFSSL_CBIO_ERR_WANT_READ;
}

static void note_sent(struct side *s, const char *from, size_t len)
{
	const size_t n = len < sizeof(s->tail) ? len : sizeof(s->tail);

	memmove(s->tail, s->tail + n, sizeof(s->tail) - n);
	memcpy(s->tail + sizeof(s->tail) - n, from + len - n, n);
}

static int on_send(WOLFSSL *ssl, char *from, int len, void *ctx)
{
	struct side *const s = ctx;
	size_t n;

	(void)ssl;
	/* Its keys are not its own any more. */
	if (s->dead || s->sealed || len <= 0)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	n = side_transmit(s, from, (size_t)len);
	if (!n)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	note_sent(s, from, n);
	s->sent = true;
	return (int)n;
}

void side_use(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetIORecv(ctx, on_receive);
	wolfSSL_CTX_SetIOSend(ctx, on_send);
	takeover_use(ctx);
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

void side_close_tls(struct side *s)
{
	wolfSSL_free(s->ssl);
	s->ssl = NULL;
}

void side_release(struct side *s)
{
	side_close_tls(s);
	free(s->ahead);
	free(s->stream.wait);
	s->ahead = NULL;
	s->stream.wait = NULL;
	explicit_bzero(&s->records, sizeof(s->records));
}
