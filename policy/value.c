#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/listing.h"
#include "conf/value.h"
#include "policy/value.h"

/* --- types --- */

static const struct {
	const char	*name;
	bool		 is_number;
	bool		 is_list;
	enum type	 item;		/* of a list */
} types[] = {
	[TYPE_YESNO] = { .name = "yes or no" },
	[TYPE_INT] = { .name = "a whole number", .is_number = true },
	[TYPE_NUMBER] = { .name = "a number", .is_number = true },
	[TYPE_SIZE] = { .name = "a size", .is_number = true },
	[TYPE_DURATION] = { .name = "a duration", .is_number = true },
	[TYPE_TEXT] = { .name = "a text" },
	[TYPE_NAME] = { .name = "a domain name" },
	[TYPE_MAILBOX] = { .name = "a mailbox" },
	[TYPE_WORD] = { .name = "a word" },
	[TYPE_ADDRESS] = { .name = "an address" },
	[TYPE_NETWORK] = { .name = "a network" },
	[TYPE_TEXTS] = { .name = "a list of texts", .is_list = true,
	    .item = TYPE_TEXT },
	[TYPE_NAMES] = { .name = "a list of domain names", .is_list = true,
	    .item = TYPE_NAME },
	[TYPE_ADDRESSES] = { .name = "a list of addresses", .is_list = true,
	    .item = TYPE_ADDRESS },
};

const char *
type_name(enum type type)
{
	return types[type].name;
}

bool
type_is_number(enum type type)
{
	return types[type].is_number;
}

bool
type_is_list(enum type type)
{
	return types[type].is_list;
}

enum type
type_of_item(enum type list)
{
	assert(types[list].is_list);
	return types[list].item;
}

/* --- their text --- */

/* With the escapes of base/lexer. */
static void
put_quoted(struct buf *out, struct span text)
{
	size_t n;

	buf_puts(out, "\"");
	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = utf8_char(text);
		if (text.p[0] == '\t')
			buf_puts(out, "\\t");
		else if (n == 0 || utf8_is_control(text))
			buf_puts(out, "?");
		else {
			if (text.p[0] == '"' || text.p[0] == '\\')
				buf_puts(out, "\\");
			buf_put(out, text.p, n);
		}
		n = n > 0 ? n : 1;
	}
	buf_puts(out, "\"");
}

static void
put_size(struct buf *out, int64_t size)
{
	assert(size >= 0);
	value_put_size(out, (uint64_t)size);
}

/* What is written the same in a rule file and in a sentence. */
static void
put_bare(struct buf *out, const struct value *v, const char *const *words)
{
	char text[ADDR_TEXT];

	switch (v->type) {
	case TYPE_YESNO:
		buf_puts(out, v->yes ? "yes" : "no");
		break;
	case TYPE_INT:
		buf_printf(out, "%" PRId64, v->number);
		break;
	case TYPE_NUMBER:
		listing_put_score(out, v->number);
		break;
	case TYPE_SIZE:
		put_size(out, v->number);
		break;
	case TYPE_DURATION:
		value_put_duration(out, v->number);
		break;
	case TYPE_WORD:
		buf_puts(out, words[v->word]);
		break;
	case TYPE_ADDRESS:
		buf_puts(out, addr_ip(v->address, text));
		break;
	case TYPE_NETWORK:
		buf_puts(out, network_text(&v->network, text));
		break;
	default:
		assert(!"a type that is written in its own way");
	}
}

static bool
is_textual(enum type type)
{
	return type == TYPE_TEXT || type == TYPE_NAME || type == TYPE_MAILBOX;
}

void
value_put(struct buf *out, const struct value *v, const char *const *words)
{
	if (v->is_none)
		buf_puts(out, "none");
	else if (is_textual(v->type))
		put_quoted(out, v->text);
	else if (!type_is_list(v->type))
		put_bare(out, v, words);
	else {
		buf_puts(out, "{");
		for (size_t i = 0; i < v->list.n; i++) {
			buf_puts(out, i == 0 ? " " : ", ");
			value_put(out, &v->list.items[i], NULL);
		}
		buf_puts(out, " }");
	}
}

static void
put_sentence(struct buf *out, const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++) {
		buf_puts(out, i == 0 ? "" : ", ");
		value_put_plain(out, &list->list.items[i], NULL);
	}
}

void
value_put_plain(struct buf *out, const struct value *v,
    const char *const *words)
{
	if (v->is_none || (type_is_list(v->type) && v->list.n == 0))
		buf_puts(out, "none");
	else if (is_textual(v->type))
		utf8_put_printable(out, v->text, SIZE_MAX, true);
	else if (!type_is_list(v->type))
		put_bare(out, v, words);
	else
		put_sentence(out, v);
}

/* --- copies --- */

static struct value
copy_item(struct arena *a, const struct value *v)
{
	struct value copy = *v;
	struct addr *address;

	if (v->is_none)
		return copy;
	if (is_textual(v->type))
		copy.text = arena_span(a, v->text);
	else if (v->type == TYPE_ADDRESS) {
		address = arena_new(a, struct addr);
		*address = *v->address;
		copy.address = address;
	}
	return copy;
}

struct value
value_copy(struct arena *a, const struct value *v)
{
	struct value copy = copy_item(a, v);

	if (v->is_none || !type_is_list(v->type))
		return copy;
	copy.list.items = arena_new_n(a, v->list.n, struct value);
	for (size_t i = 0; i < v->list.n; i++)
		copy.list.items[i] = copy_item(a, &v->list.items[i]);
	return copy;
}

/* --- equality --- */

static bool
same_network(const struct network *a, const struct network *b)
{
	return a->family == b->family && a->bits == b->bits &&
	    memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool
same_items(const struct value *a, const struct value *b)
{
	size_t i;

	if (a->list.n != b->list.n)
		return false;
	for (i = 0; i < a->list.n; i++)
		if (!value_equal(&a->list.items[i], &b->list.items[i]))
			return false;
	return true;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	assert(a->type == b->type);
	if (a->is_none || b->is_none)
		return a->is_none && b->is_none;
	if (is_textual(a->type))
		return span_eq_nocase(a->text, b->text);
	if (type_is_number(a->type))
		return a->number == b->number;
	if (type_is_list(a->type))
		return same_items(a, b);
	switch (a->type) {
	case TYPE_YESNO:
		return a->yes == b->yes;
	case TYPE_WORD:
		return a->word == b->word;
	case TYPE_ADDRESS:
		return addr_same_ip(a->address, b->address);
	default:
		return same_network(&a->network, &b->network);
	}
}

bool
value_is_nothing(const struct value *v)
{
	if (v->is_none)
		return true;
	if (type_is_list(v->type))
		return v->list.n == 0;
	if (v->type == TYPE_YESNO)
		return !v->yes;
	return type_is_number(v->type) && v->number == 0;
}
