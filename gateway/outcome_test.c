#include <stdio.h>
#include <string.h>

#include "gateway/outcome.h"
#include "tests/kit/t.h"

/* Of each letter a reply: o 250, t 450, p 550, c 421 that closes. */
static struct reply
answer(char letter, size_t i)
{
	switch (letter) {
	case 'o':
		return reply(250, "2.0.0", "ok %zu", i);
	case 't':
		return reply(450, "4.2.0", "later %zu", i);
	case 'c':
		return reply_close(421, "4.3.2", "leaving %zu", i);
	default:
		return reply(550, "5.1.1", "no %zu", i);
	}
}

static void
test_replies(void)
{
	static const struct {
		const char	*letters, *one, *last;
		bool		 is_mixed, closes;
	} cases[] = {
		{ "o", "250 2.0.0 ok 0", "250", false, false },
		{ "t", "450 4.2.0 later 0", "451", false, false },
		{ "p", "550 5.1.1 no 0", "451", false, false },
		{ "ooo", "250 2.0.0 ok 0", "250", false, false },
		{ "pp", "550 5.1.1 no 0", "451", false, false },
		{ "top", "451 4.3.0 1 of 3 recipients have the message, please "
		    "try again for the others", "250", true, false },
		{ "op", "451 4.3.0 1 of 2 recipients have the message, please "
		    "try again for the others", "250", true, false },
		{ "pt", "451 4.3.0 0 of 2 recipients have the message, please "
		    "try again for the others", "451", true, false },
		{ "tc", "450 4.2.0 later 0", "451", false, true },
		{ "oc", "451 4.3.0 1 of 2 recipients have the message, please "
		    "try again for the others", "250", true, true },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		size_t n = strlen(cases[k].letters);
		static struct reply answers[4], r;
		struct outcome o = {0};
		char text[200];

		for (size_t i = 0; i < n; i++) {
			answers[i] = answer(cases[k].letters[i], i);
			outcome_add(&o, &answers[i]);
		}
		r = outcome_reply(&o);
		snprintf(text, sizeof(text), "%d %s %.150s", r.code,
		    r.enhanced, r.text);
		T_STR(cases[k].letters, text, cases[k].one);
		T_OK(cases[k].letters,
		    outcome_is_mixed(&o) == cases[k].is_mixed);
		T_OK(cases[k].letters, r.close == cases[k].closes);
		r = outcome_last_word(&o);
		snprintf(text, sizeof(text), "%d", r.code);
		T_STR(cases[k].letters, text, cases[k].last);
		T_OK(cases[k].letters, r.close == cases[k].closes);
	}
}

int
main(void)
{
	test_replies();
	return t_done();
}
