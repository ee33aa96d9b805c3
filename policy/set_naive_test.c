#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "policy/set.h"
#include "tests/kit/t.h"

/*
 * Random sets and values, judged by the plainest code that can be: every item
 * is looked at, octet by octet and bit by bit. Seeded, so each run is the
 * same.
 */
#define ROUNDS		300
#define ITEMS_MAX	400
#define QUESTIONS	400
#define TEXT		96

static uint64_t state;

static unsigned
dice(unsigned sides)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % sides;
}

struct trial {
	char		 items[ITEMS_MAX][TEXT];
	size_t		 n;
};

static void
random_words(char *out, unsigned n, const char *const words[8],
    const char *between)
{
	out[0] = '\0';
	while (n-- > 0) {
		strcat(out, words[dice(8)]);
		if (n > 0)
			strcat(out, between);
	}
}

/* --- names --- */

/* Few labels, so that names meet often; "B" is "b". */
static void
random_name(char *out)
{
	static const char *const labels[8] = { "a", "b", "B", "cc", "d-d",
	    "example", "Example", "x1" };

	random_words(out, 1 + dice(5), labels, ".");
}

static void
random_local(char *out)
{
	static const char *const locals[] = { "u", "V", "v", "u.v", "a", "b" };

	strcpy(out, locals[dice(6)]);
	strcat(out, "@");
}

static void
random_name_item(char *out)
{
	char name[TEXT / 2], local[16];
	unsigned form = dice(8);

	random_name(name);
	random_local(local);
	if (form == 0)
		strcpy(out, local);
	else
		snprintf(out, TEXT, "%s%s", form < 3 ? local :
		    form < 6 ? "." : "", name);
}

/* 4 the whole mailbox, 3 its local part, 2 the name, 1 what is above. */
static unsigned
name_rank(const char *item, const char *local, const char *name)
{
	size_t n = strlen(item), m = strlen(name), l = strlen(local);

	if (item[0] == '.')
		return n < m && strcasecmp(name + m - n, item) == 0;
	if (l > 0 && strncasecmp(item, local, l) == 0)
		return strcasecmp(item + l, name) == 0 ? 4 :
		    item[l] == '\0' ? 3 : 0;
	return strcasecmp(item, name) == 0 ? 2 : 0;
}

static const char *
naive_name(const struct trial *t, const char *local, const char *name)
{
	const char *best = NULL;
	unsigned rank, most = 0;

	for (size_t i = 0; i < t->n; i++) {
		rank = name_rank(t->items[i], local, name);
		if (rank > most || (rank > 0 && rank == most &&
		    strlen(t->items[i]) > strlen(best))) {
			best = t->items[i];
			most = rank;
		}
	}
	return best;
}

static const char *
ask_names(const struct trial *t, struct value *v, char *text)
{
	char name[TEXT / 2], local[16] = "";

	random_name(name);
	v->type = dice(2) ? TYPE_NAME : TYPE_MAILBOX;
	if (v->type == TYPE_MAILBOX)
		random_local(local);
	snprintf(text, TEXT, "%s%s", local, name);
	v->text = span_z(text);
	return naive_name(t, local, name);
}

/* --- texts --- */

static void
random_text(char *out)
{
	static const char *const words[8] = { "one", "Two", "two", "3",
	    "\xc3\xbc", "#", "x.y", "u@x" };

	random_words(out, 2 + dice(3), words, " ");
}

static const char *
ask_texts(const struct trial *t, struct value *v, char *text)
{
	random_text(text);
	v->type = TYPE_TEXT;
	v->text = span_z(text);
	for (size_t i = 0; i < t->n; i++)
		if (strcasecmp(t->items[i], text) == 0)
			return t->items[i];
	return NULL;
}

/* --- networks --- */

/* The octets in front that all networks of a set have in common. */
static unsigned common;

static void
random_network(struct network *n, bool is_address)
{
	unsigned i, most, same, least;

	*n = (struct network){ .family = dice(2) ? AF_INET : AF_INET6 };
	most = n->family == AF_INET ? 32 : 128;
	same = n->family == AF_INET ? common / 3 : common;
	least = same > 0 ? 8 * same - 5 : 0;
	n->bits = is_address || dice(4) == 0 ? most :
	    least + dice(most - least + 1);
	/* Few values, so that networks lie in each other. */
	for (i = 0; i < most / 8; i++)
		n->ip[i] = (unsigned char)(dice(3) ? dice(2) * 0x81 :
		    dice(256));
	/* A prefix that ends in the zero bits does not change them; an
	 * address may lie beside all networks, or in a large one alone. */
	memset(n->ip, 0x20, same);
	if (is_address && same > 0 && dice(4) == 0)
		n->ip[same - 1] = (unsigned char)(0x10 + dice(64));
	for (i = n->bits; i < most; i++)
		n->ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
}

static void
random_network_item(char *out)
{
	struct network n;
	char text[ADDR_TEXT];

	do {
		random_network(&n, false);
		/* Not what is IPv4 in the form of IPv6. */
	} while (n.family == AF_INET6 && n.bits >= 96 && n.ip[0] == 0 &&
	    n.ip[1] == 0);
	snprintf(out, TEXT, "%.90s", network_text(&n, text));
}

static bool
holds(const struct network *n, const struct network *other)
{
	if (n->family != other->family || n->bits > other->bits)
		return false;
	for (unsigned i = 0; i < n->bits; i++)
		if (((n->ip[i / 8] ^ other->ip[i / 8]) & 0x80 >> i % 8) != 0)
			return false;
	return true;
}

static const char *
naive_network(const struct trial *t, const struct network *asked)
{
	const char *best = NULL;
	unsigned longest = 0;
	struct network n;
	struct err err;

	for (size_t i = 0; i < t->n; i++)
		if (network_parse(span_z(t->items[i]), &n, &err) == 0 &&
		    holds(&n, asked) && (best == NULL || n.bits > longest)) {
			best = t->items[i];
			longest = n.bits;
		}
	return best;
}

static const char *
ask_networks(const struct trial *t, struct value *v, char *text)
{
	static struct addr addr;	/* of the last one */
	char ip[ADDR_TEXT];
	struct network n;
	struct err err;

	if (dice(3) == 0) {
		random_network_item(text);
		v->type = TYPE_NETWORK;
		(void)!network_parse(span_z(text), &v->network, &err);
		return naive_network(t, &v->network);
	}
	do
		random_network(&n, true);
	while (n.family == AF_INET6 && n.ip[0] == 0 && n.ip[1] == 0);
	snprintf(text, TEXT, "%.90s", network_text(&n, ip));
	v->type = TYPE_ADDRESS;
	(void)!addr_parse_ip(span_n(text, strcspn(text, "/")), 0, &addr, &err);
	v->address = &addr;
	return naive_network(t, &n);
}

/* --- rounds --- */

static const struct {
	const char *name;
	void (*item)(char *out);
	const char *(*ask)(const struct trial *t, struct value *v, char *text);
} families[] = {
	{ "names", random_name_item, ask_names },
	{ "texts", random_text, ask_texts },
	{ "networks", random_network_item, ask_networks },
};

static size_t
different(const struct trial *t)
{
	size_t n = 0, i, j;

	for (i = 0; i < t->n; i++) {
		for (j = 0; j < i; j++)
			if (strcasecmp(t->items[i], t->items[j]) == 0)
				break;
		n += j == i;
	}
	return n;
}

static unsigned
ask(const struct trial *t, const struct set *s, size_t family, unsigned *hits)
{
	char text[TEXT];
	struct buf got = { 0 };
	unsigned wrong = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct value v = { 0 };
		const char *want = families[family].ask(t, &v, text);
		bool is_in = set_match(s, &v, &got);

		*hits += is_in;
		buf_put(&got, "", 1);
		if (is_in != (want != NULL) || set_has(s, &v) != is_in ||
		    (is_in && strcasecmp(got.p, want) != 0)) {
			wrong++;
			T_STR(text, got.p, want != NULL ? want : "");
		}
		buf_clear(&got);
	}
	buf_free(&got);
	return wrong;
}

static unsigned
round_of(size_t family, unsigned *hits)
{
	static struct trial t;
	struct arena *a = arena_create("test");
	struct set_builder *b = set_begin(a);
	struct set *s;
	struct err err;
	unsigned wrong;

	common = dice(2) ? dice(10) : 0;
	t.n = 1 + dice(dice(3) ? 30 : ITEMS_MAX);
	for (size_t i = 0; i < t.n; i++) {
		families[family].item(t.items[i]);
		if (set_add(b, span_z(t.items[i]), &err) < 0)
			T_STR(t.items[i], err.text, "");
	}
	s = set_end(&b);
	wrong = ask(&t, s, family, hits);
	if (set_size(s) != different(&t))
		T_INT("different items", set_size(s), different(&t));
	arena_destroy(&a);
	return wrong;
}

int
main(void)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		unsigned wrong = 0, hits = 0;

		for (unsigned i = 0; i < ROUNDS && wrong < 10; i++) {
			state = 1000 * f + i;
			wrong += round_of(f, &hits);
		}
		T_INT(families[f].name, wrong, 0);
		/* It would be no test if all were in, or none. */
		T_OK(families[f].name, hits > ROUNDS * QUESTIONS / 20 &&
		    hits < ROUNDS * QUESTIONS / 20 * 19);
	}
	return t_done();
}
