#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * json_write -- a JSON text, put together in a buffer               RFC 8259
 *
 *	struct json_out o = { .to = &line };
 *
 *	json_open(&o, NULL, '{');
 *	json_z(&o, "kind", "mail");
 *	json_open(&o, "sizes", '[');
 *	json_int(&o, NULL, 48211);
 *	json_close(&o, ']');
 *	json_close(&o, '}');
 *
 * It knows where a comma is due and nothing else: who calls opens and closes
 * in pairs, and gives a key within an object and NULL within an array and for
 * the whole.
 *
 * Strings   are valid UTF-8 whatever they are made of. Quote and backslash are
 *           escaped, control characters (DEL and U+0080 to U+009F as well:
 *           terminals obey them) are \u00XX; so a text is one line. All else,
 *           U+2028 too, is as it was. An octet XX that belongs to no valid
 *           UTF-8 is U+FFFD or, with `keeps_octets`, the escape \udcXX, half of
 *           a pair, which stands for nothing else: strict readers refuse it,
 *           and ours gives the octet back.
 *           Keys that stand in the program are plain, and are not looked at.
 * Ready     keys, members of few values and members that come again may be made
 *           ready before: a record has dozens.
 * Numbers   are integers and decimals, never floating point.
 * Memory    none but the buffer's.
 * Tested    json_write_test.c, tests/fuzz/json_write_fuzz.c
 */
struct json_out {
	struct buf	*to;
	bool		 more;		/* a comma is due */
	bool		 keeps_octets;
};

void	json_close(struct json_out *o, char bracket);
/* With any text as the key, JSON_NO_KEY: none. */
void	json_open_n(struct json_out *o, struct span key, char bracket);
void	json_span_n(struct json_out *o, struct span key, struct span text);
void	json_int_n(struct json_out *o, struct span key, int64_t n);
/* n / 10^digits, digits at most 9: 350 with two of them is 3.50. */
void	json_decimal_n(struct json_out *o, struct span key, int64_t n,
	    unsigned digits);
/* A key alone: its value comes next, with JSON_NO_KEY. */
void	json_key_n(struct json_out *o, struct span key);
/* Text that is JSON already. */
void	json_raw_n(struct json_out *o, struct span key, struct span text);
void	json_bool_n(struct json_out *o, struct span key, bool value);
/* null; jansson, which is in the same program, has the name json_null. */
void	json_none_n(struct json_out *o, struct span key);
/* In a text that was written with `keeps_octets`: each \udcXX becomes \ufffd,
 * in its place. */
void	json_forget_octets(char *text, size_t len);

/* --- what was made ready --- */

/* Octets that may be read of it, however short it is: as many are copied, since
 * that takes no longer than to look how many they are. */
#define JSON_READY	48

/* Memory for them, one behind the other: what is used together shall be in few
 * lines of the cache. Begins as { .arena = a }. */
struct json_stock {
	struct arena	*arena;
	char		*at;
	size_t		 left;
};

/* For json_put_key() and json_put_member(), without the comma in front; they
 * live as long as the arena. JSON that is there already: */
struct span json_ready(struct json_stock *s, struct span text);
struct span json_ready_key(struct json_stock *s, struct span key);
/* The value is JSON already. */
struct span json_ready_member(struct json_stock *s, struct span key,
	    struct span value);

static inline void
json_put_ready(struct json_out *o, struct span ready, bool is_whole)
{
	char *p = buf_room(o->to, 1 + ready.len + JSON_READY);

	*p = ',';
	p += o->more;
	memcpy(p, ready.p, JSON_READY);
	if (ready.len > JSON_READY)
		memcpy(p + JSON_READY, ready.p + JSON_READY,
		    ready.len - JSON_READY);
	buf_end(o->to, p + ready.len);
	o->more = is_whole;
}

/* As json_key_n(). */
static inline void
json_put_key(struct json_out *o, struct span ready)
{
	json_put_ready(o, ready, false);
}

static inline void
json_put_member(struct json_out *o, struct span ready)
{
	json_put_ready(o, ready, true);
}

/* --- with a key of ours; NULL: none --- */

#define JSON_NO_KEY	((struct span){ NULL, 0 })

static inline struct span
json_key(const char *key)
{
	return key != NULL ? span_z(key) : JSON_NO_KEY;
}

/* One that stands in the program has a length that is known as it is compiled:
 * it is a few instructions. */
#define JSON_IS_FIXED(key) \
	((key) != NULL && __builtin_constant_p(__builtin_strlen(key)))

static inline struct span
json_put_fixed(struct json_out *o, const char *key)
{
	size_t len = __builtin_strlen(key);
	char *p = buf_room(o->to, sizeof(",\"\":") - 1 + len);

	*p = ',';
	p += o->more;
	*p++ = '"';
	memcpy(p, key, len);
	memcpy(p + len, "\":", 2);
	buf_end(o->to, p + len + 2);
	o->more = false;
	return JSON_NO_KEY;
}

/* A key that the json_..._n() below still has to put: none, if it was put. */
#define JSON_PUT_FIXED(o, key) (JSON_IS_FIXED(key) ? \
	json_put_fixed((o), (key)) : json_key(key))

static inline void
json_open(struct json_out *o, const char *key, char bracket)
{
	json_open_n(o, JSON_PUT_FIXED(o, key), bracket);
}

static inline void
json_span(struct json_out *o, const char *key, struct span text)
{
	json_span_n(o, JSON_PUT_FIXED(o, key), text);
}

static inline void
json_z(struct json_out *o, const char *key, const char *text)
{
	json_span_n(o, JSON_PUT_FIXED(o, key), span_z(text));
}

static inline void
json_int(struct json_out *o, const char *key, int64_t n)
{
	json_int_n(o, JSON_PUT_FIXED(o, key), n);
}

static inline void
json_decimal(struct json_out *o, const char *key, int64_t n, unsigned digits)
{
	json_decimal_n(o, JSON_PUT_FIXED(o, key), n, digits);
}

static inline void
json_bool(struct json_out *o, const char *key, bool value)
{
	json_bool_n(o, JSON_PUT_FIXED(o, key), value);
}

static inline void
json_none(struct json_out *o, const char *key)
{
	json_none_n(o, JSON_PUT_FIXED(o, key));
}

static inline void
json_raw(struct json_out *o, const char *key, struct span text)
{
	json_raw_n(o, JSON_PUT_FIXED(o, key), text);
}
#endif
