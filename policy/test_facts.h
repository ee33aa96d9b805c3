#ifndef POLICY_TEST_FACTS_H
#define POLICY_TEST_FACTS_H
#include <stdbool.h>
#include "base/arena.h"
#include "policy/phase.h"
#include "policy/rule.h"
#include "policy/rule_eval.h"
/*
 * test_facts -- the facts of a rule test: some given, the rest follow
 *
 * A fact that is not given follows from those that are, where the gateway
 * would find it out from them:
 *
 *	client.ip		client.network
 *	client.name		client.reverse (ok; none), and it from that
 *	sender, rcpt		their .local and .domain; sender.is-null
 *	dnsbl.NAME		dnsbl.score, names and tags, as the list's
 *				declaration says
 *	header, headers		each other and header-count
 *	header "From"		from.domain and from.count, and it from them
 *	greylist		greylist.left: 5m of what is new or early
 *
 * and is neutral else: none, no, 0, no text, an empty list, the word none.
 * Neutral is what speaks against no mail, so some are different:
 * helo.resolves, helo.matches-client and sender.domain-accepts-mail are yes,
 * client.reverse is ok, helo.kind is ehlo, rcpt.count is 1, and the mail is
 * an ordinary one: from mail.example.com, of alice@example.com to
 * bob@example.org; test_facts_message.c has its From, To, Subject, Date and
 * Message-ID.
 *
 * A filter does with the message what it says; none is that it is not asked,
 * and one that failed defers.
 *
 * greylist is exempt, what a limit counts is 0, and a set in Redis is empty.
 *
 * A fact that grows can be given several times, each from a phase on.
 */
struct test_facts;

struct test_facts *test_facts_create(struct arena *a,
		    const struct rules *rules);
/* false: it was given before, from the same phase on. Values live as long as
 * the facts. */
bool		 test_facts_give(struct test_facts *facts,
		    const struct fact_ref *ref, enum phase from,
		    const struct value *value);
/* What the limit of this name counts; negative: it is not known. false: that
 * was given before. */
bool		 test_facts_count(struct test_facts *facts, struct span name,
		    int64_t number);
/* The members of a set in Redis, octet by octet as they are there; `items`
 * NULL: it does not answer. false: that was given before. */
bool		 test_facts_fill(struct test_facts *facts,
		    const struct set_decl *set, const struct span *items,
		    size_t n);
/* What is asked from now on is asked in this phase. At first: connect. */
void		 test_facts_reach(struct test_facts *facts, enum phase phase);
void		 test_facts_find(const struct test_facts *facts,
		    const struct fact_ref *ref, struct value *value);
/* The same for the next recipient, whose rcpt.count is one more. */
struct test_facts *test_facts_next_rcpt(struct arena *a,
		    const struct test_facts *facts, struct span rcpt);
void		 test_facts_ask(const struct test_facts *facts,
		    const struct set_decl *set, const struct value *value,
		    struct set_answer *answer);
void		 test_facts_consult(const struct test_facts *facts,
		    const struct action *action,
		    struct consult_answer *answer);
int64_t		 test_facts_counted(const struct test_facts *facts,
		    const struct rule *rule);
/* For evaluation_begin(); never waits. */
struct fact_source test_facts_source(struct test_facts *facts);
/* The neutral value of a fact. */
void		 test_facts_neutral(const struct fact *fact,
		    struct value *value);
#endif
