#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "gateway/secret.h"
#include "gateway/veil_internal.h"

#define HASH_OCTETS	8	/* as shown: nobody has 2^32 addresses */

struct veil {
	EVP_MAC_CTX	*mac;		/* with the key: one without costs five
					   times as much */
	bool		hides[5];	/* by enum veil_what */
	unsigned	*left;		/* of VEIL_ADDRESSES */
	struct veil_known *known;	/* of this record */
};

/* --- the key --- */

int
veil_key(struct arena *a, const struct settings *s, struct span random,
    struct span *key, struct err *err)
{
	const char *secret;

	*key = random;
	if (s->journal_hide.n == 0 || s->journal_key_file == NULL)
		return 0;
	secret = secret_read(a, "key_file", s->journal_key_file, err);
	if (secret == NULL)
		return -1;
	*key = span_z(secret);
	return 0;
}

void
veil_begin(const struct veil *v)
{
	if (v == NULL)
		return;
	*v->left = VEIL_ADDRESSES;
	veil_known_begin(v->known);
}

void
veil_know(const struct veil *v, enum veil_what what, struct span address)
{
	if (veil_hides(v, what) && address.len > 0)
		veil_known_add(v->known, address);
}

static void
free_veil(void *arg)
{
	struct veil *v = arg;

	EVP_MAC_CTX_free(v->mac);
	veil_known_free(v->known);
}

/* NULL: there is no memory, and hashes are empty. */
static EVP_MAC_CTX *
make_mac(struct span key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);

	EVP_MAC_free(hmac);
	if (mac != NULL && EVP_MAC_init(mac, (const unsigned char *)key.p,
	    key.len, params) == 1)
		return mac;
	EVP_MAC_CTX_free(mac);
	return NULL;
}

struct veil *
veil_create(struct arena *a, const struct settings *s, struct span key)
{
	struct veil *v;

	if (s->journal_hide.n == 0)
		return NULL;
	v = arena_new(a, struct veil);
	v->mac = make_mac(key);
	v->left = arena_new(a, unsigned);
	v->known = arena_new(a, struct veil_known);
	arena_defer(a, free_veil, v);
	veil_begin(v);
	for (size_t i = 0; i < s->journal_hide.n; i++) {
		struct span word = span_z(s->journal_hide.list[i]);

		v->hides[VEIL_SENDER] |= span_is(word, "senders");
		v->hides[VEIL_RCPT] |= span_is(word, "recipients");
		v->hides[VEIL_SUBJECT] |= span_is(word, "subject");
	}
	v->hides[VEIL_TEXT] = v->hides[VEIL_SENDER] || v->hides[VEIL_RCPT];
	v->hides[VEIL_FOREIGN] = v->hides[VEIL_TEXT];
	return v;
}

static enum veil_what
tells(struct span name)
{
	static const char *const senders[] = { "From", "Sender", "Reply-To",
	    "Return-Path", "Resent-From", "Resent-Sender", "Resent-Reply-To",
	    "X-Sender", "X-Original-From", "X-Google-Original-From",
	    "Envelope-From", "X-Envelope-From", "Errors-To",
	    "Return-Receipt-To", "Disposition-Notification-To" };
	static const char *const rcpts[] = { "To", "Cc", "Bcc", "Delivered-To",
	    "Resent-To", "Resent-Cc", "Resent-Bcc", "X-Original-To",
	    "Envelope-To", "X-Envelope-To", "X-Delivered-To", "X-Rcpt-To",
	    "X-Forwarded-To", "X-Forwarded-For", "Apparently-To",
	    "Mail-Followup-To", "Original-Recipient", "Final-Recipient",
	    "X-Failed-Recipients" };

	for (size_t i = 0; i < sizeof(senders) / sizeof(*senders); i++)
		if (span_is_nocase(name, senders[i]))
			return VEIL_SENDER;
	for (size_t i = 0; i < sizeof(rcpts) / sizeof(*rcpts); i++)
		if (span_is_nocase(name, rcpts[i]))
			return VEIL_RCPT;
	return span_is_nocase(name, "Subject") ||
	    span_is_nocase(name, "Thread-Topic") ? VEIL_SUBJECT : VEIL_TEXT;
}

bool
veil_hides(const struct veil *v, enum veil_what what)
{
	return v != NULL && v->hides[what];
}

enum veil_what
veil_of_header(const struct veil *v, struct span name)
{
	enum veil_what what = tells(name);

	return what != VEIL_TEXT && veil_hides(v, what) ? what : VEIL_FOREIGN;
}

/* --- hashes --- */

void
veil_hash(const struct veil *v, struct span text, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	struct buf folded = {0};
	size_t len = 0;

	buf_span(&folded, text);
	for (size_t i = 0; i < folded.len; i++)
		if (folded.p[i] >= 'A' && folded.p[i] <= 'Z')
			folded.p[i] = (char)(folded.p[i] + ('a' - 'A'));
	buf_reserve(&folded, 1);
	if (v->mac == NULL || EVP_MAC_init(v->mac, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(v->mac, (const unsigned char *)folded.p,
	    folded.len) != 1 ||
	    EVP_MAC_final(v->mac, md, &len, sizeof(md)) != 1)
		len = 0;
	buf_free(&folded);
	for (size_t i = 0; i < HASH_OCTETS && i < len; i++) {
		buf_put(out, &digits[md[i] >> 4], 1);
		buf_put(out, &digits[md[i] & 15], 1);
	}
}

/* Behind the last @ of an address alone. */
static struct span
domain_of(struct span text)
{
	const char *at = text.len > 0 ? memrchr(text.p, '@', text.len) : NULL;

	return at == NULL ? SPAN_LIT("") :
	    span_n(at + 1, (size_t)(text.p + text.len - at - 1));
}

/* A header field may name several, and has no one domain. */
static bool
is_domain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr(" \t<>,;\"()", s.p[i]) != NULL)
			return false;
	return s.len > 0;
}

static void
put_whole(const struct veil *v, struct json_out *o, struct span key,
    enum veil_what what, struct span text)
{
	struct span domain = domain_of(text);
	struct buf hash = {0};

	veil_hash(v, text, &hash);
	json_open_n(o, key, '{');
	json_span(o, "hash", buf_text(&hash));
	if (what != VEIL_SUBJECT && is_domain(domain))
		json_span(o, "domain", domain);
	json_close(o, '}');
	buf_free(&hash);
}

/* --- addresses within a text --- */

/* RFC 5321 4.1.2 atext and dots, and all that is not ASCII. */
static bool
is_local(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') ||
	    (u >= 'A' && u <= 'Z') ||
	    (u != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* Where the local part begins that ends before the @ at `at`. */
static size_t
local_begins(struct span text, size_t from, size_t at)
{
	size_t i = at;

	if (i > from && text.p[i - 1] == '"') {
		for (i--; i > from && (text.p[i - 1] != '"' ||
		    (i > from + 1 && text.p[i - 2] == '\\')); i--)
			;
		return i > from ? i - 1 : from;
	}
	while (i > from && is_local(text.p[i - 1]))
		i--;
	return i;
}

/* Of a host, in any script. */
static bool
is_host(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') ||
	    (u >= 'A' && u <= 'Z') || u == '-' || u == '_' || u == '.';
}

/* No further than a host goes, since somebody may be named behind it, as in
 * "<@x.example:bob@y.example>" and "mailto:a@x.example?cc=bob@y.example". */
static size_t
domain_ends(struct span text, size_t at)
{
	size_t i = at + 1;

	if (i < text.len && text.p[i] == '[') {
		for (i++; i < text.len && (is_host(text.p[i]) ||
		    text.p[i] == ':'); i++)
			;
		i += i < text.len && text.p[i] == ']';
	} else
		while (i < text.len && is_host(text.p[i]))
			i++;
	if (i < text.len && text.p[i] == '@')
		return at + 1;	/* "a@b@c": b is in front of an @ too */
	while (i > at + 1 && text.p[i - 1] == '.')
		i--;		/* the end of a sentence is none of a name */
	return i;
}

static void
hash_within(const struct veil *v, struct span text, struct buf *out)
{
	if (v == NULL || *v->left == 0)
		return;
	--*v->left;
	veil_hash(v, text, out);
}

/* A part of a text in which there is no address. */
static void
put_plain(const struct veil *v, enum veil_what what, struct span text,
    struct buf *out)
{
	const struct veil_name *name;
	size_t done = 0, len;

	for (size_t at = 0; what == VEIL_FOREIGN && at < text.len; at++) {
		name = veil_known_at(v->known, text, at, &len);
		if (name == NULL)
			continue;
		buf_put(out, text.p + done, at - done);
		hash_within(v, name->address, out);
		buf_puts(out, "@");
		done = at + len;
		at = done - 1;
	}
	buf_put(out, text.p + done, text.len - done);
}

/* NULL: no hashes. */
static void
replace(const struct veil *v, enum veil_what what, struct span text,
    struct buf *out)
{
	size_t done = 0, begin, end;

	for (size_t at = 0; at < text.len; at++) {
		if (text.p[at] != '@')
			continue;
		begin = local_begins(text, done, at);
		if (done > 0 && begin == done)	/* what ends a domain stays */
			while (begin < at && !is_host(text.p[begin]))
				begin++;
		end = domain_ends(text, at);
		put_plain(v, what, span_n(text.p + done, begin - done), out);
		hash_within(v, span_n(text.p + begin, end - begin), out);
		buf_put(out, text.p + at, end - at);
		done = end;
		at = end - 1;
	}
	put_plain(v, what, span_n(text.p + done, text.len - done), out);
}

void
veil_mask(struct span text, struct buf *out)
{
	replace(NULL, VEIL_TEXT, text, out);
}

static void
put_within(const struct veil *v, struct json_out *o, struct span key,
    enum veil_what what, struct span text)
{
	struct buf out = {0};

	replace(v, what, text, &out);
	if (what == VEIL_FOREIGN && v->known->work == 0) {
		buf_clear(&out);
		hash_within(v, text, &out);
		buf_puts(&out, "@");
	}
	json_span_n(o, key, buf_text(&out));
	buf_free(&out);
}

/* --- what stands in its place --- */

bool
veil_is_told(const struct veil *v, struct span text)
{
	return veil_hides(v, VEIL_FOREIGN) && (veil_is_address_like(text) ||
	    veil_known_is_in(v->known, text));
}

static bool
is_whole(const struct veil *v, enum veil_what what, struct span text)
{
	if (what == VEIL_TEXT || what == VEIL_FOREIGN)
		return false;
	return v->hides[what] || (what != VEIL_SUBJECT && v->hides[VEIL_TEXT] &&
	    veil_known_is_within(v->known, text));
}

void
veil_put_some(const struct veil *v, struct json_out *o, struct span key,
    enum veil_what what, struct span text)
{
	if (text.len == 0)
		json_span_n(o, key, text);
	else if (is_whole(v, what, text))
		put_whole(v, o, key, what, text);
	else if (v->hides[what] && (memchr(text.p, '@', text.len) != NULL ||
	    (what == VEIL_FOREIGN && v->known->n > 0)))
		put_within(v, o, key, what, text);
	else
		json_span_n(o, key, text);
}
