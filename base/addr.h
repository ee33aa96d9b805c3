#ifndef BASE_ADDR_H
#define BASE_ADDR_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/un.h>
#include "base/err.h"
#include "base/span.h"
/*
 * addr -- socket addresses and networks
 *
 * Text forms: "192.0.2.1:25", "[2001:db8::1]:25", "unix:/path". An IPv4
 * address mapped into IPv6 (::ffff:192.0.2.1) is turned into IPv4 by
 * addr_from() and the parsers, so that one client has one name. Ports are 0
 * to 65535. IPv6 with a zone (fe80::1%eth0) is not read.
 *
 * Errors    of the parsers: ERR_SYNTAX, quoting the text.
 */
struct addr {
	socklen_t	len;		/* 0: none */
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
		struct sockaddr_un	un;
	} u;
};

struct network {		/* host bits are zero */
	int		family;		/* AF_INET, AF_INET6; 0: none, empty */
	unsigned	bits;
	unsigned char	ip[16];
};

#define ADDR_TEXT	128	/* enough for any of the text forms */

int		 addr_parse(struct span text, struct addr *a, struct err *err);
/* The address alone, without port: "192.0.2.1", "2001:db8::1". */
int		 addr_parse_ip(struct span text, int port, struct addr *a,
		    struct err *err);
void		 addr_from(const struct sockaddr *sa, socklen_t len,
		    struct addr *a);
const char	*addr_text(const struct addr *a, char out[ADDR_TEXT]);
/* Without the port; a unix socket as in addr_text(). */
const char	*addr_ip(const struct addr *a, char out[ADDR_TEXT]);
/* The RFC 5321 4.1.3 literal: [192.0.2.1], [IPv6:2001:db8::1]; "" for unix. */
const char	*addr_literal(const struct addr *a, char out[ADDR_TEXT]);
int		 addr_port(const struct addr *a);	/* 0 for unix */
bool		 addr_same_ip(const struct addr *a, const struct addr *b);
bool		 addr_is_unix(const struct addr *a);
/* 127.0.0.0/8 and ::1, mapped or not. */
bool		 addr_is_loopback(const struct addr *a);
/* "10.0.0.0/8", or one address; bits behind the prefix are an error. */
int		 network_parse(struct span text, struct network *n,
		    struct err *err);
bool		 network_has(const struct network *n, const struct addr *a);
bool		 network_any_has(const struct network *n, size_t count,
		    const struct addr *a);
/* The network that an address belongs to: /24 for IPv4, /64 for IPv6; none
 * for unix. */
void		 network_of(const struct addr *a, struct network *n);
const char	*network_text(const struct network *n, char out[ADDR_TEXT]);
#endif
