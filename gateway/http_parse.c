#include <string.h>

#include "base/addr.h"
#include "gateway/http.h"

/* --- octets --- */

/* RFC 9110 5.6.2. */
static bool
is_token(struct span s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return s.len > 0;
}

static bool
is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return s.len > 0;
}

/* --- lines --- */

/* Looks at octets alone: lines end with CRLF and nothing else, and there are no
 * other control characters than tabs. */
static enum http_status
find_head(struct span input, size_t *len)
{
	size_t most = input.len < HTTP_HEAD ? input.len : HTTP_HEAD;

	*len = 0;
	for (size_t i = 0; i < most; i++) {
		unsigned char c = (unsigned char)input.p[i];
		bool is_behind_cr = i > 0 && input.p[i - 1] == '\r';

		if ((c == '\n') != is_behind_cr || c == 0x7f ||
		    (c < ' ' && c != '\t' && c != '\r' && c != '\n'))
			return HTTP_BAD_REQUEST;
		if (c == '\n' && i >= 3 && input.p[i - 2] == '\n') {
			*len = i + 1;
			return HTTP_NONE;
		}
	}
	return input.len >= HTTP_HEAD ? HTTP_HEADER : HTTP_NONE;
}

/* Up to the next CRLF, of which there is one: the head ends with two. */
static struct span
take_line(struct span *rest)
{
	const char *end = memmem(rest->p, rest->len, "\r\n", 2);
	struct span line = { rest->p, (size_t)(end - rest->p) };

	rest->p += line.len + 2;
	rest->len -= line.len + 2;
	return line;
}

/* --- the request line, RFC 9112 3 --- */

static enum http_status
check_version(struct span version)
{
	if (version.len != strlen("HTTP/1.1") ||
	    memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' ||
	    version.p[5] < '0' || version.p[5] > '9' ||
	    version.p[7] < '0' || version.p[7] > '9')
		return HTTP_BAD_REQUEST;
	return version.p[5] == '1' ? HTTP_NONE : HTTP_VERSION;
}

/* Of "http://host/path", as a proxy is asked: its host is the one that counts
 * (RFC 9112 3.2.2). */
static bool
take_authority(struct span *target, struct span *host)
{
	struct span rest = *target;
	size_t n = 0;

	if (!span_starts_nocase(rest, "http://"))
		return false;
	rest.p += strlen("http://");
	rest.len -= strlen("http://");
	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	*host = span_n(rest.p, n);
	*target = n == rest.len ? SPAN_LIT("/") :
	    span_n(rest.p + n, rest.len - n);
	return n > 0;
}

static enum http_status
parse_target(struct span target, struct http_request *r)
{
	if (!is_visible(target))
		return HTTP_BAD_REQUEST;
	if (target.p[0] != '/' && !take_authority(&target, &r->host))
		return HTTP_BAD_REQUEST;
	if (memchr(target.p, '#', target.len) != NULL)
		return HTTP_BAD_REQUEST;
	r->query = target;
	r->path = span_until(&r->query, '?');
	if (r->path.len == 0)		/* http://host?query */
		r->path = SPAN_LIT("/");
	return HTTP_NONE;
}

static enum http_status
parse_request_line(struct span line, struct http_request *r)
{
	struct span version = line, method = span_until(&version, ' ');
	struct span target = span_until(&version, ' ');
	enum http_status status = check_version(version);

	if (!is_token(method))
		return HTTP_BAD_REQUEST;
	if (status != HTTP_NONE)
		return status;
	r->is_head = span_is(method, "HEAD");
	if (!r->is_head && !span_is(method, "GET"))
		return HTTP_METHOD;
	return parse_target(target, r);
}

/* --- the header, RFC 9112 5 --- */

struct header {
	struct span	host;
	unsigned	nhosts;
	bool		has_body;
};

static enum http_status
parse_field(struct span line, struct header *h, struct http_request *r)
{
	struct span value = line, name = span_until(&value, ':');

	/* A folded line begins with a space, which no token has. */
	if (name.len == line.len || !is_token(name))
		return HTTP_BAD_REQUEST;
	value = span_trim(value);
	if (span_is_nocase(name, "Host")) {
		h->host = value;
		h->nhosts++;
	} else if (span_is_nocase(name, "Transfer-Encoding"))
		h->has_body = true;
	else if (span_is_nocase(name, "Content-Length"))
		h->has_body |= !span_is(value, "0");
	else if (span_is_nocase(name, "Authorization") &&
	    r->authorization.len == 0)
		r->authorization = value;
	else if (span_is_nocase(name, "Accept") && r->accept.len == 0)
		r->accept = value;
	return HTTP_NONE;
}

static enum http_status
parse_head(struct span head, struct http_request *r)
{
	struct header h = {0};
	enum http_status status, first;
	struct span line;

	first = parse_request_line(take_line(&head), r);
	while ((line = take_line(&head)).len > 0) {
		status = parse_field(line, &h, r);
		if (status != HTTP_NONE)
			return status;
	}
	if (first != HTTP_NONE)
		return first;
	if (h.nhosts != 1 || h.host.len == 0)
		return HTTP_BAD_REQUEST;
	if (r->host.len == 0)
		r->host = h.host;
	return h.has_body ? HTTP_BODY : HTTP_NONE;
}

enum http_status
http_parse(struct span input, size_t *used, struct http_request *r)
{
	enum http_status status = find_head(input, used);

	*r = (struct http_request){0};
	if (status != HTTP_NONE || *used == 0)
		return status;
	return parse_head(span_n(input.p, *used), r);
}

/* --- what is asked for --- */

static struct span
without_port(struct span host)
{
	size_t n = host.len;

	while (n > 0 && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n > 0 && host.p[n - 1] == ':' &&
	    (host.p[0] != '[' || (n > 1 && host.p[n - 2] == ']')))
		host.len = n - 1;
	return host;
}

bool
http_host_is_ours(struct span host, const char *name)
{
	struct addr address;
	struct err err;

	host = without_port(host);
	if (span_is_nocase(host, "localhost") || span_is_nocase(host, name))
		return true;
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
		host = span_n(host.p + 1, host.len - 2);
		return memchr(host.p, ':', host.len) != NULL &&
		    addr_parse_ip(host, 0, &address, &err) == 0;
	}
	return memchr(host.p, ':', host.len) == NULL &&
	    addr_parse_ip(host, 0, &address, &err) == 0;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* application/x-www-form-urlencoded, as browsers write a query. */
static bool
decode(struct arena *a, struct span in, struct span *out)
{
	char *p = arena_alloc(a, in.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '+')
			c = ' ';
		else if (c == '%') {
			if (in.len - i < 3 || hex(in.p[i + 1]) < 0 ||
			    hex(in.p[i + 2]) < 0)
				return false;
			c = (char)(hex(in.p[i + 1]) * 16 + hex(in.p[i + 2]));
			i += 2;
		}
		p[n++] = c;
	}
	*out = span_n(p, n);
	return true;
}

bool
http_parameter(struct arena *a, struct span *query, struct span *name,
    struct span *value, bool *is_bad)
{
	struct span one = {0};

	while (query->len > 0 && one.len == 0)
		one = span_until(query, '&');
	*is_bad = false;
	if (one.len == 0)
		return false;
	*name = span_until(&one, '=');
	*is_bad = !decode(a, *name, name) || !decode(a, one, value);
	return !*is_bad;
}
