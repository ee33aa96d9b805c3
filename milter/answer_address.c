#include "milter/answer_internal.h"
#include "policy/address.h"

/* "<a@x.example>" or bare. UTF-8 is let through: whether the mail may have it
 * depends on the mail. "<>" is the null sender. */
static int
read_address(struct arena *a, struct span text, struct answer *out,
    struct err *err)
{
	struct address address;

	text = span_trim(text);
	if (text.len >= 2 && text.p[0] == '<' && text.p[text.len - 1] == '>')
		text = span_n(text.p + 1, text.len - 2);
	if (text.len == 0)
		return out->kind == ANSWER_CHANGE_SENDER ? 0 :
		    err_set(err, ERR_SYNTAX, "an empty address");
	if (address_parse(text, true, &address, err) < 0)
		return -1;
	out->address = arena_span(a, address.text);
	return 0;
}

/* RFC 5321 4.1.2: a keyword, perhaps "=" and a value. */
static bool
is_arg(struct span s)
{
	size_t i;
	unsigned char c;

	for (i = 0; i < s.len && s.p[i] != '='; i++) {
		c = (unsigned char)s.p[i];
		if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') &&
		    (c < 'a' || c > 'z') && (c != '-' || i == 0))
			return false;
	}
	if (i == 0 || i + 1 == s.len)
		return false;
	for (; i < s.len; i++) {
		c = (unsigned char)s.p[i];
		if (c <= ' ' || c == 0x7f)
			return false;
	}
	return true;
}

/* libmilter puts all parameters into one string, with spaces between. */
static int
read_args(struct arena *a, struct span data, struct answer *out,
    struct err *err)
{
	struct span words, *args = arena_new_n(a, ANSWER_ARGS_MAX,
	    struct span);

	while (packet_string(&data, &words))
		for (words = span_trim(words); words.len > 0; out->nargs++) {
			if (out->nargs == ANSWER_ARGS_MAX)
				return err_set(err, ERR_SYNTAX, "more than %d "
				    "parameters", ANSWER_ARGS_MAX);
			args[out->nargs] = arena_span(a, span_word(&words));
			if (!is_arg(args[out->nargs]))
				return err_set(err, ERR_SYNTAX, "parameter %zu "
				    "is no keyword or keyword=value",
				    out->nargs + 1);
		}
	out->args = args;
	if (data.len > 0)
		return err_set(err, ERR_SYNTAX, "parameters without the NUL "
		    "at their end");
	return 0;
}

static int
read_path(struct arena *a, struct span data, bool with_args,
    struct answer *out, struct err *err)
{
	struct span text;

	if (!packet_string(&data, &text))
		return err_set(err, ERR_SYNTAX, "no address that ends with "
		    "NUL");
	if (read_address(a, text, out, err) < 0)
		return -1;
	if (data.len == 0)
		return 0;
	if (!with_args)
		return err_set(err, ERR_SYNTAX, "%zu octets behind the "
		    "address", data.len);
	return read_args(a, data, out, err);
}

int
answer_sender(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	(void)t;
	return read_path(a, data, true, out, err);
}

int
answer_rcpt(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	(void)t;
	return read_path(a, data, false, out, err);
}

int
answer_rcpt_args(struct arena *a, const struct terms *t, struct span data,
    struct answer *out, struct err *err)
{
	(void)t;
	return read_path(a, data, true, out, err);
}
