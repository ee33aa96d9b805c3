#include <string.h>

#include "filters/dmarc_record.h"

static const char *const policies[] = { "none", "quarantine", "reject" };

/* What the tags say of a policy. */
struct request {
	bool			is_there, is_valid;
	enum dmarc_policy	policy;
};

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	return policies[policy];
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* --- report addresses --- */

/* "!10m" behind a URI: of older records, without a meaning now. */
static struct span
drop_size(struct span uri)
{
	size_t len = uri.len, digits;

	if (len > 0 && strchr("kmgtKMGT", uri.p[len - 1]) != NULL)
		len--;
	for (digits = 0; len > 0 && is_digit(uri.p[len - 1]); len--)
		digits++;
	if (digits > 0 && len > 0 && uri.p[len - 1] == '!')
		uri.len = len - 1;
	return uri;
}

/* RFC 3986 3: a scheme and something that can stand behind it. "!" and ","
 * must be encoded in these records. */
static bool
is_uri(struct span text)
{
	struct span rest = text, scheme = span_until(&rest, ':');
	size_t i;

	if (scheme.len == text.len || scheme.len == 0 || rest.len == 0 ||
	    !is_alpha(scheme.p[0]))
		return false;
	for (i = 1; i < scheme.len; i++)
		if (!is_alpha(scheme.p[i]) && !is_digit(scheme.p[i]) &&
		    strchr("+-.", scheme.p[i]) == NULL)
			return false;
	for (i = 0; i < rest.len; i++)
		if (rest.p[i] == '%') {
			if (rest.len - i < 3 || !is_hex(rest.p[i + 1]) ||
			    !is_hex(rest.p[i + 2]))
				return false;
		} else if (!is_alpha(rest.p[i]) && !is_digit(rest.p[i]) &&
		    strchr("-._~:/?#[]@$&'()*+;=", rest.p[i]) == NULL)
			return false;
	return true;
}

static bool
has_uri(struct span list)
{
	while (list.len > 0)
		if (is_uri(drop_size(span_trim(span_until(&list, ',')))))
			return true;
	return false;
}

/* --- tags --- */

/* *WSP 1*ALPHA *WSP "=" *WSP 1*(printable but ";") *WSP; the value may be
 * empty here, since an empty p is a p that is not valid. */
static bool
read_tag(struct span text, struct span *name, struct span *value)
{
	struct span rest = text;
	size_t i;

	*name = span_trim(span_until(&rest, '='));
	if (name->len == 0 || memchr(text.p, '=', text.len) == NULL)
		return false;
	for (i = 0; i < name->len; i++)
		if (!is_alpha(name->p[i]))
			return false;
	*value = span_trim(rest);
	for (i = 0; i < value->len; i++)
		if (value->p[i] < ' ' || value->p[i] > '~')
			return false;
	return true;
}

static bool
is_version(struct span text)
{
	struct span name, value;

	return text.len > 0 && is_alpha(text.p[0]) &&
	    read_tag(text, &name, &value) && span_is_nocase(name, "v") &&
	    span_is(value, "DMARC1");
}

static struct request
read_request(struct span value)
{
	struct request r = { .is_there = true };
	size_t i;

	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (span_is_nocase(value, policies[i])) {
			r.is_valid = true;
			r.policy = (enum dmarc_policy)i;
		}
	return r;
}

/* RFC 9989 4.10.1. */
static void
decide(struct dmarc_record *out, const struct request *p,
    const struct request *sp, const struct request *np)
{
	if (!p->is_valid || (sp->is_there && !sp->is_valid) ||
	    (np->is_there && !np->is_valid)) {
		out->is_usable = out->has_rua;
		return;
	}
	out->is_usable = true;
	out->has_sp = sp->is_there;
	out->has_np = np->is_there;
	out->p = p->policy;
	out->sp = out->has_sp ? sp->policy : out->p;
	out->np = out->has_np ? np->policy : out->sp;
}

enum tag { TAG_P, TAG_SP, TAG_NP, TAG_ADKIM, TAG_ASPF, TAG_PSD, TAG_T,
    TAG_RUA, TAGS };
static const char *const tag_names[TAGS] = { "p", "sp", "np", "adkim", "aspf",
    "psd", "t", "rua" };

bool
dmarc_record_parse(struct span text, struct dmarc_record *out)
{
	struct request requests[TAG_NP + 1] = { { 0 } };
	bool seen[TAGS] = { false };
	struct span name, value;
	size_t tag;

	*out = (struct dmarc_record){ 0 };
	if (!is_version(span_until(&text, ';')))
		return false;
	while (text.len > 0) {
		if (!read_tag(span_until(&text, ';'), &name, &value))
			continue;
		for (tag = 0; tag < TAGS; tag++)
			if (span_is_nocase(name, tag_names[tag]))
				break;
		if (tag == TAGS || seen[tag])
			continue;
		seen[tag] = true;
		if (tag <= TAG_NP)
			requests[tag] = read_request(value);
		else if (tag == TAG_ADKIM)
			out->strict_dkim = span_is_nocase(value, "s");
		else if (tag == TAG_ASPF)
			out->strict_spf = span_is_nocase(value, "s");
		else if (tag == TAG_T)
			out->testing = span_is_nocase(value, "y");
		else if (tag == TAG_RUA)
			out->has_rua = has_uri(value);
		else if (span_is_nocase(value, "y"))
			out->psd = DMARC_PSD_Y;
		else if (span_is_nocase(value, "n"))
			out->psd = DMARC_PSD_N;
	}
	decide(out, &requests[TAG_P], &requests[TAG_SP], &requests[TAG_NP]);
	return true;
}
