#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/store.h"
#include "filters/greylist_identity.h"
#include "filters/greylist_key.h"
#include "filters/greylist_sender.h"

/*
 * A sender's local part: what is left of it is not longer, in lower case, and
 * the same whatever the numbers in it are. Taken for an address, it gives a
 * key that the store takes, and a record that reads as it was written; taken
 * for a record, or a key, it is one or an error.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '#' || c == '\\' ||
	    (c & 0x80) != 0;
}

/* Each digit of each word of digits becomes the next one. */
static struct span
with_other_numbers(struct arena *a, struct span s)
{
	char *out = arena_copy(a, s);
	size_t at = 0, end, i;

	for (; at < s.len; at = end + 1) {
		for (end = at; end < s.len && is_word(s.p[end]); end++)
			;
		for (i = at; i < end && is_digit(s.p[i]); i++)
			;
		if (i < end)
			continue;
		for (i = at; i < end; i++)
			out[i] = s.p[i] == '9' ? '0' : (char)(s.p[i] + 1);
	}
	return span_n(out, s.len);
}

static void
check_local(struct arena *a, struct span local)
{
	struct span out = greylist_sender_local(a, local), other;
	bool is_number = out.len > 0;

	assert(out.len <= local.len);
	for (size_t i = 0; i < out.len; i++) {
		assert(out.p[i] < 'A' || out.p[i] > 'Z');
		is_number &= is_digit(out.p[i]);
	}
	assert(greylist_sender_rcpt(a, local).len <= local.len);
	if (is_number)
		return;			/* a mailbox */
	other = greylist_sender_local(a, with_other_numbers(a, local));
	assert(span_eq(out, other));
}

static void
check_record(struct arena *a, const struct greylist_key *key)
{
	struct greylist_record r = { .first = 1, .used = 2,
	    .sender = key->sender, .rcpt = key->rcpt }, again;
	struct err err;
	int ret;

	ret = greylist_key_read(greylist_key_format(a, &r), &again, &err);
	assert(ret == 0 && again.first == 1 && again.used == 2);
	assert(span_eq(again.sender, greylist_key_shown(a, key->sender)));
	assert(span_eq(again.rcpt, greylist_key_shown(a, key->rcpt)));
}

static void
check_key(struct arena *a, const struct address *from)
{
	struct addr client = { 0 };
	enum greylist_key_kind kind;
	struct greylist_key key;
	struct span who;
	struct err err;
	int ret;

	addr_parse_ip(SPAN_LIT("192.0.2.1"), 25, &client, &err);
	who = greylist_identity(a, &client, arena_copy(a, from->domain), NULL);
	assert(who.len <= GREYLIST_IDENTITY_MAX);
	greylist_identity_is_generic(&client, arena_copy(a, from->text));
	greylist_key_make(a, who, from, from, &key);
	assert(key.triplet.len <= STORE_KEY_MAX);
	ret = greylist_key_parse(key.triplet, &kind, &who, &err);
	assert(ret == 0 && kind == GREYLIST_KEY_TRIPLET);
	assert(span_eq(who, key.identity));
	check_record(a, &key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct span text = span_n(data, size), who;
	struct greylist_record record;
	enum greylist_key_kind kind;
	struct address from;
	struct err err;
	int64_t owed;

	check_local(a, text);
	if (address_parse(text, true, &from, &err) == 0)
		check_key(a, &from);
	/* Whatever calls itself an address. */
	from = (struct address){ .text = text, .local = text, .domain = text };
	check_key(a, &from);
	if (greylist_key_read(text, &record, &err) == 0)
		assert(record.first >= 0 && record.used >= 0);
	(void)greylist_key_owed(text, &owed, &err);
	if (greylist_key_parse(text, &kind, &who, &err) == 0)
		assert(who.len > 0 && who.len < size);
	arena_destroy(&a);
	return 0;
}
