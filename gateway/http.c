#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/err.h"
#include "gateway/http.h"

/* What the other side still sends when all has been said, as the body of a
 * request that has none for us; more is not waited for. */
#define LEFT_OVER	(64 * 1024)

const char *
http_reason(enum http_status status)
{
	switch (status) {
	case HTTP_OK: return "OK";
	case HTTP_BAD_REQUEST: return "Bad Request";
	case HTTP_UNAUTHORIZED: return "Unauthorized";
	case HTTP_NOT_FOUND: return "Not Found";
	case HTTP_METHOD: return "Method Not Allowed";
	case HTTP_TIMEOUT: return "Request Timeout";
	case HTTP_BODY: return "Content Too Large";
	case HTTP_MISDIRECTED: return "Misdirected Request";
	case HTTP_HEADER: return "Request Header Fields Too Large";
	case HTTP_UNAVAILABLE: return "Service Unavailable";
	case HTTP_VERSION: return "HTTP Version Not Supported";
	case HTTP_NONE:
	case HTTP_GONE:
		break;
	}
	return "";
}

/* --- reading --- */

MAY_YIELD enum http_status
http_read(struct conn *c, struct arena *a, int64_t deadline,
    struct http_request *r)
{
	struct span input = conn_input(c);
	enum http_status status;
	size_t used = 0;
	struct err err;

	do {
		if (conn_fill(c, deadline, &err) < 0) {
			/* Who said nothing at all did not ask. */
			return err.kind == ERR_TIMEOUT && input.len > 0 ?
			    HTTP_TIMEOUT : HTTP_GONE;
		}
		input = conn_input(c);
		status = http_parse(input, &used, r);
	} while (status == HTTP_NONE && used == 0);
	if (status != HTTP_NONE)
		return status;
	/* The buffer goes back, the request stays. */
	input = span_n(arena_copy(a, span_n(input.p, used)), used);
	(void)http_parse(input, &used, r);
	conn_consume(c, used);
	conn_rest(c);
	return HTTP_NONE;
}

/* --- answering --- */

/*
 * Scripts, styles and requests of our page are our own and no others'; nobody
 * shows it in a frame, keeps what we said, or takes it for what it is not.
 */
static const char always[] =
	"Connection: close\r\n"
	"Cache-Control: no-store\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Content-Security-Policy: default-src 'none'; script-src 'self'; "
	"style-src 'self'; connect-src 'self'; img-src 'self' data:; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

static void
put_date(struct conn *c)
{
	time_t now = (time_t)(clock_wall() / CLOCK_S);
	char text[64];
	struct tm tm;

	/* In the C locale, that we never leave: RFC 9110 5.6.7. */
	if (gmtime_r(&now, &tm) != NULL && strftime(text, sizeof(text),
	    "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		conn_printf(c, "Date: %s\r\n", text);
}

MAY_YIELD int
http_answer(struct conn *c, const struct http_answer *answer,
    int64_t deadline, struct err *err)
{
	conn_printf(c, "HTTP/1.1 %d %s\r\n", answer->status,
	    http_reason(answer->status));
	put_date(c);
	if (answer->status == HTTP_METHOD)
		conn_puts(c, "Allow: GET, HEAD\r\n");
	if (answer->status == HTTP_UNAUTHORIZED)
		conn_puts(c, "WWW-Authenticate: Bearer\r\n");
	conn_printf(c, "Content-Type: %s\r\nContent-Length: %zu\r\n",
	    answer->type != NULL ? answer->type :
	    "text/plain; charset=utf-8", answer->body.len);
	conn_puts(c, always);
	conn_puts(c, "\r\n");
	if (answer->is_head || answer->body.len == 0)
		return conn_flush(c, deadline, err);
	return conn_write(c, answer->body.p, answer->body.len, deadline, err);
}

MAY_YIELD void
http_end(struct conn *c, int64_t deadline)
{
	conn_linger(c, LEFT_OVER, deadline);
}
