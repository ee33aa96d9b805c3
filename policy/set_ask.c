#include <string.h>

#include "policy/set.h"
#include "policy/set_ask.h"
#include "policy/set_item.h"

struct asking {
	struct arena	*arena;
	struct span	*out;
	size_t		 n;
};

static void
ask(struct asking *q, struct span text)
{
	if (text.len > 0 && text.len <= SET_ITEM_MAX &&
	    q->n < SET_QUESTIONS_MAX)
		q->out[q->n++] = arena_span(q->arena, text);
}

/* --- names --- */

/* From the longest on; of too many the shortest. */
static void
ask_above(struct asking *q, struct span name)
{
	size_t dots = 0, i;

	for (i = 0; i < name.len; i++)
		dots += name.p[i] == '.';
	for (i = 0; i < name.len; i++)
		if (name.p[i] == '.' && dots-- <= SET_PARENTS_MAX)
			ask(q, span_n(name.p + i, name.len - i));
}

static void
ask_domain(struct asking *q, struct span domain)
{
	ask(q, domain);
	if (domain.len > 0 && domain.p[0] != '[')
		ask_above(q, domain);
}

static void
ask_name(struct asking *q, struct span name)
{
	struct set_key key;

	if (set_key_domain(name, &key))
		ask_domain(q, span_n(key.text, key.len));
}

static void
ask_mailbox(struct asking *q, struct span mailbox)
{
	struct set_key key;
	struct span domain;
	size_t at;

	if (!set_key_mailbox(mailbox, &key, &at))
		return;
	domain = span_n(key.text + at + 1, key.len - at - 1);
	if (domain.len > 0)
		ask(q, span_n(key.text, key.len));
	ask(q, span_n(key.text, at + 1));
	ask_domain(q, domain);
}

/* --- addresses --- */

static void
ask_within(struct asking *q, struct network n, unsigned bits)
{
	char text[ADDR_TEXT];

	if (n.bits <= bits)
		return;
	n.bits = bits;
	memset(n.ip + bits / 8, 0, sizeof(n.ip) - bits / 8);
	ask(q, span_z(network_text(&n, text)));
}

static void
ask_network(struct asking *q, const struct network *n)
{
	char text[ADDR_TEXT];

	ask(q, span_z(network_text(n, text)));
	if (n->family == AF_INET)
		ask_within(q, *n, 24);
	else {
		ask_within(q, *n, 64);
		ask_within(q, *n, 48);
	}
}

static void
ask_address(struct asking *q, const struct addr *a)
{
	char text[ADDR_TEXT];
	struct network n;

	network_of(a, &n);
	if (n.family != AF_INET && n.family != AF_INET6)
		return;
	ask(q, span_z(addr_ip(a, text)));
	ask_network(q, &n);
}

/* --- any value --- */

static void
ask_text(struct asking *q, struct span text)
{
	struct set_key key;

	if (set_key_text(text, &key))
		ask(q, span_n(key.text, key.len));
}

static void
ask_one(struct asking *q, const struct value *v)
{
	switch (v->type) {
	case TYPE_ADDRESS:
		ask_address(q, v->address);
		break;
	case TYPE_NETWORK:
		ask_network(q, &v->network);
		break;
	case TYPE_NAME:
		ask_name(q, v->text);
		break;
	case TYPE_MAILBOX:
		ask_mailbox(q, v->text);
		break;
	case TYPE_TEXT:
		ask_text(q, v->text);
		break;
	default:
		break;
	}
}

size_t
set_questions(struct arena *a, const struct value *v, struct span *out)
{
	struct asking q = { a, out, 0 };

	if (v->is_none)
		return 0;
	if (!type_is_list(v->type)) {
		ask_one(&q, v);
		return q.n;
	}
	for (size_t i = 0; i < v->list.n && q.n < SET_QUESTIONS_MAX; i++)
		if (!v->list.items[i].is_none)
			ask_one(&q, &v->list.items[i]);
	return q.n;
}
