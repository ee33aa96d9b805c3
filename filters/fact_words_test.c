#include "base/dns.h"
#include "filters/arc.h"
#include "filters/dmarc.h"
#include "filters/signature.h"
#include "filters/spf.h"
#include "policy/fact.h"
#include "tests/kit/t.h"

/*
 * A filter's result is the index of its word in the table of facts, which
 * knows no filter: both have the same words in the same order.
 */
#define SAME(id, name_of, type, last)					\
	do {								\
		const char *const *words = fact_at(id)->words;		\
		int i;							\
									\
		for (i = 0; i <= (int)(last) && words[i] != NULL; i++)	\
			T_STR(fact_at(id)->name, words[i],		\
			    name_of((type)i));				\
		T_INT(fact_at(id)->name, i, (int)(last) + 1);		\
		T_OK("no more words", words[i] == NULL);		\
	} while (0)

int
main(void)
{
	const char *const *reverse = fact_at(FACT_CLIENT_REVERSE)->words;

	SAME(FACT_SPF, spf_result_name, enum spf_result, SPF_PERMERROR);
	SAME(FACT_SPF_HELO, spf_result_name, enum spf_result, SPF_PERMERROR);
	SAME(FACT_DKIM, signature_result_name, enum signature_result,
	    SIGNATURE_POLICY);
	SAME(FACT_DMARC, dmarc_result_name, enum dmarc_result,
	    DMARC_PERMERROR);
	SAME(FACT_DMARC_POLICY, dmarc_policy_name, enum dmarc_policy,
	    DMARC_POLICY_REJECT);
	SAME(FACT_ARC, arc_outcome_name, enum arc_outcome, ARC_TEMPERROR);
	T_STR("no name", reverse[DNS_REVERSE_NONE], "none");
	T_STR("one that points back", reverse[DNS_REVERSE_OK], "ok");
	T_STR("one that does not", reverse[DNS_REVERSE_MISMATCH], "mismatch");
	T_STR("no answer", reverse[DNS_REVERSE_TEMPERROR], "temperror");
	return t_done();
}
