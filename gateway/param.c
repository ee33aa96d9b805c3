#include <inttypes.h>

#include "base/utf8.h"
#include "gateway/param.h"
#include "gateway/xtext.h"

#define ENVID_MAX	100	/* RFC 3461 4.4 */
#define ORCPT_MAX	500	/* RFC 3461 4.2 */
#define SIZE_DIGITS	20	/* RFC 1870 3 */

/* One MAIL or RCPT while it is parsed. */
struct parse {
	struct arena		*arena;
	const struct path_limits *limits;
	struct path_fault	*fault;
	struct envelope		*envelope;	/* MAIL */
	struct rcpt		*rcpt;		/* RCPT */
	bool			 smtputf8;
	unsigned		 needs;
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static int
bad_value(struct parse *p, const char *key, struct span value)
{
	return path_refuse(p->fault, 501, "5.5.4", "%s cannot be \"%.*s\"", key,
	    SPAN_ARG(path_excerpt(value)));
}

/* --- parameters of MAIL --- */

static int
take_size(struct parse *p, struct span value)
{
	uint64_t max = p->limits->max_size, size;
	size_t i;

	for (i = 0; i < value.len; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return bad_value(p, "SIZE", value);
	if (value.len > SIZE_DIGITS)
		return bad_value(p, "SIZE", value);
	if (span_uint(value, UINT64_MAX, &size) < 0)
		size = UINT64_MAX;
	if (max != 0 && size > max)
		return path_refuse(p->fault, 552, "5.3.4", "The message is "
		    "larger than %" PRIu64 " octets", max);
	p->envelope->declared_size = size;
	return 0;
}

static int
take_body(struct parse *p, struct span value)
{
	static const struct {
		const char	*name;
		enum body_type	 body;
		unsigned	 offered, needs;
	} bodies[] = {
		{ "7BIT", BODY_7BIT,
		    ABILITY_8BITMIME | ABILITY_BINARYMIME, 0 },
		{ "8BITMIME", BODY_8BITMIME,
		    ABILITY_8BITMIME, ABILITY_8BITMIME },
		{ "BINARYMIME", BODY_BINARYMIME,
		    ABILITY_BINARYMIME, ABILITY_BINARYMIME | ABILITY_CHUNKING },
	};
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (!span_is_nocase(value, bodies[i].name))
			continue;
		if (!(p->limits->advertised & bodies[i].offered))
			return path_refuse(p->fault, 555, "5.5.4",
			    "BODY=%s is not offered here", bodies[i].name);
		p->envelope->body = bodies[i].body;
		p->needs |= bodies[i].needs;
		return 0;
	}
	return bad_value(p, "BODY", value);
}

static int
take_smtputf8(struct parse *p, struct span value)
{
	(void)value;
	p->smtputf8 = true;
	p->needs |= ABILITY_SMTPUTF8;
	return 0;
}

static int
take_prdr(struct parse *p, struct span value)
{
	(void)value;
	p->envelope->prdr = true;
	return 0;
}

static int
take_ret(struct parse *p, struct span value)
{
	if (!span_is_nocase(value, "FULL") && !span_is_nocase(value, "HDRS"))
		return bad_value(p, "RET", value);
	p->envelope->ret = arena_copy(p->arena, value);
	p->needs |= ABILITY_DSN;
	return 0;
}

static int
take_envid(struct parse *p, struct span value)
{
	if (value.len > ENVID_MAX || !xtext_is_valid(value, false))
		return bad_value(p, "ENVID", value);
	p->envelope->envid = arena_copy(p->arena, value);
	p->needs |= ABILITY_DSN;
	return 0;
}

/* --- parameters of RCPT --- */

static int
take_notify(struct parse *p, struct span value)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	const size_t n = sizeof(words) / sizeof(words[0]);
	struct span rest = value, word;
	unsigned seen = 0;
	size_t i;

	if (!span_is_nocase(value, "NEVER"))
		do {
			word = span_until(&rest, ',');
			for (i = 0; i < n; i++)
				if (span_is_nocase(word, words[i]))
					break;
			if (i == n || (seen & 1u << i))
				return bad_value(p, "NOTIFY", value);
			seen |= 1u << i;
		} while (rest.len > 0);
	if (value.p[value.len - 1] == ',')
		return bad_value(p, "NOTIFY", value);
	p->rcpt->notify = arena_copy(p->arena, value);
	p->needs |= ABILITY_DSN;
	return 0;
}

/* RFC 3461 4.2: type ";" xtext; RFC 6533 3 lets UTF-8 stand in it. */
static int
take_orcpt(struct parse *p, struct span value)
{
	struct span text = value, type = span_until(&text, ';');
	size_t i;

	if (value.len > ORCPT_MAX || type.len == 0 || text.len == 0 ||
	    !xtext_is_valid(text, p->smtputf8) ||
	    !utf8_is_printable(text))
		return bad_value(p, "ORCPT", value);
	for (i = 0; i < type.len; i++)
		if (!is_alnum(type.p[i]) && type.p[i] != '-')
			return bad_value(p, "ORCPT", value);
	p->rcpt->orcpt = arena_copy(p->arena, value);
	p->needs |= ABILITY_DSN;
	return 0;
}

/* --- parameters in general --- */

struct keyword {
	const char	*name;
	unsigned	 offered_by;	/* any of these abilities */
	bool		 has_value;
	int		(*take)(struct parse *p, struct span value);
};

static const struct keyword mail_keywords[] = {
	{ "SIZE", ABILITY_SIZE, true, take_size },
	{ "BODY", ABILITY_8BITMIME | ABILITY_BINARYMIME, true, take_body },
	{ "SMTPUTF8", ABILITY_SMTPUTF8, false, take_smtputf8 },
	{ "PRDR", ABILITY_PRDR, false, take_prdr },
	{ "RET", ABILITY_DSN, true, take_ret },
	{ "ENVID", ABILITY_DSN, true, take_envid },
	{ NULL, 0, false, NULL }
};

static const struct keyword rcpt_keywords[] = {
	{ "NOTIFY", ABILITY_DSN, true, take_notify },
	{ "ORCPT", ABILITY_DSN, true, take_orcpt },
	{ NULL, 0, false, NULL }
};

/* RFC 5321 4.1.2: esmtp-keyword */
static bool
is_keyword(struct span key)
{
	size_t i;

	for (i = 0; i < key.len; i++)
		if (!is_alnum(key.p[i]) && (i == 0 || key.p[i] != '-'))
			return false;
	return key.len > 0;
}

static int
parse_param(struct parse *p, const struct keyword *keywords,
    struct span param, unsigned *seen)
{
	struct span value = param, key = span_until(&value, '=');
	bool has_value = key.len < param.len;
	const struct keyword *k;
	unsigned bit = 1;

	if (!is_keyword(key))
		return path_refuse(p->fault, 501, "5.5.4",
		    "\"%.*s\" is not a parameter",
		    SPAN_ARG(path_excerpt(param)));
	for (k = keywords; k->name != NULL; k++, bit <<= 1)
		if (span_is_nocase(key, k->name))
			break;
	if (k->name == NULL || !(p->limits->advertised & k->offered_by))
		return path_refuse(p->fault, 555, "5.5.4",
		    "The parameter %.*s is not offered here",
		    SPAN_ARG(path_excerpt(key)));
	if (*seen & bit)
		return path_refuse(p->fault, 501, "5.5.4", "%s is given twice",
		    k->name);
	*seen |= bit;
	if (has_value && !k->has_value)
		return path_refuse(p->fault, 501, "5.5.4", "%s takes no value",
		    k->name);
	if (k->has_value && value.len == 0)
		return path_refuse(p->fault, 501, "5.5.4", "%s needs a value",
		    k->name);
	return k->take(p, value);
}

static int
parse_params(struct parse *p, const struct keyword *keywords,
    struct span params)
{
	unsigned seen = 0;

	params = span_trim(params);
	while (params.len > 0)
		if (parse_param(p, keywords, span_word(&params), &seen) < 0)
			return -1;
	return 0;
}

int
param_parse_mail(struct arena *a, struct span params,
    const struct path_limits *limits, struct envelope *envelope,
    struct path_fault *fault)
{
	struct parse p = {
		.arena = a, .limits = limits, .fault = fault,
		.envelope = envelope
	};

	if (parse_params(&p, mail_keywords, params) < 0)
		return -1;
	envelope->smtputf8 = p.smtputf8;
	envelope->needs |= p.needs;
	return 0;
}

int
param_parse_rcpt(struct arena *a, struct span params,
    const struct path_limits *limits, bool smtputf8, struct rcpt *rcpt,
    unsigned *needs, struct path_fault *fault)
{
	struct parse p = {
		.arena = a, .limits = limits, .fault = fault,
		.rcpt = rcpt, .smtputf8 = smtputf8
	};

	if (parse_params(&p, rcpt_keywords, params) < 0)
		return -1;
	*needs |= p.needs;
	return 0;
}
