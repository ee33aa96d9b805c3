#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/idn.h"
#include "filters/digest.h"
#include "filters/greylist_identity.h"
#include "filters/greylist_key.h"
#include "filters/greylist_sender.h"

#define LONGEST_TIME	UINT64_C(99999999999)	/* seconds: the year 5138 */

static const char letters[] = {
	[GREYLIST_KEY_TRIPLET] = 't',
	[GREYLIST_KEY_KNOWN] = 'i',
	[GREYLIST_KEY_PASSES] = 'c',
	[GREYLIST_KEY_PACE] = 'p',
	[GREYLIST_KEY_OWED] = 'o',
};

/* --- the parts --- */

static struct span
joined(struct arena *a, struct span local, struct span domain)
{
	char *text = arena_alloc(a, local.len + domain.len + 2);

	if (local.len > 0)
		memcpy(text, local.p, local.len);
	text[local.len] = '@';
	if (domain.len > 0)
		memcpy(text + local.len + 1, domain.p, domain.len);
	return span_n(text, local.len + 1 + domain.len);
}

struct span
greylist_key_sender(struct arena *a, const struct address *sender)
{
	return joined(a, greylist_sender_local(a, sender->local),
	    greylist_identity_domain(a, sender->domain));
}

struct span
greylist_key_rcpt(struct arena *a, const struct address *rcpt)
{
	struct span domain = rcpt->domain;
	const char *ascii;
	struct err err;

	if (idn_to_ascii(a, domain, &ascii, &err) == 0)
		domain = span_z(ascii);
	return joined(a, greylist_sender_rcpt(a, rcpt->local), domain);
}

/* Without blanks and control characters, of at most GREYLIST_KEY_SHOWN
 * octets; never empty. */
struct span
greylist_key_shown(struct arena *a, struct span address)
{
	bool is_long = address.len > GREYLIST_KEY_SHOWN;
	size_t n = is_long ? GREYLIST_KEY_SHOWN - 3 : address.len;
	char *text = arena_alloc(a, n + 4);
	size_t i;

	if (address.len == 0)
		return SPAN_LIT("-");
	for (i = 0; i < n; i++)
		text[i] = (unsigned char)address.p[i] <= ' ' ||
		    address.p[i] == 0x7f ? '?' : address.p[i];
	if (is_long)
		memcpy(text + n, "...", 4);
	return span_n(text, is_long ? n + 3 : n);
}

/* --- keys --- */

static struct span
key_of(struct arena *a, enum greylist_key_kind kind, struct span identity)
{
	return span_z(arena_printf(a, GREYLIST_KEY_PREFIX "%c/%.*s",
	    letters[kind], SPAN_ARG(identity)));
}

static const char *
hash(struct arena *a, struct span sender, struct span rcpt)
{
	char *text = arena_alloc(a, GREYLIST_KEY_HASH + 1);
	struct digest *d = digest_begin();
	uint8_t out[DIGEST_SIZE];
	size_t i;

	digest_add(d, sender);
	digest_add(d, span_n("", 1));
	digest_add(d, rcpt);
	digest_end(&d, out);
	for (i = 0; i < GREYLIST_KEY_HASH / 2; i++) {
		text[2 * i] = "0123456789abcdef"[out[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[out[i] & 15];
	}
	return text;
}

struct span
greylist_key_triplets(struct arena *a, struct span identity)
{
	return span_z(arena_printf(a, "%.*s/",
	    SPAN_ARG(key_of(a, GREYLIST_KEY_TRIPLET, identity))));
}

void
greylist_key_identity(struct arena *a, struct span identity,
    struct greylist_key *key)
{
	memset(key, 0, sizeof(*key));
	key->identity = identity;
	key->known = key_of(a, GREYLIST_KEY_KNOWN, identity);
	key->passes = key_of(a, GREYLIST_KEY_PASSES, identity);
	key->pace = key_of(a, GREYLIST_KEY_PACE, identity);
	key->owed = key_of(a, GREYLIST_KEY_OWED, identity);
}

void
greylist_key_make(struct arena *a, struct span identity,
    const struct address *sender, const struct address *rcpt,
    struct greylist_key *key)
{
	greylist_key_identity(a, identity, key);
	key->sender = greylist_key_sender(a, sender);
	key->rcpt = greylist_key_rcpt(a, rcpt);
	key->triplet = span_z(arena_printf(a, "%.*s%s",
	    SPAN_ARG(greylist_key_triplets(a, identity)),
	    hash(a, key->sender, key->rcpt)));
}

int
greylist_key_parse(struct span key, enum greylist_key_kind *kind,
    struct span *identity, struct err *err)
{
	size_t head = sizeof(GREYLIST_KEY_PREFIX) + 1, tail = 0, i;

	if (key.len <= head || memcmp(key.p, GREYLIST_KEY_PREFIX,
	    head - 2) != 0 || key.p[head - 1] != '/')
		return err_set(err, ERR_SYNTAX, "no key of greylisting");
	for (i = 0; i < sizeof(letters); i++)
		if (letters[i] == key.p[head - 2])
			break;
	if (i == sizeof(letters))
		return err_set(err, ERR_SYNTAX, "no key of greylisting");
	*kind = (enum greylist_key_kind)i;
	if (*kind == GREYLIST_KEY_TRIPLET)
		tail = GREYLIST_KEY_HASH + 1;
	if (key.len <= head + tail ||
	    (tail > 0 && key.p[key.len - tail] != '/'))
		return err_set(err, ERR_SYNTAX, "no key of greylisting");
	*identity = span_n(key.p + head, key.len - head - tail);
	return 0;
}

/* --- records --- */

struct span
greylist_key_format(struct arena *a, const struct greylist_record *r)
{
	return span_z(arena_printf(a,
	    "1 %c %" PRId64 " %" PRId64 " %" PRId64 " %.*s %.*s%s%.*s",
	    r->state == GREYLIST_STATE_PASSED ? 'p' : 'w', r->first,
	    r->passed, r->used, SPAN_ARG(greylist_key_shown(a, r->sender)),
	    SPAN_ARG(greylist_key_shown(a, r->rcpt)),
	    r->network.len > 0 ? " " : "", SPAN_ARG(r->network)));
}

static int
read_time(struct span *text, int64_t *t)
{
	uint64_t n;

	if (span_uint(span_word(text), LONGEST_TIME, &n) < 0)
		return -1;
	*t = (int64_t)n;
	return 0;
}

int
greylist_key_read(struct span text, struct greylist_record *r,
    struct err *err)
{
	struct span rest = text, state;

	if (!span_is(span_word(&rest), "1"))
		return err_set(err, ERR_SYNTAX,
		    "a greylist record of another version");
	state = span_word(&rest);
	if ((!span_is(state, "w") && !span_is(state, "p")) ||
	    read_time(&rest, &r->first) < 0 ||
	    read_time(&rest, &r->passed) < 0 ||
	    read_time(&rest, &r->used) < 0)
		return err_set(err, ERR_SYNTAX, "a damaged greylist record");
	r->state = state.p[0] == 'p' ? GREYLIST_STATE_PASSED :
	    GREYLIST_STATE_WAITING;
	r->sender = span_word(&rest);
	r->rcpt = span_word(&rest);
	r->network = span_word(&rest);
	return 0;
}

int
greylist_key_owed(struct span text, int64_t *owed, struct err *err)
{
	bool is_negative = text.len > 0 && text.p[0] == '-';
	uint64_t n = 0;

	if (is_negative)
		text = span_n(text.p + 1, text.len - 1);
	if (text.p != NULL && span_uint(text, INT64_MAX, &n) < 0)
		return err_set(err, ERR_SYNTAX, "a damaged greylist count");
	*owed = is_negative ? -(int64_t)n : (int64_t)n;
	return 0;
}
