#include <stdio.h>
#include <string.h>

#include "gateway/fingerprint.h"
#include "tests/kit/t.h"

#define HEAD	"Received: from a\r\nMessage-ID: <1@a>\r\nDate: now\r\n" \
    "Subject: hello\r\n\r\n"

static bool is_one;		/* of the last print */

/* Fed in pieces of `step` octets; the print in hex. */
static const char *
print_of(const char *text, size_t step)
{
	static char hex[2][2 * DIGEST_SIZE + 1];
	static unsigned turn;
	struct arena *a = arena_create("test");
	struct fingerprint *f = fingerprint_begin(a);
	uint8_t print[DIGEST_SIZE];
	size_t n, len = strlen(text);
	struct header_scan scan;
	char *out = hex[turn++ % 2];

	header_scan_begin(&scan);
	for (size_t at = 0; at < len; at += n) {
		struct span run;

		n = len - at < step ? len - at : step;
		run = span_n(text + at, n);
		if (!scan.done)
			header_feed(&scan, run);
		fingerprint_feed(f, &scan, run);
	}
	header_scan_end(&scan);
	is_one = fingerprint_end(f, &scan, print);
	arena_destroy(&a);
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", print[i]);
	return out;
}

static void
test_same(void)
{
	static const struct {
		const char	*name, *one, *other;
		bool		 is_same;
	} cases[] = {
		{ "itself", HEAD "body\r\n", HEAD "body\r\n", true },
		{ "another Received", HEAD "b\r\n", "Received: from b\r\n\tby c"
		    "\r\nMessage-ID: <1@a>\r\nDate: now\r\nSubject: hello\r\n"
		    "\r\nb\r\n", true },
		{ "signed anew", HEAD "b\r\n", "DKIM-Signature: t=2\r\n" HEAD
		    "b\r\n", true },
		{ "another body", HEAD "b\r\n", HEAD "c\r\n", false },
		{ "a longer body", HEAD "b\r\n", HEAD "b\r\n\r\n", false },
		{ "no body", HEAD "b\r\n", HEAD, false },
		{ "another Message-ID", HEAD "b\r\n", "Message-ID: <2@a>\r\n"
		    "Date: now\r\nSubject: hello\r\n\r\nb\r\n", false },
		{ "another Date", HEAD "b\r\n", "Message-ID: <1@a>\r\nDate: "
		    "later\r\nSubject: hello\r\n\r\nb\r\n", false },
		{ "another subject", HEAD "b\r\n", "Message-ID: <1@a>\r\nDate: "
		    "now\r\nSubject: bye\r\n\r\nb\r\n", false },
		{ "from another", "From: a\r\n" HEAD, "From: b\r\n" HEAD,
		    false },
		{ "sent again by hand", HEAD "b\r\n", "Resent-Date: now\r\n"
		    HEAD "b\r\n", false },
		{ "replies to another", "Reply-To: a\r\n" HEAD, "Reply-To: b\r\n"
		    HEAD, false },
		{ "scanned anew", "X-Spam-Flag: NO\r\n" HEAD, "X-Spam-Flag: "
		    "YES\r\nARC-Seal: i=1\r\n" HEAD, true },
		{ "another type", HEAD "b\r\n", "Content-Type: text/html\r\n"
		    HEAD "b\r\n", false },
		{ "no Message-ID, all the same", "Subject: x\r\n\r\nb\r\n",
		    "Subject: x\r\n\r\nb\r\n", true },
		{ "no Message-ID, another Received", "Received: a\r\nSubject: x"
		    "\r\n\r\nb\r\n", "Received: b\r\nSubject: x\r\n\r\nb\r\n",
		    false },
		{ "without a header", "hello\r\nworld\r\n",
		    "hello\r\nworld\r\n", true },
		{ "without a header, another", "hello\r\nworld\r\n",
		    "hello\r\nwords\r\n", false },
		{ "a header without a body, or the other way round",
		    "Subject: x\r\n", "\r\nSubject: x\r\n", false },
		{ "where the header ends", "Subject: x\r\n\r\nDate: y\r\n",
		    "Subject: x\r\nDate: y\r\n\r\n", false },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		const char *one = print_of(cases[k].one, 4096);

		T_OK(cases[k].name, (strcmp(one, print_of(cases[k].other,
		    4096)) == 0) == cases[k].is_same);
		for (size_t step = 1; step < 8; step += 3) {
			one = print_of(cases[k].one, 4096);
			T_STR(cases[k].name, print_of(cases[k].one, step),
			    one);
		}
	}
}

static void
test_one_of_its_kind(void)
{
	static const struct {
		const char	*name, *text;
		bool		 is_one;
	} cases[] = {
		{ "Message-ID", "Message-ID: <1@a>\r\n\r\nx\r\n", true },
		{ "Date", "Subject: x\r\nDate: now\r\n\r\nx\r\n", true },
		{ "Received", "Received: from a\r\n\r\nx\r\n", true },
		{ "none of them", "Subject: x\r\n\r\nDate: now\r\n", false },
		{ "no header", "Hello.\r\n\r\nDate: now\r\n", false },
		{ "nothing", "", false },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		(void)print_of(cases[k].text, 4096);
		T_OK(cases[k].name, is_one == cases[k].is_one);
	}
}

int
main(void)
{
	test_same();
	test_one_of_its_kind();
	return t_done();
}
