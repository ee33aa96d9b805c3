#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/fates.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define LEASE	(60 * CLOCK_S)
#define LIFE	(3600 * CLOCK_S)

static struct arena	*arena;
static struct store	*store;
static const uint8_t	 prints[2][DIGEST_SIZE] = { { 1 }, { 2 } };

static struct fate_id
id_of(unsigned print, const char *sender, const char *rcpt, bool quarantined)
{
	return (struct fate_id){ prints[print], span_z(sender), span_z(rcpt),
	    quarantined, "spf:x.example,net:192.0.2.0/24" };
}

/* "new", "open", "250 2.0.0 kept", or the error. */
static const char *
told(int ret, enum fate_state state, const struct reply *answer,
    const struct err *err)
{
	static char text[400];

	if (ret < 0)
		snprintf(text, sizeof(text), "%d: %.300s", (int)err->kind,
		    err->text);
	else if (state == FATE_DELIVERED || state == FATE_REFUSED)
		snprintf(text, sizeof(text), "%d %s %.300s", answer->code,
		    answer->enhanced, answer->text);
	else
		snprintf(text, sizeof(text), "%s", state == FATE_NEW ?
		    "new" : state == FATE_ALIEN ? "alien" : "open");
	return text;
}

static const char *
claim(const struct fate_id *id, const char *owner)
{
	enum fate_state state;
	struct reply *answer;
	struct err err;
	int ret = fate_claim(store, arena, id, owner, LEASE, &state, &answer,
	    &err);

	return told(ret, state, answer, &err);
}

static const char *
look(const struct fate_id *id)
{
	enum fate_state state;
	struct reply *answer;
	struct err err;
	int ret = fate_look(store, arena, id, &state, &answer, &err);

	return told(ret, state, answer, &err);
}

static void
test_claims(void)
{
	struct fate_id id = id_of(0, "a@x", "b@y", false);
	struct reply kept = reply(250, "2.0.0", "kept\nas 1");
	struct reply plain = reply(251, "", "forwarded");
	struct err err;

	fake_store_clear();
	T_STR("nobody has seen it", look(&id), "new");
	T_STR("it is claimed", claim(&id, "s.1"), "new");
	T_STR("the same mail again", claim(&id, "s.1"), "new");
	T_STR("another session", claim(&id, "s.2"), "open");
	T_STR("who only looks", look(&id), "open");
	T_INT("released", fate_release(store, &id, &err), 0);
	T_STR("another session then", claim(&id, "s.2"), "new");
	fake_clock_advance(LEASE - CLOCK_S);
	T_STR("it lasts", claim(&id, "s.3"), "open");
	fake_clock_advance(2 * CLOCK_S);
	T_STR("but not for ever", claim(&id, "s.3"), "new");
	T_INT("delivered", fate_keep(store, &id, &kept, LIFE, &err), 0);
	T_STR("with its answer", claim(&id, "s.3"), "250 2.0.0 kept\nas 1");
	T_STR("to who looks", look(&id), "250 2.0.0 kept\nas 1");
	T_INT("an answer without a code", fate_keep(store, &id, &plain, LIFE,
	    &err), 0);
	T_STR("is the same", claim(&id, "s.4"), "251  forwarded");
	fake_clock_advance(LIFE + CLOCK_S);
	T_STR("that is forgotten too", look(&id), "new");
}

static void
test_origins(void)
{
	static const struct {
		const char	*origin, *want;
	} cases[] = {
		{ "spf:x.example,net:192.0.2.0/24", "250 2.0.0 kept" },
		{ "net:192.0.2.0/24", "250 2.0.0 kept" },
		{ "name:y,spf:x.example,net:198.51.100.0/24",
		    "250 2.0.0 kept" },
		{ "spf:y.example,net:198.51.100.0/24", "alien" },
		{ "net:192.0.2.0/2", "alien" },
		{ "spf:x.example.org", "alien" },
	};
	struct reply kept = reply(250, "2.0.0", "kept");
	struct fate_id id = id_of(0, "a@x", "b@y", false), other = id;
	struct err err;

	fake_store_clear();
	claim(&id, "s.1");
	other.origin = "net:198.51.100.0/24";
	T_STR("somebody else, meanwhile", claim(&other, "s.2"), "alien");
	fate_keep(store, &id, &kept, LIFE, &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		other.origin = cases[i].origin;
		T_STR(cases[i].origin, claim(&other, "s.3"), cases[i].want);
		T_STR(cases[i].origin, look(&other), cases[i].want);
	}
}

static const char *
renew(const struct fate_id *id, const char *owner)
{
	struct err err;
	bool is_his;

	if (fate_renew(store, arena, id, owner, LEASE, &is_his, &err) < 0)
		return err.kind == ERR_UNAVAIL ? "fails" : "?";
	return is_his ? "his" : "not his";
}

static void
test_renewal(void)
{
	struct fate_id id = id_of(0, "a@x", "b@y", false);
	struct reply kept = reply(250, "2.0.0", "kept");
	struct err err;

	fake_store_clear();
	claim(&id, "s.1");
	fake_clock_advance(LEASE - CLOCK_S);
	T_STR("renewed", renew(&id, "s.1"), "his");
	fake_clock_advance(LEASE - CLOCK_S);
	T_STR("so it lasts", claim(&id, "s.2"), "open");
	T_STR("not by another", renew(&id, "s.2"), "not his");
	fake_clock_advance(2 * CLOCK_S);
	T_STR("it went by", renew(&id, "s.1"), "his");
	fake_clock_advance(LEASE + CLOCK_S);
	claim(&id, "s.2");
	T_STR("and now it is another's", renew(&id, "s.1"), "not his");
	fate_keep(store, &id, &kept, LIFE, &err);
	T_STR("what is delivered stays so", renew(&id, "s.2"), "not his");
	fake_store_fail(1, 1, ERR_UNAVAIL);
	T_STR("failing", renew(&id, "s.2"), "fails");
	fake_store_fail(0, 0, ERR_UNAVAIL);
}

static void
test_full(void)
{
	struct fate_id id = id_of(0, "a@x", "b@y", false);
	struct reply kept = reply(250, "2.0.0", "kept");
	struct err err;

	fake_store_clear();
	fake_store_fail(1, 1, ERR_CONFIG);
	T_OK("nothing is claimed where the store is full",
	    strstr(claim(&id, "s.1"), "the store fails") != NULL);
	fate_keep(store, &id, &kept, LIFE, &err);
	fake_store_fail(1, 1, ERR_CONFIG);
	T_STR("what it holds is told", claim(&id, "s.2"), "250 2.0.0 kept");
	fake_store_fail(0, 0, ERR_UNAVAIL);
}

static void
test_which_mail(void)
{
	const struct fate_id ids[] = {
		id_of(0, "a@x", "b@y", false), id_of(1, "a@x", "b@y", false),
		id_of(0, "a@z", "b@y", false), id_of(0, "a@x", "c@y", false),
		id_of(0, "a@x", "b@y", true), id_of(0, "", "b@y", false),
		id_of(0, "a@xb", "@y", false), id_of(0, "a@x1:", "b@y", false),
	};
	char owner[16];

	fake_store_clear();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(owner, sizeof(owner), "s.%zu", i);
		T_STR("each is a mail of its own", claim(&ids[i], owner),
		    "new");
	}
}

/* --- marks, at RCPT --- */

static const char *
marked(const char *sender, const char *rcpt, uint64_t size, const char *origin)
{
	static char text[500];
	struct mark_id id = { span_z(sender), span_z(rcpt), size, origin };
	struct fate_mark mark;
	struct err err;

	if (fate_marked(store, arena, &id, &mark, &err) < 0)
		return told(-1, FATE_NEW, NULL, &err);
	if (mark.answer == NULL)
		return "nothing";
	snprintf(text, sizeof(text), "%s, %s", told(0, FATE_DELIVERED,
	    mark.answer, &err), mark.is_alien ? "elsewhere" : "here");
	return text;
}

static bool
has_marks(void)
{
	struct err err;
	bool has;

	return fate_has_marks(store, arena, &has, &err) == 0 && has;
}

static void
test_marks(void)
{
	struct mark_id id = { SPAN_LIT("a@x"), SPAN_LIT("b@y"), 1000,
	    "net" };
	struct reply full = reply(552, "5.2.2", "full");
	struct reply kept = reply(250, "", "kept");
	struct err err;

	fake_store_clear();
	T_OK("there is none", !has_marks());
	T_STR("nothing", marked("a@x", "b@y", 1000, "net"), "nothing");
	T_INT("one", fate_mark(store, &id, &full, LIFE, &err), 0);
	T_OK("there is one", has_marks());
	T_STR("another sender", marked("c@x", "b@y", 1000, "net"), "nothing");
	T_STR("another recipient", marked("a@x", "c@y", 1000, "net"),
	    "nothing");
	T_STR("another size", marked("a@x", "b@y", 1001, "net"), "nothing");
	T_STR("no size", marked("a@x", "b@y", 0, "net"), "nothing");
	T_STR("it is found", marked("a@x", "b@y", 1000, "net"),
	    "552 5.2.2 full, here");
	T_STR("from elsewhere", marked("a@x", "b@y", 1000, "ten"),
	    "552 5.2.2 full, elsewhere");
	T_INT("removed", fate_unmark(store, &id, &err), 0);
	T_STR("then it is gone", marked("a@x", "b@y", 1000, "net"), "nothing");
	fate_mark(store, &id, &kept, LIFE, &err);
	T_STR("of one who has it", marked("a@x", "b@y", 1000, "net"),
	    "250  kept, here");
	fake_clock_advance(LIFE + CLOCK_S);
	T_STR("it ends", marked("a@x", "b@y", 1000, "net"), "nothing");
	T_OK("there is none again", !has_marks());
}

/* --- records of others --- */

struct found {
	char	key[STORE_KEY_MAX];
	size_t	len;
};

static bool
keep_key(void *arg, struct span key, struct span value, int64_t left)
{
	struct found *f = arg;

	(void)value;
	(void)left;
	memcpy(f->key, key.p, key.len);
	f->len = key.len;
	return false;
}

static void
test_records(void)
{
	static const struct {
		const char	*record, *want;
	} cases[] = {
		{ "1 d 100 net:192.0.2.0/24 250 2.0.0 kept", "250 2.0.0 kept" },
		{ "1 d 100 net:192.0.2.0/24 250 - kept", "250  kept" },
		{ "1 d 100 net:192.0.2.0/24 250 2.0.0 ", "250 2.0.0 " },
		{ "1 w 100 net:192.0.2.0/24 s.1", "open" },
		{ "1 w 100 net:192.0.2.0/24 ", "open" },
		{ "", NULL }, { "1", NULL }, { "2 d 100 net:192.0.2.0/24 250 2.0.0 kept", NULL },
		{ "1 x 100 net:192.0.2.0/24 250 2.0.0 kept", NULL },
		{ "1 d x net:192.0.2.0/24 250 2.0.0 kept", NULL },
		{ "1 r 100 net:192.0.2.0/24 550 5.0.0 no", "550 5.0.0 no" },
		{ "1 d 100 net:192.0.2.0/24 450 4.0.0 later", NULL },
		{ "1 d 100 net:192.0.2.0/24 99 2.0.0 kept", NULL },
		{ "1 d 100 net:192.0.2.0/24 250  kept", NULL },
		{ "1 d 100 net:192.0.2.0/24 250 2.123.12345 kept", "250 2.123.12345 kept" },
		{ "1 d 100 net:192.0.2.0/24 250 2.123.123456 kept", NULL },
		{ "1 m 100 net:192.0.2.0/24 550 5.0.0 no", NULL },
	};
	struct fate_id id = id_of(0, "a@x", "b@y", false);
	struct reply kept = reply(250, "2.0.0", "kept");
	struct found f = {0};
	struct err err;

	fake_store_clear();
	fate_keep(store, &id, &kept, LIFE, &err);
	store_walk(store, SPAN_LIT("fate/m/"), keep_key, &f, &err);
	T_INT("its key is short", f.len, strlen("fate/m/") + DIGEST_SIZE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got;

		fake_store_set(span_n(f.key, f.len), span_z(cases[i].record),
		    LIFE);
		got = claim(&id, "s.9");
		if (cases[i].want != NULL)
			T_STR(cases[i].record, got, cases[i].want);
		else
			T_OK(cases[i].record,
			    strstr(got, "is no record of a delivery") != NULL);
	}
}

static void
test_failures(void)
{
	struct fate_id id = id_of(0, "a@x", "b@y", false);
	struct mark_id mark_id = { SPAN_LIT("a@x"), SPAN_LIT("b@y"), 0,
	    "net" };
	struct reply r = reply(250, "2.0.0", "kept");
	struct fate_mark mark;
	struct err err;
	bool has;

	fake_store_clear();
	fake_store_fail(1, 100, ERR_UNAVAIL);
	T_OK("claim", strstr(claim(&id, "s.1"), "the store fails") != NULL);
	T_OK("look", strstr(look(&id), "the store fails") != NULL);
	T_INT("keep", fate_keep(store, &id, &r, LIFE, &err), -1);
	T_INT("release", fate_release(store, &id, &err), -1);
	T_INT("mark", fate_mark(store, &mark_id, &r, LIFE, &err), -1);
	T_INT("marked", fate_marked(store, arena, &mark_id, &mark,
	    &err), -1);
	T_INT("unmark", fate_unmark(store, &mark_id, &err), -1);
	T_INT("has marks", fate_has_marks(store, arena, &has, &err), -1);
	fake_store_fail(0, 0, ERR_UNAVAIL);
}

int
main(void)
{
	struct store_options options = { .kind = STORE_LMDB, .path = "x" };
	struct err err;

	arena = arena_create("test");
	store = store_open(arena, &options, &err);
	test_claims();
	test_origins();
	test_renewal();
	test_full();
	test_which_mail();
	test_marks();
	test_records();
	test_failures();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
