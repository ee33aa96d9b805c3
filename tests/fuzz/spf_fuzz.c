#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/spf.h"

/*
 * Records, client and sender out of the input, through both engines.
 *
 * The input is lines: an octet that chooses the client, and the HELO name; the
 * sender; then the texts of fuzz.example, of 1.example, 2.example, and so on.
 * Whatever they are, there is an answer, the limits hold, and what is told is
 * printable. That libspf2 only has to survive, and to keep the limits.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX	8192
#define TEXTS_MAX	9
/* The first record, ten terms of eleven lookups, the client's names, exp. */
#define LOOKUPS_MAX	(1 + 10 * 11 + 11 + 1)

static const char fixed_zone[] =
    "fuzz.example A 192.0.2.1\nfuzz.example AAAA 2001:db8::1\n"
    "fuzz.example MX 1 h.example\nfuzz.example MX 2 .\n"
    "fuzz.example MX 3 1.example\n"
    "1.example A 192.0.2.200\n2.example MX 1 fuzz.example\n"
    "h.example A 192.0.2.77\nh.example AAAA 2001:db8::77\n"
    "*.fuzz.example A 127.0.0.2\n"
    "192.0.2.1.fuzz.example A 127.0.0.2\n"
    "broken.example servfail\nforged.example bogus\n"
    "1.2.0.192.in-addr.arpa PTR h.example\n"
    "1.2.0.192.in-addr.arpa PTR fuzz.example\n"
    "2.2.0.192.in-addr.arpa servfail\n"
    "loop.example CNAME loop.example\n";

struct trial {
	enum spf_engine	 engine;
	const char	*client, *helo;
	struct span	 sender;
	bool		 done;
};

static void
put_text(struct buf *zone, const char *name, struct span text)
{
	buf_printf(zone, "%s TXT", name);
	for (size_t i = 0; i < text.len || i == 0; i++) {
		if (i % 255 == 0)
			buf_puts(zone, i > 0 ? "\" \"" : " \"");
		if (i < text.len)
			buf_printf(zone, "\\%03u", (unsigned char)text.p[i]);
	}
	buf_puts(zone, "\"\n");
}

static void
is_printable(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void
judge(const struct spf_answer *w, enum spf_engine engine)
{
	bool has_problem = w->result == SPF_NONE ||
	    w->result >= SPF_TEMPERROR;

	assert(spf_result_name(w->result) != NULL);
	assert(w->terms <= SPF_LIMIT_TERMS && w->voids <= SPF_LIMIT_VOIDS);
	assert(w->lookups <= LOOKUPS_MAX);
	assert((w->problem != NULL) == has_problem);
	assert(w->explanation == NULL || (w->result == SPF_FAIL &&
	    strlen(w->explanation) <= SPF_LIMIT_EXPLANATION));
	is_printable(w->explanation);
	is_printable(w->problem);
	is_printable(w->domain);
	is_printable(w->mechanism);
	if (engine == SPF_ENGINE_OWN && w->mechanism != NULL)
		assert(!has_problem);
}

static MAY_YIELD void
check(void *arg)
{
	struct trial *t = arg;
	struct arena *a = arena_create("fuzz");
	struct spf_options options = { .engine = t->engine };
	struct addr client;
	struct spf_query query = { .client = &client, .helo = t->helo,
	    .sender = t->sender };
	struct spf_answer w;
	struct err err;
	int r;

	addr_parse_ip(span_z(t->client), 25, &client, &err);
	r = spf_check(a, &options, &query, &w, &err);
	assert(r == 0);
	judge(&w, t->engine);
	t->done = true;
	arena_destroy(&a);
}

static void
check_both(struct trial t)
{
	for (int engine = 0; engine < 2; engine++) {
		t.engine = (enum spf_engine)engine;
		t.done = false;
		fiber_spawn("fuzz", check, &t);
		while (fiber_count() > 0)
			loop_turn(true);
		assert(t.done);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const clients[] = { "192.0.2.1", "192.0.2.2",
	    "2001:db8::1", "::ffff:192.0.2.1", "127.0.0.1" };
	struct span input = span_n(data, size), helo;
	struct dns_options options = { 0 };
	struct buf zone = { 0 };
	struct trial t = { .client = clients[0] };
	char name[] = "0.example", *helo_text;
	struct err err;
	int r;

	if (size > INPUT_MAX)
		return 0;
	helo = span_until(&input, '\n');
	if (helo.len > 0) {
		t.client = clients[(uint8_t)helo.p[0] % 5];
		helo = span_n(helo.p + 1, helo.len - 1);
	}
	t.helo = helo_text = strndup(helo.p != NULL ? helo.p : "", helo.len);
	t.sender = span_until(&input, '\n');
	if (t.sender.len > 254)		/* MAIL takes no longer ones */
		t.sender.len = 254;
	buf_puts(&zone, fixed_zone);
	put_text(&zone, "fuzz.example", span_until(&input, '\n'));
	for (int i = 1; i <= TEXTS_MAX && input.len > 0; i++) {
		name[0]++;
		put_text(&zone, name, span_until(&input, '\n'));
	}
	buf_put(&zone, "", 1);
	options.hosts = zone.p;
	loop_create();
	r = dns_create(&options, &err);
	assert(r == 0);
	check_both(t);
	dns_destroy();
	loop_destroy();
	buf_free(&zone);
	free(helo_text);
	return 0;
}
