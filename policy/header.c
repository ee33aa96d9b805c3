#include <string.h>

#include "policy/header.h"

/* Where the next octet stands. */
enum state {
	LINE_START,
	LINE_CR,	/* behind a CR at the start of a line */
	NAME,
	NAME_BLANK,	/* white space that may stand before the ":" */
	REST		/* of the line */
};

#define RECEIVED	"received"
#define MISMATCH	0xff

void
header_scan_begin(struct header_scan *h)
{
	*h = (struct header_scan){ .state = LINE_START };
}

/* What begins the message is no field, so there is no header. */
static void
headless(struct header_scan *h)
{
	*h = (struct header_scan){ .done = true, .is_headless = true };
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 5322 2.2: printable ASCII but ":". */
static bool
is_ftext(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

static void
match_name(struct header_scan *h, unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (h->match < sizeof(RECEIVED) - 1 && RECEIVED[h->match] == c)
		h->match++;
	else
		h->match = MISMATCH;
}

/* The first octet of a line. A line that does not go on with the one before
 * counts as a field, whatever it is: the limits are about lines like it. */
static void
begin_line(struct header_scan *h, unsigned char c)
{
	bool first = h->fields == 0;

	h->state = REST;
	if (c == '\r') {
		h->state = LINE_CR;
	} else if (c == '\n') {
		h->done = true;
	} else if (is_ftext(c)) {
		h->fields++;
		h->state = NAME;
		h->match = 0;
		match_name(h, c);
	} else if (first) {
		headless(h);
	} else if (!is_blank(c)) {
		h->fields++;
	}
}

/* An octet of a name, or what comes behind one. */
static void
in_name(struct header_scan *h, unsigned char c)
{
	if (h->state == NAME && is_ftext(c)) {
		match_name(h, c);
	} else if (is_blank(c)) {
		h->state = NAME_BLANK;
	} else if (c == ':') {
		h->state = REST;
		if (h->match == sizeof(RECEIVED) - 1)
			h->received++;
	} else if (h->fields == 1) {
		headless(h);
	} else {
		h->state = c == '\n' ? LINE_START : REST;
	}
}

static void
after_cr(struct header_scan *h, unsigned char c)
{
	if (c == '\n')
		h->done = true;
	else if (h->fields == 0)
		headless(h);
	else
		h->state = REST;
}

void
header_feed(struct header_scan *h, struct span bytes)
{
	const char *p = bytes.p, *end = bytes.p + bytes.len, *lf;

	while (!h->done && p < end) {
		if (h->state == REST) {
			lf = memchr(p, '\n', (size_t)(end - p));
			if (lf != NULL)
				h->state = LINE_START;
			h->size += (size_t)((lf != NULL ? lf + 1 : end) - p);
			p = lf != NULL ? lf + 1 : end;
			continue;
		}
		h->size++;
		if (h->state == LINE_START)
			begin_line(h, (unsigned char)*p);
		else if (h->state == LINE_CR)
			after_cr(h, (unsigned char)*p);
		else
			in_name(h, (unsigned char)*p);
		p++;
	}
}

void
header_scan_end(struct header_scan *h)
{
	bool in_first = h->fields == 0 ||
	    (h->fields == 1 && (h->state == NAME || h->state == NAME_BLANK));

	if (!h->done && in_first)
		headless(h);
	h->done = true;
}
