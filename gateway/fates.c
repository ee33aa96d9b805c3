#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/fates.h"

/*
 * Records are words, for people:
 *
 *	1 w SECONDS ORIGIN OWNER		under way since then
 *	1 d SECONDS ORIGIN CODE ENHANCED TEXT	delivered, with this answer
 *	1 r SECONDS ORIGIN CODE ENHANCED TEXT	refused for good
 *	1 m SECONDS ORIGIN CODE ENHANCED TEXT	a mark
 *
 * ENHANCED is "-" where there is none.
 */
#define TEXT_MAX	300	/* of an answer: it is for a log and a line */
#define KEY_MAX		64
#define ANY_MARK	"fate/r"

struct key {
	char	text[KEY_MAX];
};

static struct span
key_text(const struct key *k)
{
	return span_z(k->text);
}

/* With its length before it, so that no two lists of words are the same. */
static void
add_word(struct digest *d, struct span word)
{
	char length[24];

	snprintf(length, sizeof(length), "%zu:", word.len);
	digest_add(d, span_z(length));
	digest_add(d, word);
}

/* Half of the digest will do: nobody gains by two that are alike. */
static void
end_key(struct digest **d, const char *prefix, struct key *k)
{
	uint8_t octets[DIGEST_SIZE];
	size_t n = (size_t)snprintf(k->text, sizeof(k->text), "%s", prefix);

	digest_end(d, octets);
	for (size_t i = 0; i < DIGEST_SIZE / 2; i++)
		n += (size_t)snprintf(k->text + n, sizeof(k->text) - n,
		    "%02x", octets[i]);
}

static void
fate_key(const struct fate_id *id, struct key *k)
{
	struct digest *d = digest_begin();

	add_word(d, id->sender);
	add_word(d, id->rcpt);
	add_word(d, id->is_quarantined ? SPAN_LIT("q") : SPAN_LIT(""));
	digest_add(d, span_n((const char *)id->print, DIGEST_SIZE));
	end_key(&d, "fate/m/", k);
}

static void
mark_key(const struct mark_id *id, struct key *k)
{
	struct digest *d = digest_begin();
	char size[24];

	add_word(d, id->sender);
	add_word(d, id->rcpt);
	snprintf(size, sizeof(size), "%" PRIu64, id->size);
	digest_add(d, span_z(size));
	end_key(&d, "fate/r/", k);
}

/* --- records --- */

static void
put_head(struct buf *out, char kind, const char *origin)
{
	buf_printf(out, "1 %c %" PRId64 " %s ", kind, clock_wall() / CLOCK_S,
	    origin);
}

static void
put_answer(struct buf *out, const struct reply *r)
{
	size_t len = strlen(r->text);

	buf_printf(out, "%d %s %.*s", r->code,
	    r->enhanced[0] != '\0' ? r->enhanced : "-",
	    (int)(len < TEXT_MAX ? len : TEXT_MAX), r->text);
}

static int
unreadable(struct span record, struct err *err)
{
	return err_set(err, ERR_CONFIG, "\"%.*s\" is no record of a delivery",
	    (int)(record.len < 40 ? record.len : 40), record.p);
}

/* The rest of one: CODE ENHANCED TEXT. */
static int
read_answer(struct arena *a, struct span rest, struct reply **answer)
{
	struct span code = span_until(&rest, ' ');
	struct span enhanced = span_until(&rest, ' ');
	uint64_t number;

	if (span_uint(code, 599, &number) < 0 ||
	    (number / 100 != 2 && number / 100 != 5) || enhanced.len == 0 ||
	    enhanced.len >= sizeof((*answer)->enhanced))
		return -1;
	if (span_eq(enhanced, SPAN_LIT("-")))
		enhanced.len = 0;
	*answer = arena_new(a, struct reply);
	**answer = reply((int)number, arena_copy(a, enhanced), "%.*s",
	    SPAN_ARG(rest));
	return 0;
}

static bool
has_origin(struct span list, struct span one)
{
	while (list.len > 0)
		if (span_eq(span_until(&list, ','), one))
			return true;
	return false;
}

static bool
is_one_origin(struct span ours, struct span theirs)
{
	while (ours.len > 0)
		if (has_origin(theirs, span_until(&ours, ',')))
			return true;
	return false;
}

struct record {
	char		 kind;
	bool		 is_alien;
	struct span	 rest;		/* behind the origin */
};

static int
read_record(struct span text, const char *origin, struct record *r,
    struct err *err)
{
	struct span whole = text, version = span_until(&text, ' ');
	struct span kind = span_until(&text, ' ');
	struct span when = span_until(&text, ' ');
	struct span from = span_until(&text, ' ');
	uint64_t seconds;

	if (!span_eq(version, SPAN_LIT("1")) || kind.len != 1 ||
	    span_uint(when, INT64_MAX, &seconds) < 0 || from.len == 0)
		return unreadable(whole, err);
	r->kind = kind.p[0];
	r->is_alien = !is_one_origin(span_z(origin), from);
	r->rest = text;
	return 0;
}

/* --- deliveries --- */

static int
read_fate(struct arena *a, struct span text, const struct fate_id *id,
    const char *owner, enum fate_state *state, struct reply **answer,
    struct err *err)
{
	struct record r;

	if (read_record(text, id->origin, &r, err) < 0)
		return -1;
	*state = FATE_OPEN;
	if (r.kind == 'w' && owner != NULL && span_eq(r.rest, span_z(owner)))
		*state = FATE_NEW;
	else if (r.kind == 'd' || r.kind == 'r') {
		if (read_answer(a, r.rest, answer) < 0)
			return unreadable(text, err);
		*state = reply_is_ok(*answer) ? FATE_DELIVERED : FATE_REFUSED;
	} else if (r.kind != 'w')
		return unreadable(text, err);
	if (r.is_alien && *state != FATE_NEW)
		*state = FATE_ALIEN;
	return 0;
}

/* A store that takes no changes tells what it holds. */
static MAY_YIELD int
claim_or_get(struct store *s, struct arena *a, const struct key *key,
    struct span record, int64_t lease, struct span *old, struct err *err)
{
	struct err why;

	if (store_claim(s, a, key_text(key), record, lease, old, err) == 0)
		return 0;
	return err->kind == ERR_CONFIG && store_get(s, a, key_text(key), old,
	    &why) == 0 && old->p != NULL ? 0 : -1;
}

MAY_YIELD int
fate_claim(struct store *s, struct arena *a, const struct fate_id *id,
    const char *owner, int64_t lease, enum fate_state *state,
    struct reply **answer, struct err *err)
{
	struct buf record = {0};
	struct span old;
	struct key key;
	int ret;

	*state = FATE_NEW;
	fate_key(id, &key);
	put_head(&record, 'w', id->origin);
	buf_puts(&record, owner);
	ret = claim_or_get(s, a, &key, buf_text(&record), lease, &old, err);
	buf_free(&record);
	if (ret < 0 || old.p == NULL)
		return ret;
	return read_fate(a, old, id, owner, state, answer, err);
}

MAY_YIELD int
fate_renew(struct store *s, struct arena *a, const struct fate_id *id,
    const char *owner, int64_t lease, bool *is_his, struct err *err)
{
	struct buf record = {0};
	struct reply *answer;
	enum fate_state state;
	struct span old;
	struct key key;
	int ret;

	*is_his = true;
	fate_key(id, &key);
	if (store_get(s, a, key_text(&key), &old, err) < 0)
		return -1;
	if (old.p != NULL) {
		if (read_fate(a, old, id, owner, &state, &answer, err) < 0)
			return -1;
		*is_his = state == FATE_NEW;
		if (!*is_his)
			return 0;
	}
	put_head(&record, 'w', id->origin);
	buf_puts(&record, owner);
	ret = store_put(s, key_text(&key), buf_text(&record), lease, err);
	buf_free(&record);
	return ret;
}

MAY_YIELD int
fate_look(struct store *s, struct arena *a, const struct fate_id *id,
    enum fate_state *state, struct reply **answer, struct err *err)
{
	struct span record;
	struct key key;

	*state = FATE_NEW;
	fate_key(id, &key);
	if (store_get(s, a, key_text(&key), &record, err) < 0)
		return -1;
	if (record.p == NULL)
		return 0;
	return read_fate(a, record, id, NULL, state, answer, err);
}

MAY_YIELD int
fate_keep(struct store *s, const struct fate_id *id,
    const struct reply *answer, int64_t life, struct err *err)
{
	struct buf record = {0};
	struct key key;
	int ret;

	fate_key(id, &key);
	put_head(&record, reply_is_ok(answer) ? 'd' : 'r', id->origin);
	put_answer(&record, answer);
	ret = store_put(s, key_text(&key), buf_text(&record), life, err);
	buf_free(&record);
	return ret;
}

MAY_YIELD int
fate_release(struct store *s, const struct fate_id *id, struct err *err)
{
	bool was_there;
	struct key key;

	fate_key(id, &key);
	return store_delete(s, key_text(&key), &was_there, err);
}

/* --- marks --- */

MAY_YIELD int
fate_mark(struct store *s, const struct mark_id *id,
    const struct reply *answer, int64_t life, struct err *err)
{
	struct buf record = {0};
	struct key key;
	int ret;

	mark_key(id, &key);
	put_head(&record, 'm', id->origin);
	put_answer(&record, answer);
	ret = store_put(s, key_text(&key), buf_text(&record), life, err);
	buf_free(&record);
	return ret < 0 ? -1 : store_put(s, SPAN_LIT(ANY_MARK), SPAN_LIT("1"),
	    life, err);
}

MAY_YIELD int
fate_marked(struct store *s, struct arena *a, const struct mark_id *id,
    struct fate_mark *mark, struct err *err)
{
	struct record r;
	struct span text;
	struct key key;

	mark->answer = NULL;
	mark_key(id, &key);
	if (store_get(s, a, key_text(&key), &text, err) < 0)
		return -1;
	if (text.p == NULL)
		return 0;
	if (read_record(text, id->origin, &r, err) < 0)
		return -1;
	mark->is_alien = r.is_alien;
	if (r.kind != 'm' || read_answer(a, r.rest, &mark->answer) < 0)
		return unreadable(text, err);
	return 0;
}

MAY_YIELD int
fate_unmark(struct store *s, const struct mark_id *id, struct err *err)
{
	bool was_there;
	struct key key;

	mark_key(id, &key);
	return store_delete(s, key_text(&key), &was_there, err);
}

MAY_YIELD int
fate_has_marks(struct store *s, struct arena *a, bool *has, struct err *err)
{
	struct span record;

	if (store_get(s, a, SPAN_LIT(ANY_MARK), &record, err) < 0)
		return -1;
	*has = record.p != NULL;
	return 0;
}
