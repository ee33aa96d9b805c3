#include <assert.h>
#include <string.h>

#include "base/idn.h"
#include "base/nearest.h"
#include "conf/listing.h"
#include "conf/value.h"

/* Quoted in a message: more of it helps nobody. */
#define SHOW(s)	((s).len > 100 ? 100 : (int)(s).len), (s).p

#define OCTET_MAX	255
#define LOOPBACK	127	/* the first octet of every answer */

static bool
has(const struct listing_octet *o, unsigned value)
{
	return (o->bits[value / 64] >> (value % 64)) & 1;
}

static void
add(struct listing_octet *o, unsigned value)
{
	o->bits[value / 64] |= UINT64_C(1) << (value % 64);
}

/* --- patterns --- */

/* 1 to 3 digits; a zero in front could be taken for octal. */
static int
parse_number(struct span text, unsigned *value)
{
	uint64_t n;

	if (text.len == 0 || (text.len > 1 && text.p[0] == '0') ||
	    span_uint(text, OCTET_MAX, &n) < 0)
		return -1;
	*value = (unsigned)n;
	return 0;
}

/* "&8": all values with these bits. */
static int
parse_bits(struct span item, struct listing_octet *o, struct err *err)
{
	unsigned bits;

	if (parse_number(span_n(item.p + 1, item.len - 1), &bits) < 0 ||
	    bits == 0)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not & and a sum "
		    "of bits, 1 to %d", SHOW(item), OCTET_MAX);
	for (unsigned v = bits; v <= OCTET_MAX; v++)
		if ((v & bits) == bits)
			add(o, v);
	return 0;
}

static int
parse_item(struct span item, struct listing_octet *o, struct err *err)
{
	struct span last = item, first = span_until(&last, '-');
	unsigned lo = 0, hi = OCTET_MAX;

	if (item.len > 0 && item.p[0] == '&')
		return parse_bits(item, o, err);
	if (first.len == item.len)
		last = first;	/* no range */
	if (!span_is(item, "*") && (parse_number(first, &lo) < 0 ||
	    parse_number(last, &hi) < 0))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not an octet: "
		    "expected 0 to %d, as 4, 2-3, *, &8 or several with "
		    "commas", SHOW(item), OCTET_MAX);
	if (hi < lo)
		return err_set(err, ERR_CONFIG,
		    "the range %.*s runs backwards", SHOW(item));
	while (lo <= hi)
		add(o, lo++);
	return 0;
}

static int
parse_octet(struct span text, struct listing_octet *o, struct err *err)
{
	size_t left = 1;
	struct span item;

	for (size_t i = 0; i < text.len; i++)
		left += text.p[i] == ',';
	*o = (struct listing_octet){ .bits = { 0 } };
	while (left-- > 0) {	/* "4," has an empty item */
		item = span_until(&text, ',');
		if (parse_item(item, o, err) < 0)
			return -1;
	}
	return 0;
}

/* "/24" behind four plain numbers: the octets become ranges. */
static int
widen(struct listing_pattern *p, struct span prefix, struct err *err)
{
	uint64_t bits;

	if (span_uint(prefix, 32, &bits) < 0 || bits < 8)
		return err_set(err, ERR_CONFIG, "\"/%.*s\" is not the length "
		    "of a network: expected /8 to /32", SHOW(prefix));
	for (unsigned i = 0; i < 4; i++) {
		struct listing_octet *o = &p->octets[i];
		unsigned fixed = bits >= 8 * (i + 1) ? 8 :
		    bits <= 8 * i ? 0 : (unsigned)bits - 8 * i;
		unsigned free = OCTET_MAX >> fixed, n = 0, lo = 0;

		for (unsigned v = 0; v <= OCTET_MAX; v++)
			if (has(o, v)) {
				lo = v;
				n++;
			}
		if (n != 1 || (lo & free) != 0)
			return err_set(err, ERR_CONFIG, "a network is its "
			    "first address and a length, as 127.0.0.0/24");
		for (unsigned v = lo; v <= lo + free; v++)
			add(o, v);
	}
	return 0;
}

/* Every answer of the pattern is of the kind that is never a listing. */
static bool
is_reserved(const struct listing_pattern *p)
{
	for (unsigned v = 0; v < OCTET_MAX; v++)
		if (has(&p->octets[1], v) || has(&p->octets[2], v))
			return false;
	return true;
}

static int
parse_pattern(struct span text, struct listing_pattern *p, struct err *err)
{
	static const struct listing_octet loopback = { .bits = {
	    0, UINT64_C(1) << (LOOPBACK - 64), 0, 0 } };
	struct span network = text, rest = span_until(&network, '/');
	bool is_network = rest.len < text.len;
	size_t n = 0;

	for (size_t i = 0; i < rest.len; i++)
		n += rest.p[i] == '.';
	if (n != 3)
		return err_set(err, ERR_CONFIG, "expected four octets with "
		    "dots, as 127.0.0.2-3");
	for (n = 0; n < 4; n++)
		if (parse_octet(span_until(&rest, '.'), &p->octets[n],
		    err) < 0)
			return -1;
	if (memcmp(&p->octets[0], &loopback, sizeof(loopback)) != 0)
		return err_set(err, ERR_CONFIG, "answers of DNS lists begin "
		    "with %d; all others are errors", LOOPBACK);
	if (is_network && widen(p, network, err) < 0)
		return -1;
	if (is_reserved(p))
		return err_set(err, ERR_CONFIG, "answers in 127.255.255.0/24 "
		    "are errors, never listings");
	return 0;
}

/* --- what a match is worth --- */

/* "5", "-4", "1.5", "+0.25" */
static int
parse_score(struct span text, int32_t *score, struct err *err)
{
	struct span rest = text, whole;
	uint64_t units, part = 0;
	bool is_negative = text.len > 0 && text.p[0] == '-';

	if (is_negative || (text.len > 0 && text.p[0] == '+'))
		rest = span_n(text.p + 1, text.len - 1);
	whole = span_until(&rest, '.');
	if (span_uint(whole, LISTING_SCORE_MAX, &units) < 0)
		goto bad;
	if (whole.p + whole.len < text.p + text.len) {
		if (rest.len > 2 || span_uint(rest, 99, &part) < 0)
			goto bad;
		if (rest.len == 1)
			part *= 10;
	}
	units = units * LISTING_SCORE_UNIT + part;
	if (units > (uint64_t)LISTING_SCORE_MAX * LISTING_SCORE_UNIT)
		goto bad;
	*score = is_negative ? -(int32_t)units : (int32_t)units;
	return 0;
bad:
	return err_set(err, ERR_CONFIG, "score \"%.*s\": expected a number "
	    "from -%d to %d with at most two decimals, as 5, -4 or 1.5",
	    SHOW(text), LISTING_SCORE_MAX, LISTING_SCORE_MAX);
}

static int
parse_tag(struct arena *a, struct span text, const char **tag, struct err *err)
{
	bool is_good = text.len > 0 && text.len <= LISTING_TAG_MAX;

	for (size_t i = 0; i < text.len && is_good; i++) {
		char c = text.p[i];

		is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
	}
	if (!is_good)
		return err_set(err, ERR_CONFIG, "tag \"%.*s\": expected 1 to "
		    "%d letters, digits, hyphens, underscores and dots",
		    SHOW(text), LISTING_TAG_MAX);
	*tag = arena_copy(a, text);
	return 0;
}

enum { WORD_SCORE, WORD_TAG, WORD_IGNORE, WORD_ERROR };
static const char *const worth_words[] = {
	"score", "tag", "ignore", "error", NULL
};

/* Each of them at most once, and ignore and error alone. */
static int
parse_worth(struct arena *a, const struct span *words, size_t n,
    struct listing_pattern *p, const char **hint, struct err *err)
{
	unsigned word, seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (value_word(words[i], worth_words, &word, hint, err) < 0)
			return -1;
		if (seen & 1u << word)
			return err_set(err, ERR_CONFIG, "%s stands twice",
			    worth_words[word]);
		seen |= 1u << word;
		if (word >= WORD_IGNORE) {
			p->meaning = word == WORD_IGNORE ? LISTING_IGNORE :
			    LISTING_ERROR;
			if (n > 1)
				return err_set(err, ERR_CONFIG, "%s stands "
				    "alone", worth_words[word]);
		} else if (++i == n)
			return err_set(err, ERR_CONFIG, "nothing behind %s",
			    worth_words[word]);
		else if ((word == WORD_SCORE ?
		    parse_score(words[i], &p->score, err) :
		    parse_tag(a, words[i], &p->tag, err)) < 0)
			return -1;
	}
	return 0;
}

int
listing_parse(struct arena *a, const struct span *words, size_t n,
    struct listing_pattern *pattern, const char **hint, struct err *err)
{
	*pattern = (struct listing_pattern){ .text = NULL };
	*hint = NULL;
	if (n == 0)
		return err_set(err, ERR_CONFIG, "expected a pattern, as "
		    "127.0.0.2-3 score 5");
	if (parse_pattern(words[0], pattern, err) < 0)
		return err_prefix(err, "\"%.*s\"", SHOW(words[0]));
	if (n == 1)
		return err_set(err, ERR_CONFIG, "nothing behind %.*s: "
		    "expected score N, tag NAME, ignore or error",
		    SHOW(words[0]));
	pattern->text = arena_copy(a, words[0]);
	return parse_worth(a, words + 1, n - 1, pattern, hint, err);
}

void
listing_put_score(struct buf *out, int64_t hundredths)
{
	uint64_t n = hundredths < 0 ? -(uint64_t)hundredths :
	    (uint64_t)hundredths;
	uint64_t part = n % LISTING_SCORE_UNIT;

	if (hundredths < 0)
		buf_puts(out, "-");
	buf_uint(out, n / LISTING_SCORE_UNIT);
	if (part % 10 != 0)
		buf_printf(out, ".%02u", (unsigned)part);
	else if (part != 0)
		buf_printf(out, ".%u", (unsigned)part / 10);
}

void
listing_put(struct buf *out, const struct listing_pattern *pattern)
{
	buf_puts(out, pattern->text);
	if (pattern->meaning == LISTING_IGNORE)
		buf_puts(out, " ignore");
	else if (pattern->meaning == LISTING_ERROR)
		buf_puts(out, " error");
	else if (pattern->score != 0 || pattern->tag == NULL) {
		buf_puts(out, " score ");
		listing_put_score(out, pattern->score);
	}
	if (pattern->tag != NULL)
		buf_printf(out, " tag %s", pattern->tag);
}

/* --- zones and checks --- */

int
listing_zone(struct arena *a, struct span text, const char **zone,
    struct err *err)
{
	struct err why;

	*zone = NULL;
	if (!value_is_domain(text) || idn_to_ascii(a, text, zone, &why) < 0 ||
	    !value_is_domain(span_z(*zone)))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not a domain",
		    SHOW(text));
	if (strlen(*zone) > LISTING_ZONE_MAX)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is longer than %d "
		    "octets: no address would fit in front of it",
		    SHOW(text), LISTING_ZONE_MAX);
	return 0;
}

/* Where several fit, the widest is first. */
static const struct {
	const char	*name;
	unsigned	 bits;
} checks[] = {
	{ "client", LISTING_CLIENT },
	{ "client-ipv4", LISTING_IPV4 },
	{ "client-ipv6", LISTING_IPV6 },
	{ "sender", LISTING_SENDER },
	{ "helo", LISTING_HELO },
	{ "reverse", LISTING_REVERSE },
	{ "from", LISTING_FROM },
	{ "dkim", LISTING_DKIM },
};
#define NCHECKS	(sizeof(checks) / sizeof(*checks))

int
listing_check(struct span word, unsigned *bits, const char **hint,
    struct err *err)
{
	const char *words[NCHECKS + 1] = { NULL };
	unsigned found;

	for (size_t i = 0; i < NCHECKS; i++)
		words[i] = checks[i].name;
	if (value_word(word, words, &found, hint, err) < 0)
		return -1;
	*bits = checks[found].bits;
	return 0;
}

const char *
listing_check_name(enum listing_check check)
{
	size_t i = 0;

	while (checks[i].bits != (unsigned)check) {
		i++;
		assert(i < NCHECKS);
	}
	return checks[i].name;
}

/* --- answers --- */

bool
listing_matches(const struct listing_pattern *pattern,
    struct listing_address address)
{
	for (unsigned i = 0; i < 4; i++)
		if (!has(&pattern->octets[i], address.octet[i]))
			return false;
	return true;
}

bool
listing_is_error(struct listing_address address)
{
	const uint8_t *o = address.octet;

	return o[0] != LOOPBACK || (o[1] == 255 && o[2] == 255);
}

/* One address. What is to be ignored or an error is so whatever else
 * matches. */
static enum listing_verdict
judge_one(const struct dnsbl_list *list, struct listing_address address,
    uint64_t *matched)
{
	uint64_t bits = 0;
	bool is_ignored = false;

	if (listing_is_error(address))
		return LISTING_REFUSED;
	for (size_t i = 0; i < list->npatterns; i++) {
		const struct listing_pattern *p = &list->patterns[i];

		if (!listing_matches(p, address))
			continue;
		if (p->meaning == LISTING_ERROR)
			return LISTING_REFUSED;
		if (p->meaning == LISTING_IGNORE)
			is_ignored = true;
		else
			bits |= UINT64_C(1) << i;
	}
	if (is_ignored || (bits == 0 && list->npatterns > 0))
		return LISTING_OTHER;
	*matched |= bits;
	return LISTING_LISTED;
}

enum listing_verdict
listing_judge(const struct dnsbl_list *list,
    const struct listing_address *addresses, size_t n, uint64_t *matched)
{
	enum listing_verdict all = LISTING_EMPTY, one;

	*matched = 0;
	for (size_t i = 0; i < n; i++) {
		one = judge_one(list, addresses[i], matched);
		if (one > all)
			all = one;
	}
	if (all == LISTING_REFUSED)
		*matched = 0;
	return all;
}

int64_t
listing_score(const struct dnsbl_list *list, uint64_t matched)
{
	int64_t sum = 0;

	for (size_t i = 0; i < list->npatterns; i++)
		if (matched >> i & 1)
			sum += list->patterns[i].score;
	return sum;
}

bool
listing_is_allow(const struct dnsbl_list *list)
{
	bool is_allow = false;

	for (size_t i = 0; i < list->npatterns; i++) {
		if (list->patterns[i].score > 0)
			return false;
		is_allow |= list->patterns[i].score < 0;
	}
	return is_allow;
}
