#ifndef FILTERS_SPF_RUN_H
#define FILTERS_SPF_RUN_H
#include <stdbool.h>
#include "base/dns.h"
#include "filters/spf.h"
#include "filters/spf_macro.h"
#include "filters/spf_record.h"
/*
 * spf_run -- one evaluation: what it knows, asks and has used up
 *                                                     RFC 7208 4.6.4, 5.5
 * Shared by both engines (spf_eval.c with spf_ahead.c, spf_libspf2.c with
 * spf_libspf2_text.c) and by nobody else.
 *
 * A step of an evaluation is a miss or a hit, or it ends all: with temperror
 * or permerror, why is then in answer->problem, or because this fiber must
 * stop (run->err).
 */
enum spf_step { SPF_STEP_MISS, SPF_STEP_HIT, SPF_STEP_TEMP, SPF_STEP_PERM,
    SPF_STEP_STOP };

struct spf_run {
	struct arena		*arena;
	const struct spf_options *options;
	const struct addr	*client;	/* has an IP address */
	const char		*helo;		/* "": none */
	enum dns_type		 ip_type;	/* DNS_A or DNS_AAAA */
	struct spf_macro_values	 values;
	bool			 local_is_ascii;
	int64_t			 deadline;
	unsigned		 ahead;		/* lookups begun ahead */
	struct spf_answer	*answer;
	struct err		*err;

	/* Where it is, for answer->problem. */
	struct span		 domain;	/* whose record */
	struct span		 term;		/* as written; "": the record */
	bool			 term_is_void;

	/* The confirmed reverse names, once somebody wants them. */
	bool			 has_names;
	bool			 is_nameless;	/* DNS said so */
	const char		*names[SPF_LIMIT_NAMES];
	size_t			 nnames;
};

/* Fills in answer->problem, unless it is: "x.example: a:y.example: ..." */
void		 spf_problem(struct spf_run *run, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/* HIT: DNS has answered, perhaps that there is nothing. TEMP. STOP. */
MAY_YIELD enum spf_step spf_ask(struct spf_run *run, const char *name,
		    enum dns_type type, struct dns_answer *answer);
/* These two count. HIT: go on. PERM: there are too many. */
enum spf_step	 spf_count_term(struct spf_run *run);
enum spf_step	 spf_count_void(struct spf_run *run);
/* Fills in names. HIT: they are there, perhaps none. TEMP: no time is left.
 * Any other failure of DNS leaves names out. */
MAY_YIELD enum spf_step spf_find_names(struct spf_run *run);
/* What %{p} is for the domain: one of the names, or "unknown". */
struct span	 spf_best_name(const struct spf_run *run, struct span domain);
bool		 spf_is_below(struct span name, struct span domain);
bool		 spf_has_client(const struct spf_run *run,
		    const struct dns_answer *answer, unsigned bits);
bool		 spf_same_network(const struct spf_run *run, const void *ip,
		    unsigned bits);

/* HIT: the name that a domain-spec, or a term, stands for. MISS: none that
 * could be asked for. */
MAY_YIELD enum spf_step spf_expand_name(struct spf_run *run, struct span spec,
		    char out[SPF_NAME_SIZE]);
MAY_YIELD enum spf_step spf_target_name(struct spf_run *run,
		    const struct spf_term *term, char out[SPF_NAME_SIZE]);
/* Does it match without any lookup? */
bool		 spf_matches_at_once(const struct spf_run *run,
		    const struct spf_term *term);
/* Never waits: a term that needs the client's names is left out. */
void		 spf_look_ahead(struct spf_run *run,
		    const struct spf_record *record);
/* What libspf2 gets to read in the place of this text; NULL: nothing. */
const char	*spf_libspf2_text(struct spf_run *run, struct span text);

/* The engines. `domain` may be looked up. -1: ERR_CLOSED. */
MAY_YIELD int	 spf_evaluate(struct spf_run *run, const char *domain);
MAY_YIELD int	 spf_libspf2_evaluate(struct spf_run *run);
/* An explanation made printable and put into the answer. */
void		 spf_explain(struct spf_run *run, char *text);
#endif
