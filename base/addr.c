#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

#include "base/addr.h"
#include "base/buf.h"

#define PORT_MAX 65535

static const unsigned char mapped_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

static void
set_in(struct addr *a, const void *ip, int port)
{
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->u.in);
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_port = htons((uint16_t)port);
	memcpy(&a->u.in.sin_addr, ip, 4);
}

static void
set_in6(struct addr *a, const void *ip, int port)
{
	if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		set_in(a, (const char *)ip + sizeof(mapped_prefix), port);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->u.in6);
	a->u.in6.sin6_family = AF_INET6;
	a->u.in6.sin6_port = htons((uint16_t)port);
	memcpy(&a->u.in6.sin6_addr, ip, 16);
}

/* The bytes of the address, and how many; 0 for unix and none. */
static size_t
ip_bytes(const struct addr *a, const unsigned char **ip)
{
	if (a->len == 0)
		return 0;
	switch (a->u.sa.sa_family) {
	case AF_INET:
		*ip = (const unsigned char *)&a->u.in.sin_addr;
		return 4;
	case AF_INET6:
		*ip = (const unsigned char *)&a->u.in6.sin6_addr;
		return 16;
	default:
		return 0;
	}
}

static int
parse_family(int family, struct span text, unsigned char ip[16])
{
	char z[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(z) ||
	    memchr(text.p, '\0', text.len) != NULL)
		return -1;
	memcpy(z, text.p, text.len);
	z[text.len] = '\0';
	return inet_pton(family, z, ip) == 1 ? 0 : -1;
}

static int
parse_unix(struct span text, struct addr *a, struct err *err)
{
	struct span path = span_n(text.p + 5, text.len - 5);

	if (path.len == 0 || path.p[0] != '/')
		return err_set(err, ERR_SYNTAX,
		    "\"%.*s\": expected an absolute path after \"unix:\"",
		    SPAN_ARG(text));
	if (path.len >= sizeof(a->u.un.sun_path))
		return err_set(err, ERR_SYNTAX,
		    "\"%.*s\": the path of a socket has at most %zu bytes",
		    SPAN_ARG(text), sizeof(a->u.un.sun_path) - 1);
	if (memchr(path.p, '\0', path.len) != NULL)
		return err_set(err, ERR_SYNTAX,
		    "the path of a socket holds a NUL");
	memset(a, 0, sizeof(*a));
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path.p, path.len);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    path.len + 1);
	return 0;
}

int
addr_parse(struct span text, struct addr *a, struct err *err)
{
	struct span ip = text, port;
	unsigned char bytes[16];
	const char *colon;
	uint64_t number;
	bool is6;

	if (span_starts_nocase(text, "unix:"))
		return parse_unix(text, a, err);
	colon = text.len > 0 ? memrchr(text.p, ':', text.len) : NULL;
	is6 = text.len > 0 && text.p[0] == '[';
	if (colon != NULL)
		ip.len = (size_t)(colon - text.p);
	if (is6 && ip.len >= 2 && ip.p[ip.len - 1] == ']')
		ip = span_n(ip.p + 1, ip.len - 2);
	else if (is6)
		colon = NULL;
	if (colon == NULL ||
	    parse_family(is6 ? AF_INET6 : AF_INET, ip, bytes) < 0)
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is no address: "
		    "expected 192.0.2.1:25, [2001:db8::1]:25 or unix:/path",
		    SPAN_ARG(text));
	port = span_n(colon + 1, text.len - (size_t)(colon + 1 - text.p));
	if (span_uint(port, PORT_MAX, &number) < 0)
		return err_set(err, ERR_SYNTAX,
		    "\"%.*s\": \"%.*s\" is no port: expected 0 to %d",
		    SPAN_ARG(text), SPAN_ARG(port), PORT_MAX);
	if (is6)
		set_in6(a, bytes, (int)number);
	else
		set_in(a, bytes, (int)number);
	return 0;
}

int
addr_parse_ip(struct span text, int port, struct addr *a, struct err *err)
{
	unsigned char bytes[16];

	assert(port >= 0 && port <= PORT_MAX);
	if (parse_family(AF_INET, text, bytes) == 0)
		set_in(a, bytes, port);
	else if (parse_family(AF_INET6, text, bytes) == 0)
		set_in6(a, bytes, port);
	else
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is no IP address: "
		    "expected 192.0.2.1 or 2001:db8::1", SPAN_ARG(text));
	return 0;
}

void
addr_from(const struct sockaddr *sa, socklen_t len, struct addr *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	memset(a, 0, sizeof(*a));
	if (len < sizeof(sa->sa_family))
		return;
	if (sa->sa_family == AF_INET6 && len >= sizeof(*in6) &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		set_in6(a, &in6->sin6_addr, ntohs(in6->sin6_port));
		return;
	}
	if ((sa->sa_family == AF_INET6 && len < sizeof(a->u.in6)) ||
	    (sa->sa_family == AF_INET && len < sizeof(a->u.in)))
		return;
	if (len > sizeof(a->u))
		len = sizeof(a->u);
	memcpy(&a->u, sa, len);
	a->len = len;
}

/* What the kernel gives may lack the NUL, and an abstract name begins
 * with one: it is shown with "@" as other tools do. */
static void
unix_text(const struct addr *a, char out[ADDR_TEXT])
{
	size_t at = offsetof(struct sockaddr_un, sun_path);
	size_t len = a->len > at ? a->len - at : 0;
	const char *path = a->u.un.sun_path;

	if (len > 1 && path[0] == '\0')
		snprintf(out, ADDR_TEXT, "unix:@%.*s",
		    (int)strnlen(path + 1, len - 1), path + 1);
	else
		snprintf(out, ADDR_TEXT, "unix:%.*s",
		    (int)strnlen(path, len), path);
}

const char *
addr_text(const struct addr *a, char out[ADDR_TEXT])
{
	char ip[ADDR_TEXT];

	out[0] = '\0';
	if (a->len == 0)
		return out;
	if (addr_is_unix(a))
		unix_text(a, out);
	else if (a->u.sa.sa_family == AF_INET6)
		snprintf(out, ADDR_TEXT, "[%.64s]:%d", addr_ip(a, ip),
		    addr_port(a));
	else
		snprintf(out, ADDR_TEXT, "%.64s:%d", addr_ip(a, ip),
		    addr_port(a));
	return out;
}

/* Every log line and Received field has one: inet_ntop() is slow at it. */
static void
ipv4_text(const unsigned char *ip, char *out)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (ip[i] >= 100)
			*out++ = (char)('0' + ip[i] / 100);
		if (ip[i] >= 10)
			*out++ = (char)('0' + ip[i] / 10 % 10);
		*out++ = (char)('0' + ip[i] % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *
addr_ip(const struct addr *a, char out[ADDR_TEXT])
{
	const unsigned char *ip;

	out[0] = '\0';
	if (ip_bytes(a, &ip) == 4)
		ipv4_text(ip, out);
	else if (ip_bytes(a, &ip) == 16)
		inet_ntop(AF_INET6, ip, out, ADDR_TEXT);
	else if (addr_is_unix(a))
		unix_text(a, out);
	return out;
}

const char *
addr_literal(const struct addr *a, char out[ADDR_TEXT])
{
	const unsigned char *bytes;
	size_t len = ip_bytes(a, &bytes), at = len == 16 ? 6 : 1;
	char ip[ADDR_TEXT];

	out[0] = '\0';
	if (len == 0)
		return out;
	addr_ip(a, ip);
	memcpy(out, "[IPv6:", at);
	memcpy(out + at, ip, strlen(ip) + 1);
	strcat(out, "]");
	return out;
}

int
addr_port(const struct addr *a)
{
	const unsigned char *ip;

	switch (ip_bytes(a, &ip)) {
	case 4:
		return ntohs(a->u.in.sin_port);
	case 16:
		return ntohs(a->u.in6.sin6_port);
	default:
		return 0;
	}
}

bool
addr_same_ip(const struct addr *a, const struct addr *b)
{
	const unsigned char *pa, *pb;
	size_t len = ip_bytes(a, &pa);

	return len > 0 && len == ip_bytes(b, &pb) && memcmp(pa, pb, len) == 0;
}

bool
addr_is_unix(const struct addr *a)
{
	return a->len > 0 && a->u.sa.sa_family == AF_UNIX;
}

/* A mapped IPv4 address is an IPv4 address here: set_in6(). */
bool
addr_is_loopback(const struct addr *a)
{
	const unsigned char *ip;

	switch (ip_bytes(a, &ip)) {
	case 4:
		return ip[0] == 127;
	case 16:
		return memcmp(ip, &in6addr_loopback, 16) == 0;
	default:
		return false;
	}
}

/* Zeroes what is behind the first n->bits bits; false: nothing to do. */
static bool
clear_host_bits(struct network *n)
{
	unsigned char keep;
	bool changed = false;
	unsigned i;

	for (i = n->bits / 8; i < sizeof(n->ip); i++) {
		keep = 0;
		if (i == n->bits / 8 && n->bits % 8 != 0)
			keep = (unsigned char)(0xff << (8 - n->bits % 8));
		changed |= (n->ip[i] & ~keep) != 0;
		n->ip[i] &= keep;
	}
	return changed;
}

int
network_parse(struct span text, struct network *n, struct err *err)
{
	struct span rest = text, ip = span_until(&rest, '/');
	bool has_bits = ip.len < text.len;
	char hint[ADDR_TEXT];
	uint64_t bits = 0;
	unsigned most;

	memset(n, 0, sizeof(*n));
	if (parse_family(AF_INET, ip, n->ip) == 0)
		n->family = AF_INET;
	else if (parse_family(AF_INET6, ip, n->ip) == 0)
		n->family = AF_INET6;
	else
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is no network: "
		    "expected 192.0.2.0/24, 2001:db8::/32 or one address",
		    SPAN_ARG(text));
	most = n->family == AF_INET ? 32 : 128;
	if (has_bits && span_uint(rest, most, &bits) < 0)
		return err_set(err, ERR_SYNTAX, "\"%.*s\": \"%.*s\" is no "
		    "prefix length: expected 0 to %u",
		    SPAN_ARG(text), SPAN_ARG(rest), most);
	n->bits = has_bits ? (unsigned)bits : most;
	if (clear_host_bits(n))
		return err_set(err, ERR_SYNTAX, "\"%.*s\" has bits set behind "
		    "its prefix: did you mean %s?", SPAN_ARG(text),
		    network_text(n, hint));
	if (n->family == AF_INET6 && n->bits >= 96 &&
	    memcmp(n->ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		n->family = AF_INET;
		n->bits -= 96;
		memmove(n->ip, n->ip + 12, 4);
		memset(n->ip + 4, 0, 12);
	}
	return 0;
}

bool
network_has(const struct network *n, const struct addr *a)
{
	const unsigned char *ip;
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (ip_bytes(a, &ip) == 0 || a->u.sa.sa_family != n->family)
		return false;
	if (memcmp(ip, n->ip, whole) != 0)
		return false;
	return rest == 0 || ((ip[whole] ^ n->ip[whole]) >> (8 - rest)) == 0;
}

bool
network_any_has(const struct network *n, size_t count, const struct addr *a)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (network_has(&n[i], a))
			return true;
	return false;
}

void
network_of(const struct addr *a, struct network *n)
{
	const unsigned char *ip;
	size_t len = ip_bytes(a, &ip);

	memset(n, 0, sizeof(*n));
	if (len == 0)
		return;
	n->family = a->u.sa.sa_family;
	n->bits = len == 4 ? 24 : 64;
	memcpy(n->ip, ip, n->bits / 8);
}

const char *
network_text(const struct network *n, char out[ADDR_TEXT])
{
	char *end;

	out[0] = '\0';
	if (n->family == AF_INET)
		ipv4_text(n->ip, out);
	else if (n->family == 0 ||
	    inet_ntop(n->family, n->ip, out, ADDR_TEXT) == NULL)
		return out;
	end = out + strlen(out);
	*end++ = '/';
	*buf_digits(end, n->bits) = '\0';
	return out;
}
