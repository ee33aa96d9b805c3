#include <string.h>
#include <strings.h>

#include "policy/mailbox.h"

#define END	(-1)	/* of the text */

/* What stands before the special character that decides what it is. */
struct words {
	size_t		n;
	bool		is_phrase;	/* two words without a dot between */
	bool		has_bracket;	/* only a display name may */
	bool		is_encoded;	/* RFC 2047: readers decode it */
	bool		has_at;		/* in a quoted string */
};

static int
peek(const struct mailbox_list *l)
{
	return l->at == l->text.len ? END : (unsigned char)l->text.p[l->at];
}

/* RFC 5322 3.2.3 and RFC 6532. */
static bool
is_atext(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c >= 0x80 ||
	    (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
unexpected(const struct mailbox_list *l, struct err *err)
{
	int c = peek(l);

	if (c == END)
		return err_set(err, ERR_SYNTAX, "an address is not complete");
	if (c >= 0x80)
		return err_set(err, ERR_SYNTAX,
		    "unexpected octet 0x%02x at octet %zu", c, l->at + 1);
	return err_set(err, ERR_SYNTAX, "unexpected \"%c\" at octet %zu", c,
	    l->at + 1);
}

/* --- blanks, comments, words --- */

static int
skip_comment(struct mailbox_list *l, struct err *err)
{
	size_t depth = 0, begin = l->at;

	for (; l->at < l->text.len; l->at++)
		switch (l->text.p[l->at]) {
		case '(':
			depth++;
			break;
		case ')':
			if (--depth > 0)
				break;
			l->at++;
			return 0;
		case '\\':
			if (++l->at == l->text.len)
				l->at--;
			break;
		}
	return err_set(err, ERR_SYNTAX,
	    "the comment at octet %zu is not closed", begin + 1);
}

/* Folding was checked by mailbox_list_begin(). */
static int
skip_blanks(struct mailbox_list *l, struct err *err)
{
	int c;

	for (;;) {
		c = peek(l);
		if (c == '(') {
			if (skip_comment(l, err) < 0)
				return -1;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			l->at++;
		else
			return 0;
	}
}

static int
skip_quoted(struct mailbox_list *l, struct err *err)
{
	size_t begin = l->at++;

	for (; l->at < l->text.len; l->at++) {
		if (l->text.p[l->at] == '"') {
			l->at++;
			return 0;
		}
		if (l->text.p[l->at] == '\\' && l->at + 1 < l->text.len)
			l->at++;
	}
	return err_set(err, ERR_SYNTAX,
	    "the quoted string at octet %zu is not closed", begin + 1);
}

static struct span
read_atom(struct mailbox_list *l)
{
	size_t begin = l->at;

	while (is_atext(peek(l)))
		l->at++;
	return span_n(l->text.p + begin, l->at - begin);
}

/* A display name or a local part: which it is, the next octet tells. */
static int
read_words(struct mailbox_list *l, struct words *w, struct err *err)
{
	bool after_word = false;
	struct span atom;
	size_t begin;
	int c;

	*w = (struct words){ 0 };
	for (;;) {
		if (skip_blanks(l, err) < 0)
			return -1;
		c = peek(l);
		if (c == '.' || c == '[' || c == ']') {
			w->has_bracket |= c != '.';
			after_word = false;
			l->at++;
			continue;
		}
		if (c == '"') {
			begin = l->at;
			if (skip_quoted(l, err) < 0)
				return -1;
			w->has_at |= memchr(l->text.p + begin, '@',
			    l->at - begin) != NULL;
		} else if (is_atext(c)) {
			atom = read_atom(l);
			w->is_encoded |= memmem(atom.p, atom.len, "=?",
			    2) != NULL;
		} else
			return 0;
		w->n++;
		w->is_phrase |= after_word;
		after_word = true;
	}
}

/* --- addresses --- */

static int
append(struct mailbox *m, size_t *len, struct span more, struct err *err)
{
	if (more.len > sizeof(m->domain) - 1 - *len)
		return err_set(err, ERR_SYNTAX, "a domain is too long");
	memcpy(m->domain + *len, more.p, more.len);
	*len += more.len;
	m->domain[*len] = '\0';
	return 0;
}

static int
read_literal(struct mailbox_list *l, struct mailbox *m, struct err *err)
{
	size_t begin = l->at++, len = 0;
	int c;

	m->is_literal = true;
	for (;; l->at++) {
		c = peek(l);
		if (c == END || c == '[' || c == '\\')
			return unexpected(l, err);
		if (c == ']')
			break;
	}
	l->at++;
	return append(m, &len, span_n(l->text.p + begin, l->at - begin), err);
}

/* Behind the @. Blanks and comments may stand around dots (4.4). */
static int
read_domain(struct mailbox_list *l, struct mailbox *m, struct err *err)
{
	struct span atom;
	size_t len = 0;

	m->is_literal = false;
	m->domain[0] = '\0';
	for (;;) {
		if (skip_blanks(l, err) < 0)
			return -1;
		if (len == 0 && peek(l) == '[')
			return read_literal(l, m, err);
		atom = read_atom(l);
		if (atom.len == 0)
			return unexpected(l, err);
		if (append(m, &len, atom, err) < 0 || skip_blanks(l, err) < 0)
			return -1;
		if (peek(l) != '.')
			return 0;
		if (append(m, &len, span_z("."), err) < 0)
			return -1;
		l->at++;
	}
}

/* The words read are its local part, and an @ comes. */
static int
read_address(struct mailbox_list *l, const struct words *local,
    struct mailbox *m, struct err *err)
{
	if (local->n == 0 || local->is_phrase || local->has_bracket ||
	    peek(l) != '@')
		return unexpected(l, err);
	if (local->is_encoded)
		return err_set(err, ERR_SYNTAX,
		    "an address has an encoded word for a local part");
	l->at++;
	return read_domain(l, m, err);
}

/* <@a.example,@b.example:user@c.example>: what comes before the colon says
 * nothing of the author (RFC 5322 4.4). */
static int
skip_route(struct mailbox_list *l, struct mailbox *scratch, struct err *err)
{
	for (;;) {
		if (skip_blanks(l, err) < 0)
			return -1;
		switch (peek(l)) {
		case ',':
			l->at++;
			break;
		case '@':
			l->at++;
			if (read_domain(l, scratch, err) < 0)
				return -1;
			if (peek(l) == '@')
				return unexpected(l, err);
			break;
		case ':':
			l->at++;
			return 0;
		default:
			return unexpected(l, err);
		}
	}
}

static int
read_angle(struct mailbox_list *l, struct mailbox *m, struct err *err)
{
	struct words local;

	l->at++;
	if (skip_blanks(l, err) < 0)
		return -1;
	if ((peek(l) == '@' || peek(l) == ',') && skip_route(l, m, err) < 0)
		return -1;
	if (read_words(l, &local, err) < 0 ||
	    read_address(l, &local, m, err) < 0)
		return -1;
	if (peek(l) != '>')
		return unexpected(l, err);
	l->at++;
	return 0;
}

static bool
is_member_end(int c)
{
	return c == END || c == ',' || c == ';';
}

/* An address without < >, or with another one and perhaps more words for a
 * display name. */
static int
read_bare(struct mailbox_list *l, const struct words *words,
    struct mailbox *m, struct err *err)
{
	struct mailbox name;
	struct words more;

	if (read_address(l, words, m, err) < 0)
		return -1;
	if (is_member_end(peek(l)))
		return 0;
	name = *m;
	if (read_words(l, &more, err) < 0)
		return -1;
	if (peek(l) != '<')
		return unexpected(l, err);
	if (read_angle(l, m, err) < 0)
		return -1;
	if (strcasecmp(name.domain, m->domain) != 0)
		return err_set(err, ERR_SYNTAX,
		    "an address stands before another one");
	return 0;
}

static int
nameless(struct err *err)
{
	return err_set(err, ERR_SYNTAX, "a name without an address");
}

/* "Doe, John <j@x.example>": the first half of a name. No reader makes an
 * address of that, unless one is hidden in it. */
static int
begin_name(struct mailbox_list *l, const struct words *name, struct err *err)
{
	if (name->is_encoded || name->has_at)
		return nameless(err);
	l->in_name = true;
	return 0;
}

/* 1: a mailbox; 0: a name alone, that of a group or the first half of one. */
static int
read_member(struct mailbox_list *l, struct mailbox *m, struct err *err)
{
	struct words words;
	int r, c;

	if (read_words(l, &words, err) < 0)
		return -1;
	c = peek(l);
	if (c == ':' && !l->in_group && words.n > 0) {
		l->at++;
		l->in_group = true;
		return 0;
	}
	if (is_member_end(c))
		return begin_name(l, &words, err);
	if (l->in_name && c != '<')
		return nameless(err);
	l->in_name = false;
	r = c == '<' ? read_angle(l, m, err) : read_bare(l, &words, m, err);
	if (r < 0 || skip_blanks(l, err) < 0)
		return -1;
	c = peek(l);
	if (c != END && c != ',' && !(c == ';' && l->in_group))
		return unexpected(l, err);
	return 1;
}

static int
end_group(struct mailbox_list *l, struct err *err)
{
	if (l->in_name)
		return nameless(err);
	if (!l->in_group)
		return unexpected(l, err);
	l->in_group = false;
	l->at++;
	if (skip_blanks(l, err) < 0)
		return -1;
	return peek(l) == END || peek(l) == ',' ? 0 : unexpected(l, err);
}

int
mailbox_next(struct mailbox_list *l, struct mailbox *m, struct err *err)
{
	int r = 0;

	do {
		if (skip_blanks(l, err) < 0)
			return -1;
		if (peek(l) == END)
			return l->in_name ? nameless(err) : 0;
		if (peek(l) == ',')	/* an empty member (4.4) too */
			l->at++;
		else if (peek(l) == ';')
			r = end_group(l, err);
		else
			r = read_member(l, m, err);
	} while (r == 0);
	return r;
}

int
mailbox_list_begin(struct span value, struct mailbox_list *l, struct err *err)
{
	unsigned char c;
	size_t i;

	*l = (struct mailbox_list){ .text = value };
	if (value.len >= 2 && memcmp(value.p + value.len - 2, "\r\n", 2) == 0)
		l->text.len -= 2;
	for (i = 0; i < l->text.len; i++) {
		c = (unsigned char)l->text.p[i];
		if (c == '\r' && i + 2 < l->text.len &&
		    l->text.p[i + 1] == '\n' &&
		    (l->text.p[i + 2] == ' ' || l->text.p[i + 2] == '\t'))
			i += 2;
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			return err_set(err, ERR_SYNTAX,
			    "octet 0x%02x at octet %zu", c, i + 1);
	}
	return 0;
}
