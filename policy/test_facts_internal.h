#ifndef POLICY_TEST_FACTS_INTERNAL_H
#define POLICY_TEST_FACTS_INTERNAL_H
#include "policy/test_facts.h"
/*
 * test_facts_internal -- what the files of test_facts share
 */
struct given_fact {
	enum fact_id	 id;
	struct span	 argument;
	enum phase	 from;
	struct value	 value;
};

struct given_count {
	struct span	 name;			/* of the rule */
	int64_t		 number;
};

struct given_set {
	const struct set_decl	*set;
	const struct span	*items;		/* NULL: unknown */
	size_t			 n;
};

struct test_facts {
	struct arena		*arena;
	const struct rules	*rules;
	struct given_fact	*list;
	size_t			 n;
	struct given_count	*counts;
	size_t			 ncounts;
	struct given_set	*sets;
	size_t			 nsets;
	enum phase		 phase;		/* facts are asked for in it */
};

/* As given in this phase or last before it; NULL: it was not. */
const struct value *test_given(const struct test_facts *facts,
		    enum fact_id id, struct span argument);
void		 test_list_add(struct arena *a, struct value *list,
		    struct span text);
/* Header fields and authors; false: neither. */
bool		 test_from_message(const struct test_facts *facts,
		    enum fact_id id, struct span argument, struct value *v);
#endif
