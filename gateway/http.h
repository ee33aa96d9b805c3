#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/conn.h"
#include "base/err.h"
#include "base/span.h"
/*
 * http -- one request of HTTP/1.1 and its answer           RFC 9110, RFC 9112
 *
 * As much of it as a server needs that only shows things: GET and HEAD, one
 * request a connection, no body. What is not plainly right is refused, with
 * the status that says why, and never guessed at: bare LF, folded fields,
 * white space before a colon, control characters, two Host fields.
 *
 *	status = http_read(c, a, deadline, &request);
 *	if (status == 0)
 *		...
 *	http_answer(c, &answer, deadline);
 *
 * Yields    http_read(), http_answer(), http_end().
 * Deadlines are for the whole request and the whole answer, however slowly
 *           the other side sends or reads.
 * Memory    a request lies in the arena given. A body is not copied.
 * Limits    HTTP_HEAD octets of request line and header together.
 * Tested    http_test.c, tests/fuzz/http_request_fuzz.c
 */
#define HTTP_HEAD	(8 * 1024)

/* The statuses that there are here. */
enum http_status {
	HTTP_GONE = -1,		/* nobody is there to be answered */
	HTTP_NONE = 0,		/* none yet: the request is a good one */
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_UNAUTHORIZED = 401,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD = 405,
	HTTP_TIMEOUT = 408,
	HTTP_BODY = 413,
	HTTP_MISDIRECTED = 421,
	HTTP_HEADER = 431,
	HTTP_UNAVAILABLE = 503,
	HTTP_VERSION = 505
};
const char	*http_reason(enum http_status status);

struct http_request {
	bool		is_head;
	struct span	path;		/* as it was sent: "/metrics" */
	struct span	query;		/* behind the "?", as it was sent */
	struct span	host;		/* with its port, if it has one */
	struct span	accept;		/* empty: none. The first of several */
	struct span	authorization;
};

/* The head at the front of what was read. HTTP_NONE: it is a good one, of
 * *used octets with its empty line, and the spans of the request lie in it; or
 * *used is 0 and more must be read. Otherwise what is wrong with it. */
enum http_status http_parse(struct span input, size_t *used,
		    struct http_request *r);

/* `host` is an address, "localhost" or our name, with any port. Otherwise the
 * page of a stranger may have given us a name of his, to let a browser in our
 * network read what we say (DNS rebinding). */
bool		 http_host_is_ours(struct span host, const char *name);
/* Takes the first name=value off the front of a query, decoded, into the arena.
 * False: there is none left, or (*is_bad) it is malformed. */
bool		 http_parameter(struct arena *a, struct span *query,
		    struct span *name, struct span *value, bool *is_bad);

MAY_YIELD enum http_status
		 http_read(struct conn *c, struct arena *a, int64_t deadline,
		    struct http_request *r);

struct http_answer {
	enum http_status status;
	const char	*type;		/* NULL: text/plain */
	struct span	 body;
	bool		 is_head;	/* the body is not sent, only told of */
};
/* -1: the other side has left or is too slow. */
MAY_YIELD int	 http_answer(struct conn *c, const struct http_answer *answer,
		    int64_t deadline, struct err *err);
/* Says that this was all and waits for the other side to see it; at most until
 * the deadline. */
MAY_YIELD void	 http_end(struct conn *c, int64_t deadline);
#endif
