#include <string.h>

#include "base/idn.h"
#include "base/utf8.h"
#include "policy/address.h"
#include "policy/set_item.h"

#define WRITTEN_MAX	512	/* more than address_parse() takes */

/* --- keys --- */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Behind what the key has already. */
static bool
append(struct set_key *key, struct span text)
{
	size_t i;

	if (text.len > sizeof(key->text) - key->len)
		return false;
	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '\0')
			return false;
		key->text[key->len + i] = lower(text.p[i]);
	}
	key->len += text.len;
	return true;
}

bool
set_key_text(struct span text, struct set_key *key)
{
	key->len = 0;
	return append(key, text);
}

static bool
append_domain(struct set_key *key, struct span name)
{
	struct arena *a;
	const char *ascii;
	struct err err;
	bool ok;

	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	/* What looks like another form of item must never find one. */
	if (name.len > 0 && (name.p[0] == '.' ||
	    name.p[name.len - 1] == '.' || (name.p[0] != '[' &&
	    memchr(name.p, '@', name.len) != NULL)))
		return false;
	if (utf8_is_ascii(name))
		return append(key, name);
	a = arena_create("name of a set");
	ok = idn_to_ascii(a, name, &ascii, &err) == 0 &&
	    append(key, span_z(ascii));
	arena_destroy(&a);
	return ok;
}

bool
set_key_domain(struct span name, struct set_key *key)
{
	key->len = 0;
	return append_domain(key, name);
}

/* Length of the local part; its quotes are those of RFC 5321 4.1.2. */
static size_t
local_length(struct span mailbox)
{
	const char *at;
	size_t i;

	if (mailbox.len == 0)
		return 0;
	if (mailbox.p[0] == '"') {
		for (i = 1; i < mailbox.len && mailbox.p[i] != '"'; i++)
			if (mailbox.p[i] == '\\')
				i++;
		return i < mailbox.len ? i + 1 : mailbox.len;
	}
	at = memchr(mailbox.p, '@', mailbox.len);
	return at != NULL ? (size_t)(at - mailbox.p) : mailbox.len;
}

/* "john\.d" and john.d are one mailbox. */
static bool
append_local(struct set_key *key, struct span local)
{
	size_t i;

	if (local.len < 2 || local.p[0] != '"' ||
	    local.p[local.len - 1] != '"')
		return append(key, local);
	for (i = 1; i < local.len - 1; i++) {
		if (local.p[i] == '\\' && i + 1 < local.len - 1)
			i++;
		if (!append(key, span_n(local.p + i, 1)))
			return false;
	}
	return true;
}

bool
set_key_mailbox(struct span mailbox, struct set_key *key, size_t *local)
{
	size_t n = local_length(mailbox);

	key->len = 0;
	if (!append_local(key, span_n(mailbox.p, n)))
		return false;
	*local = key->len;
	if (!append(key, SPAN_LIT("@")))
		return false;
	if (n == mailbox.len || mailbox.p[n] != '@')
		return n == mailbox.len;
	return append_domain(key,
	    span_n(mailbox.p + n + 1, mailbox.len - n - 1));
}

/* --- items --- */

int
set_item_check(struct span text, struct err *err)
{
	size_t n;

	if (text.len == 0)
		return err_set(err, ERR_CONFIG, "an empty item");
	if (text.len > SET_ITEM_MAX)
		return err_set(err, ERR_CONFIG,
		    "an item of more than %d octets", SET_ITEM_MAX);
	for (size_t i = 0; i < text.len; i += n) {
		struct span rest = span_n(text.p + i, text.len - i);

		n = utf8_char(rest);
		if (n == 0)
			return err_set(err, ERR_CONFIG, "octet 0x%02x at "
			    "octet %zu of the item is no UTF-8",
			    (unsigned char)text.p[i], i + 1);
		if (utf8_is_control(rest))
			return err_set(err, ERR_CONFIG, "a control character "
			    "at octet %zu of the item", i + 1);
	}
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Is it meant as an address or network, right or wrong? Digits with three
 * dots or with a prefix length, or hexadecimal digits with two colons. "1.2"
 * is a word; it may be the version of something.
 */
static bool
is_like_network(struct span text)
{
	unsigned dots = 0, colons = 0, slashes = 0, letters = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = lower(text.p[i]);

		if (c == '/')
			slashes++;
		else if (slashes > 0 && !is_digit(c))
			return false;
		else if (c == ':')
			colons++;
		else if (c == '.')
			dots++;
		else if (c >= 'a' && c <= 'f')
			letters++;
		else if (!is_digit(c))
			return false;
	}
	if (slashes > 1)
		return false;
	if (colons > 0)
		return colons > 1;
	return letters == 0 && (dots == 3 || (dots > 0 && slashes > 0));
}

static int
read_network(struct span text, struct set_item *item, struct err *err)
{
	item->kind = SET_ITEM_NETWORK;
	if (network_parse(text, &item->network, err) < 0) {
		err->kind = ERR_CONFIG;
		return -1;
	}
	return 0;
}

static bool
is_domain(struct span name, struct set_key *key)
{
	struct span ascii;

	if (!set_key_domain(name, key))
		return false;
	ascii = span_n(key->text, key->len);
	return domain_is_valid(ascii, false) || domain_is_literal(ascii);
}

/* Forms that other systems have; here they could never match. */
static int
check_forms(struct span text, struct set_key *scratch, struct err *err)
{
	static const struct { const char *begin, *instead; } forms[] = {
		{ "@", "" }, { "*@", "" }, { "*.", "." }
	};
	struct span rest;
	size_t i, n;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!span_starts_nocase(text, forms[i].begin))
			continue;
		n = strlen(forms[i].begin);
		rest = span_n(text.p + n, text.len - n);
		if (is_domain(rest, scratch))
			return err_set(err, ERR_CONFIG,
			    "\"%.*s\": did you mean \"%s%.*s\"?",
			    SPAN_ARG(text), forms[i].instead, SPAN_ARG(rest));
	}
	return 0;
}

/* The local part is judged as it is written, beside a domain that is its key:
 * one with U-labels is longer, and valid all the same. */
static int
read_mailbox(struct span text, struct set_item *item, struct err *err)
{
	char written[WRITTEN_MAX];
	size_t n = local_length(text), at;
	struct address address;
	struct span domain;

	item->kind = SET_ITEM_NAME;
	if (!set_key_mailbox(text, &item->key, &at))
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is no mailbox: its domain is none",
		    SPAN_ARG(text));
	domain = span_n(item->key.text + at + 1, item->key.len - at - 1);
	if (n + 1 == text.len)
		domain = SPAN_LIT("x");		/* "u@": the local part alone */
	if (n + 1 + domain.len > sizeof(written))
		return err_set(err, ERR_CONFIG,
		    "\"%.*s\" is no mailbox: it is too long", SPAN_ARG(text));
	memcpy(written, text.p, n);
	written[n] = '@';
	memcpy(written + n + 1, domain.p, domain.len);
	if (address_parse(span_n(written, n + 1 + domain.len), true, &address,
	    err) == 0)
		return 0;
	err->kind = ERR_CONFIG;
	return err_prefix(err, "\"%.*s\" is no mailbox", SPAN_ARG(text));
}

static bool
has_blank(struct span text)
{
	return memchr(text.p, ' ', text.len) != NULL ||
	    memchr(text.p, '\t', text.len) != NULL;
}

/* Has an @ behind its local part, and is no sentence. */
static bool
is_like_mailbox(struct span text)
{
	size_t n;

	if (memchr(text.p, '@', text.len) == NULL)
		return false;
	n = local_length(text);
	return n < text.len && text.p[n] == '@' && (text.p[0] == '"' ||
	    !has_blank(text));
}

int
set_item_read(struct span text, struct set_item *item, struct err *err)
{
	if (set_item_check(text, err) < 0)
		return -1;
	if (is_like_network(text))
		return read_network(text, item, err);
	if (check_forms(text, &item->key, err) < 0)
		return -1;
	if (is_like_mailbox(text))
		return read_mailbox(text, item, err);
	if (text.p[0] == '.' && is_domain(span_n(text.p + 1, text.len - 1),
	    &item->key) && item->key.text[0] != '[') {
		memmove(item->key.text + 1, item->key.text, item->key.len++);
		item->key.text[0] = '.';
		item->kind = SET_ITEM_NAME;
		return 0;
	}
	item->kind = is_domain(text, &item->key) ? SET_ITEM_WORD :
	    SET_ITEM_TEXT;
	if (item->kind == SET_ITEM_TEXT)
		set_key_text(text, &item->key);
	return 0;
}
