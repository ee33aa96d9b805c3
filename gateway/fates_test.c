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
	    quarantined };
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
	else if (state == FATE_DELIVERED)
		snprintf(text, sizeof(text), "%d %s %.300s", answer->code,
		    answer->enhanced, answer->text);
	else
		snprintf(text, sizeof(text), "%s", state == FATE_NEW ?
		    "new" : "open");
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

/* --- what is told at RCPT --- */

static const char *
tell(const char *sender, const char *rcpt, uint64_t size)
{
	struct refusal_id id = { span_z(sender), span_z(rcpt), size };
	struct reply *answer;
	struct err err;
	int ret = fate_tell(store, arena, &id, &answer, &err);

	if (ret == 0 && answer == NULL)
		return "nothing";
	return told(ret, FATE_DELIVERED, answer, &err);
}

static bool
has_refusals(void)
{
	struct err err;
	bool has;

	return fate_has_refusals(store, arena, &has, &err) == 0 && has;
}

static void
test_refusals(void)
{
	struct refusal_id id = { SPAN_LIT("a@x"), SPAN_LIT("b@y"), 1000 };
	struct reply full = reply(552, "5.2.2", "full");
	struct err err;

	fake_store_clear();
	T_OK("there is none", !has_refusals());
	T_STR("nothing to tell", tell("a@x", "b@y", 1000), "nothing");
	T_INT("one", fate_refuse(store, &id, &full, LIFE, &err), 0);
	T_OK("there is one", has_refusals());
	T_STR("another sender", tell("c@x", "b@y", 1000), "nothing");
	T_STR("another recipient", tell("a@x", "c@y", 1000), "nothing");
	T_STR("another size", tell("a@x", "b@y", 1001), "nothing");
	T_STR("no size", tell("a@x", "b@y", 0), "nothing");
	T_STR("it is told", tell("a@x", "b@y", 1000), "552 5.2.2 full");
	T_STR("once", tell("a@x", "b@y", 1000), "nothing");
	fate_refuse(store, &id, &full, LIFE, &err);
	fake_clock_advance(LIFE + CLOCK_S);
	T_STR("it ends", tell("a@x", "b@y", 1000), "nothing");
	T_OK("there is none again", !has_refusals());
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
		{ "1 d 100 250 2.0.0 kept", "250 2.0.0 kept" },
		{ "1 d 100 250 - kept", "250  kept" },
		{ "1 d 100 250 2.0.0 ", "250 2.0.0 " },
		{ "1 w 100 s.1", "open" },
		{ "1 w 100 ", "open" },
		{ "", NULL }, { "1", NULL }, { "2 d 100 250 2.0.0 kept", NULL },
		{ "1 x 100 250 2.0.0 kept", NULL },
		{ "1 d x 250 2.0.0 kept", NULL },
		{ "1 d 100 550 5.0.0 no", NULL },
		{ "1 d 100 99 2.0.0 kept", NULL },
		{ "1 d 100 250  kept", NULL },
		{ "1 d 100 250 2.123.12345 kept", "250 2.123.12345 kept" },
		{ "1 d 100 250 2.123.123456 kept", NULL },
		{ "1 r 100 550 5.0.0 no", NULL },
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
	struct refusal_id refusal = { SPAN_LIT("a@x"), SPAN_LIT("b@y"), 0 };
	struct reply r = reply(250, "2.0.0", "kept"), *answer;
	struct err err;
	bool has;

	fake_store_clear();
	fake_store_fail(1, 100, ERR_UNAVAIL);
	T_OK("claim", strstr(claim(&id, "s.1"), "the store fails") != NULL);
	T_OK("look", strstr(look(&id), "the store fails") != NULL);
	T_INT("keep", fate_keep(store, &id, &r, LIFE, &err), -1);
	T_INT("release", fate_release(store, &id, &err), -1);
	T_INT("refuse", fate_refuse(store, &refusal, &r, LIFE, &err), -1);
	T_INT("tell", fate_tell(store, arena, &refusal, &answer, &err), -1);
	T_INT("has refusals", fate_has_refusals(store, arena, &has, &err), -1);
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
	test_which_mail();
	test_refusals();
	test_records();
	test_failures();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
