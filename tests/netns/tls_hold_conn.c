/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold_conn.c - A connection: octets in and out, by TCP or TLS. */
#include "tls_hold.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

void hold_broken(const struct hold_program *p, const struct hold_conn *c,
		 const char *what)
{
	hold_fail("%s: connection %u: %s, %" PRIu64 " sent, %" PRIu64
		  " received of %u (%s)",
		  p->serves ? "server" : "client", c->id, what, c->sent,
		  c->received, c->size, strerror(errno));
}

SSL_CTX *hold_tls(const char *certificate, const char *key, const char *ca)
{
	SSL_CTX *made = SSL_CTX_new(TLS_method());

	if (!made ||
	    (certificate &&
	     (SSL_CTX_use_certificate_chain_file(made, certificate) != 1 ||
	      SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1)) ||
	    (ca && SSL_CTX_load_verify_locations(made, ca, NULL) != 1)) {
		ERR_print_errors_fp(stderr);
		hold_fail("TLS cannot be set up");
	}
	if (ca)
		SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	return made;
}

void hold_add(struct hold_program *p, struct hold_conn *c, int fd,
	      uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = c};
	const int on = 1;

	c->fd = fd;
	c->interest = interest;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (p->tls) {
		c->ssl = SSL_new(p->tls);
		if (!c->ssl || !SSL_set_fd(c->ssl, fd))
			hold_fail("no memory");
	}
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		hold_fail("epoll: %s", strerror(errno));
}

void hold_watch(struct hold_program *p, struct hold_conn *c, uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = c};

	if (interest == c->interest)
		return;
	if (epoll_ctl(p->epoll, EPOLL_CTL_MOD, c->fd, &e) < 0)
		hold_fail("epoll: %s", strerror(errno));
	c->interest = interest;
}

void hold_handshake(struct hold_program *p, struct hold_conn *c)
{
	int n;

	if (!c->ssl) {
		c->state = HOLD_OPEN;
		return;
	}
	ERR_clear_error();
	n = SSL_do_handshake(c->ssl);
	if (n == 1) {
		c->state = HOLD_OPEN;
		return;
	}
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		hold_watch(p, c, EPOLLIN);
		return;
	case SSL_ERROR_WANT_WRITE:
		hold_watch(p, c, EPOLLOUT);
		return;
	}
	ERR_print_errors_fp(stderr);
	hold_broken(p, c, "handshake");
}

ssize_t hold_read(const struct hold_program *p, struct hold_conn *c, void *to,
		  size_t len)
{
	ssize_t n;

	errno = 0;
	if (!c->ssl) {
		n = recv(c->fd, to, len, 0);
		if (n < 0 && errno != EAGAIN)
			hold_broken(p, c, "read");
		return n < 0 ? 0 : n == 0 ? -1 : n;
	}
	ERR_clear_error();
	n = SSL_read(c->ssl, to, (int)len);
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -1;
	}
	ERR_print_errors_fp(stderr);
	hold_broken(p, c, "TLS read");
	return -1;
}

ssize_t hold_write(const struct hold_program *p, struct hold_conn *c,
		   const void *from, size_t len)
{
	ssize_t n;

	errno = 0;
	if (!c->ssl) {
		n = send(c->fd, from, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			hold_broken(p, c, "write");
		return n < 0 ? 0 : n;
	}
	ERR_clear_error();
	n = SSL_write(c->ssl, from, (int)len);
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	}
	ERR_print_errors_fp(stderr);
	hold_broken(p, c, "TLS write");
	return -1;
}

void hold_end(struct hold_conn *c)
{
	if (c->said_end)
		return;
	c->said_end = true;
	if (c->ssl)
		SSL_shutdown(c->ssl);
	else
		shutdown(c->fd, SHUT_WR);
}

void hold_close(struct hold_conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	c->state = HOLD_DONE;
}
