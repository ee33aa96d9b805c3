#ifndef GATEWAY_PROXYPROTO_H
#define GATEWAY_PROXYPROTO_H
#include <stdbool.h>
#include "base/addr.h"
#include "base/conn.h"
#include "base/err.h"
/*
 * proxyproto -- the client's address, told by a load balancer
 *
 * The PROXY protocol, version 1 (text) and 2 (binary), as its specification
 * (haproxy, 2020) says. Only asked of trusted addresses; there it must come.
 * LOCAL (v2) and UNKNOWN (v1) leave the addresses as they are.
 *
 * proxyproto_read() takes the octets of the header and not one more, so that
 * TLS may begin behind it.
 *
 * proxyproto_parse() is pure: 1 = parsed (*used octets), 0 = more is needed,
 * -1 = malformed (err says what).
 */
struct proxy_header {
	bool		is_local;	/* no addresses were told */
	struct addr	client, local;
	bool		has_tls;	/* v2: PP2_TYPE_SSL told of TLS */
};
int		proxyproto_parse(struct span in, size_t *used,
		    struct proxy_header *out, struct err *err);
MAY_YIELD int	proxyproto_read(struct conn *c, int64_t deadline,
		    struct proxy_header *out, struct err *err);
#endif
