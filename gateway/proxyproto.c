#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/proxyproto.h"

#define V1_MIN		15	/* "PROXY UNKNOWN" */
#define V1_MAX		107	/* CRLF included: specification 2.1 */
#define V2_HEAD		16
#define V2_MAX		8192	/* behind the head; real ones hold < 1 KiB */
#define V2_SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"
#define V2_SIGNATURE_LEN 12
#define TLV_SSL		0x20
#define TLV_SSL_CLIENT	0x01	/* bit: the client used TLS */

/* `text` begins like `prefix` as far as both go. */
static bool
begins_like(struct span text, const char *prefix, size_t len)
{
	return memcmp(text.p, prefix, text.len < len ? text.len : len) == 0;
}

/* --- version 1 --- */

static int
v1_ip(int family, struct span text, unsigned port, struct addr *out)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)
	};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)
	};
	char z[INET6_ADDRSTRLEN];

	if (text.len >= sizeof(z) || memchr(text.p, '\0', text.len) != NULL)
		return -1;
	memcpy(z, text.p, text.len);
	z[text.len] = '\0';
	if (family == AF_INET) {
		if (inet_pton(AF_INET, z, &in.sin_addr) != 1)
			return -1;
		addr_from((struct sockaddr *)&in, sizeof(in), out);
	} else {
		if (inet_pton(AF_INET6, z, &in6.sin6_addr) != 1)
			return -1;
		addr_from((struct sockaddr *)&in6, sizeof(in6), out);
	}
	return 0;
}

static int
v1_port(struct span text, unsigned *port)
{
	uint64_t value;

	if ((text.len > 1 && text.p[0] == '0') ||
	    span_uint(text, 65535, &value) < 0)
		return -1;
	*port = (unsigned)value;
	return 0;
}

/* "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25", without its CRLF. */
static int
v1_line(struct span line, struct proxy_header *out, struct err *err)
{
	struct span rest = line, family, source, target, port;
	unsigned source_port, target_port;
	int af;

	span_until(&rest, ' ');
	family = span_until(&rest, ' ');
	if (span_is(family, "UNKNOWN")) {
		out->is_local = true;
		return 0;
	}
	source = span_until(&rest, ' ');
	target = span_until(&rest, ' ');
	port = span_until(&rest, ' ');
	if (!span_is(family, "TCP4") && !span_is(family, "TCP6"))
		return err_set(err, ERR_SYNTAX, "PROXY header: \"%.*s\" is "
		    "not TCP4, TCP6 or UNKNOWN", SPAN_ARG(family));
	af = span_is(family, "TCP4") ? AF_INET : AF_INET6;
	if (v1_port(port, &source_port) < 0 ||
	    v1_port(rest, &target_port) < 0)
		return err_set(err, ERR_SYNTAX, "PROXY header: bad port in "
		    "\"%.*s\"", SPAN_ARG(line));
	if (v1_ip(af, source, source_port, &out->client) < 0 ||
	    v1_ip(af, target, target_port, &out->local) < 0)
		return err_set(err, ERR_SYNTAX, "PROXY header: bad address in "
		    "\"%.*s\"", SPAN_ARG(line));
	return 0;
}

static int
v1_parse(struct span in, size_t *used, struct proxy_header *out,
    struct err *err)
{
	size_t max = in.len < V1_MAX ? in.len : V1_MAX, len;
	const char *lf = memchr(in.p, '\n', max);

	if (lf == NULL && in.len < V1_MAX)
		return 0;
	if (lf == NULL)
		return err_set(err, ERR_SYNTAX,
		    "PROXY header: no line end within %d octets", V1_MAX);
	len = (size_t)(lf - in.p);
	if (in.p[len - 1] != '\r')
		return err_set(err, ERR_SYNTAX,
		    "PROXY header: ends in a bare LF");
	if (v1_line(span_n(in.p, len - 1), out, err) < 0)
		return -1;
	*used = len + 1;
	return 1;
}

/* --- version 2 --- */

static unsigned
be16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
v2_ip4(const unsigned char *ip, const unsigned char *port, struct addr *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	memcpy(&in.sin_addr, ip, 4);
	memcpy(&in.sin_port, port, 2);
	addr_from((struct sockaddr *)&in, sizeof(in), out);
}

static void
v2_ip6(const unsigned char *ip, const unsigned char *port, struct addr *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memcpy(&in6.sin6_addr, ip, 16);
	memcpy(&in6.sin6_port, port, 2);
	addr_from((struct sockaddr *)&in6, sizeof(in6), out);
}

static int
v2_tlvs(const unsigned char *p, size_t len, struct proxy_header *out,
    struct err *err)
{
	size_t value;

	while (len > 0) {
		value = len >= 3 ? be16(p + 1) : 0;
		if (len < 3 || value > len - 3)
			return err_set(err, ERR_SYNTAX, "PROXY header: a "
			    "type-length-value passes its end");
		if (p[0] == TLV_SSL && value > 0 && (p[3] & TLV_SSL_CLIENT))
			out->has_tls = true;
		p += 3 + value;
		len -= 3 + value;
	}
	return 0;
}

/*
 * What stands behind the head. The client of a unix socket has no address
 * that could mean anything here; that of another protocol than TCP has none
 * that we could believe.
 */
static int
v2_addresses(unsigned family, const unsigned char *p, size_t len,
    struct proxy_header *out, struct err *err)
{
	size_t need = family == 0x11 ? 12 : 36;

	if (family == 0x00 || family == 0x31) {
		out->is_local = true;
		return 0;
	}
	if (family != 0x11 && family != 0x21)
		return err_set(err, ERR_SYNTAX, "PROXY header: protocol "
		    "0x%02x is not TCP over IPv4 or IPv6", family);
	if (len < need)
		return err_set(err, ERR_SYNTAX, "PROXY header: %zu octets are "
		    "too few for its addresses", len);
	if (family == 0x11) {
		v2_ip4(p, p + 8, &out->client);
		v2_ip4(p + 4, p + 10, &out->local);
	} else {
		v2_ip6(p, p + 32, &out->client);
		v2_ip6(p + 16, p + 34, &out->local);
	}
	return v2_tlvs(p + need, len - need, out, err);
}

static int
v2_parse(struct span in, size_t *used, struct proxy_header *out,
    struct err *err)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t len;

	if (in.len < V2_HEAD)
		return 0;
	if (p[12] != 0x20 && p[12] != 0x21)
		return err_set(err, ERR_SYNTAX,
		    "PROXY header: unknown version and command 0x%02x", p[12]);
	len = be16(p + 14);
	if (len > V2_MAX)
		return err_set(err, ERR_SYNTAX,
		    "PROXY header: %zu octets are too many", len);
	if (in.len - V2_HEAD < len)
		return 0;
	if (p[12] == 0x20)
		out->is_local = true;
	else if (v2_addresses(p[13], p + V2_HEAD, len, out, err) < 0)
		return -1;
	*used = V2_HEAD + len;
	return 1;
}

/* --- both --- */

int
proxyproto_parse(struct span in, size_t *used, struct proxy_header *out,
    struct err *err)
{
	*out = (struct proxy_header){0};
	*used = 0;
	if (in.len == 0)
		return 0;
	if (begins_like(in, V2_SIGNATURE, V2_SIGNATURE_LEN))
		return v2_parse(in, used, out, err);
	if (begins_like(in, "PROXY ", 6))
		return v1_parse(in, used, out, err);
	if (in.len > 40)
		in.len = 40;
	return err_set(err, ERR_SYNTAX, "no PROXY header but \"%.*s\"",
	    SPAN_ARG(in));
}

/*
 * How many octets of the header may surely be read when `in` is not all of
 * it. Its length is told in version 2; in version 1 a look at the socket
 * finds the line end.
 */
static size_t
to_read(struct conn *c, struct span in)
{
	char ahead[V1_MAX];
	const char *lf;
	ssize_t n;

	if (in.len < V1_MIN)
		return V1_MIN - in.len;
	if (in.p[0] == V2_SIGNATURE[0])
		return in.len < V2_HEAD ? V2_HEAD - in.len :
		    V2_HEAD + be16((const unsigned char *)in.p + 14) - in.len;
	n = recv(conn_fd(c), ahead, V1_MAX - in.len, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		return 1;	/* the read will wait, or say why */
	lf = memchr(ahead, '\n', (size_t)n);
	return lf != NULL ? (size_t)(lf - ahead) + 1 : (size_t)n;
}

MAY_YIELD int
proxyproto_read(struct conn *c, int64_t deadline, struct proxy_header *out,
    struct err *err)
{
	size_t used;
	int ret;

	while ((ret = proxyproto_parse(conn_input(c), &used, out, err)) == 0)
		if (conn_fill_upto(c, to_read(c, conn_input(c)), deadline,
		    err) < 0)
			return -1;
	if (ret < 0)
		return -1;
	conn_consume(c, used);
	return 0;
}
