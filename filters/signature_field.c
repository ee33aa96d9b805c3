#include <string.h>

#include "base/utf8.h"
#include "filters/signature_field.h"
#include "filters/signer.h"
#include "filters/tags.h"

#define TIME_LONGEST	12	/* digits: RFC 6376 3.5 needs no more */

struct reading {
	struct arena		*arena;
	struct signature_field	*out;
	struct span		 value;		/* of the tag that is read */
	struct span		 raw;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *
without_spaces(struct arena *a, struct span value)
{
	char *text = arena_alloc(a, value.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++)
		if (!is_space(value.p[i]))
			text[n++] = value.p[i];
	return text;
}

static bool
is_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0;
}

/* --- a function for each tag, in the order of RFC 6376 3.5 --- */

static int
read_version(struct reading *r, struct err *err)
{
	if (!span_is(r->value, "1"))
		return err_set(err, ERR_SYNTAX, "v= is not 1");
	return 0;
}

static int
read_algorithm(struct reading *r, struct err *err)
{
	if (sigkey_algorithm_parse(r->value, &r->out->algorithm) == 0) {
		r->out->algorithm_name =
		    r->out->algorithm == SIGKEY_RSA_SHA256 ? "rsa-sha256" :
		    "ed25519-sha256";
		return 0;
	}
	if (!span_is_nocase(r->value, "rsa-sha1"))
		return err_set(err, ERR_SYNTAX, "a= is an unknown algorithm");
	r->out->algorithm_name = "rsa-sha1";
	return err_set(err, ERR_SYNTAX,
	    "rsa-sha1 signatures are not valid any more");
}

static int
read_signature(struct reading *r, struct err *err)
{
	r->out->cut = r->raw;
	if (tags_base64(r->arena, r->value, &r->out->signature) < 0)
		return err_set(err, ERR_SYNTAX, "b= is not base64");
	if (r->out->signature.len == 0)
		return err_set(err, ERR_SYNTAX, "b= is empty");
	r->out->text = without_spaces(r->arena, r->value);
	return 0;
}

static int
read_body_digest(struct reading *r, struct err *err)
{
	struct span digest;

	if (tags_base64(r->arena, r->value, &digest) < 0)
		return err_set(err, ERR_SYNTAX, "bh= is not base64");
	if (digest.len != SIGKEY_DIGEST)
		return err_set(err, ERR_SYNTAX, "bh= is no SHA-256 hash");
	memcpy(r->out->body_digest, digest.p, SIGKEY_DIGEST);
	return 0;
}

static int
read_forms(struct reading *r, struct err *err)
{
	if (canon_parse(r->value, &r->out->header_form,
	    &r->out->body_form) < 0)
		return err_set(err, ERR_SYNTAX,
		    "c= is an unknown canonicalization");
	return 0;
}

static int
read_domain(struct reading *r, struct err *err)
{
	const char *name = signer_name(r->arena, r->value);

	if (name == NULL)
		return err_set(err, ERR_SYNTAX, "d= is no domain name");
	r->out->domain = name;
	/* RFC 6376 6.1.1: nobody speaks for a top-level domain. */
	if (strchr(name, '.') == NULL)
		return err_set(err, ERR_SYNTAX, "d= is a top-level domain");
	return 0;
}

static int
read_names(struct reading *r, struct err *err)
{
	struct span list = r->value, name;
	size_t n = 0;

	while (tags_item(&list, &name))
		if (++n > SIGNATURE_NAMES)
			return err_set(err, ERR_SYNTAX,
			    "h= has more than %d names", SIGNATURE_NAMES);
	if (!tags_has(r->value, "From"))
		return err_set(err, ERR_SYNTAX, "h= does not name From");
	r->out->names = r->value;
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 6376 2.11. -1: "=" without two hexadecimal digits. */
static int
decode(struct arena *a, struct span in, struct span *out)
{
	char *text = arena_alloc(a, in.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (is_space(in.p[i]))
			continue;
		text[n] = in.p[i];
		if (in.p[i] == '=') {
			if (in.len - i < 3 || hex(in.p[i + 1]) < 0 ||
			    hex(in.p[i + 2]) < 0)
				return -1;
			text[n] = (char)(hex(in.p[i + 1]) << 4 |
			    hex(in.p[i + 2]));
			i += 2;
		}
		n++;
	}
	*out = span_n(text, n);
	return 0;
}

static int
read_identity(struct reading *r, struct err *err)
{
	const char *at, *domain;
	struct span text;

	if (decode(r->arena, r->value, &text) < 0)
		return err_set(err, ERR_SYNTAX, "i= is not quoted-printable");
	at = memrchr(text.p, '@', text.len);
	if (at == NULL || !utf8_is_printable(text))
		return err_set(err, ERR_SYNTAX, "i= is no identity");
	domain = signer_name(r->arena, span_n(at + 1,
	    (size_t)(text.p + text.len - at) - 1));
	if (domain == NULL)
		return err_set(err, ERR_SYNTAX, "i= has no domain name");
	r->out->identity = text.p;
	r->out->identity_domain = domain;
	return 0;
}

static int
read_length(struct reading *r, struct err *err)
{
	if (!is_digits(r->value))
		return err_set(err, ERR_SYNTAX, "l= is no number");
	r->out->has_length = true;
	if (span_uint(r->value, UINT64_MAX, &r->out->length) < 0)
		r->out->length = UINT64_MAX;
	return 0;
}

static int
read_methods(struct reading *r, struct err *err)
{
	if (!tags_has(r->value, "dns/txt"))
		return err_set(err, ERR_SYNTAX, "q= has no known method");
	return 0;
}

static int
read_selector(struct reading *r, struct err *err)
{
	r->out->selector = signer_name(r->arena, r->value);
	if (r->out->selector == NULL)
		return err_set(err, ERR_SYNTAX, "s= is no selector");
	return 0;
}

/* Seconds since 1970; a time of very many digits never comes. */
static int
read_time(struct span value, const char *tag, int64_t *out, struct err *err)
{
	uint64_t seconds;

	if (!is_digits(value))
		return err_set(err, ERR_SYNTAX, "%s is no time", tag);
	if (value.len > TIME_LONGEST ||
	    span_uint(value, INT64_MAX, &seconds) < 0)
		*out = INT64_MAX;
	else
		*out = (int64_t)seconds;
	return 0;
}

static int
read_signed_at(struct reading *r, struct err *err)
{
	return read_time(r->value, "t=", &r->out->signed_at, err);
}

static int
read_expires(struct reading *r, struct err *err)
{
	return read_time(r->value, "x=", &r->out->expires, err);
}

static const struct {
	const char	*name;
	bool		 is_required;
	int		(*read)(struct reading *r, struct err *err);
} readers[] = {
	{ "v",	true,	read_version },
	{ "a",	true,	read_algorithm },
	{ "b",	true,	read_signature },
	{ "bh",	true,	read_body_digest },
	{ "c",	false,	read_forms },
	{ "d",	true,	read_domain },
	{ "h",	true,	read_names },
	{ "i",	false,	read_identity },
	{ "l",	false,	read_length },
	{ "q",	false,	read_methods },
	{ "s",	true,	read_selector },
	{ "t",	false,	read_signed_at },
	{ "x",	false,	read_expires },
};

/* --- all of it --- */

static bool
is_within(const char *name, const char *domain)
{
	size_t len = strlen(name), tail = strlen(domain);

	return strcmp(name, domain) == 0 || (len > tail + 1 &&
	    name[len - tail - 1] == '.' &&
	    strcmp(name + len - tail, domain) == 0);
}

static int
read_one(struct arena *a, const struct tags *tags, size_t i,
    struct signature_field *out, struct err *err)
{
	const struct tag *tag = tags_find(tags, readers[i].name);
	struct reading r = { .arena = a, .out = out };

	if (tag == NULL && readers[i].is_required)
		return err_set(err, ERR_SYNTAX, "%s= is missing",
		    readers[i].name);
	if (tag == NULL)
		return 0;
	r.value = tag->value;
	r.raw = tag->raw;
	return readers[i].read(&r, err);
}

/* What must fit together. */
static int
read_rest(struct arena *a, struct signature_field *out, struct err *err)
{
	if (!is_within(out->identity_domain, out->domain))
		return err_set(err, ERR_SYNTAX, "i= is not within d=");
	if (out->expires >= 0 && out->signed_at >= 0 &&
	    out->expires <= out->signed_at)
		return err_set(err, ERR_SYNTAX, "x= is not later than t=");
	out->key_name = signer_key(a, out->selector, out->domain);
	if (out->key_name == NULL)
		return err_set(err, ERR_SYNTAX,
		    "s= and d= make too long a name");
	return 0;
}

int
signature_field_parse(struct arena *a, const struct field *field,
    struct signature_field *out, struct err *err)
{
	struct err later;
	struct tags tags;
	int ret = 0;

	*out = (struct signature_field){ .field = field, .signed_at = -1,
	    .expires = -1, .header_form = CANON_SIMPLE,
	    .body_form = CANON_SIMPLE };
	if (tags_parse(a, field->value, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (read_one(a, &tags, i, out, ret == 0 ? err : &later) < 0)
			ret = -1;
	if (tags_find(&tags, "i") == NULL && out->domain != NULL) {
		out->identity = arena_printf(a, "@%s", out->domain);
		out->identity_domain = out->domain;
	}
	return ret < 0 ? -1 : read_rest(a, out, err);
}
