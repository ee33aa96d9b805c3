#ifndef POLICY_FACT_LIST_H
#define POLICY_FACT_LIST_H
#include <stdio.h>
/*
 * fact_list -- the table of facts, printed
 *
 * One line, object or item for each fact, with its name as a rule writes it
 * (dnsbl.NAME, header "Name"), type, words, phase and help.
 */
void	fact_list(FILE *out);		/* for people: aligned columns */
void	fact_list_json(FILE *out);	/* an array of objects */
void	fact_list_manual(FILE *out);	/* the part of forepost-rules(5), mdoc */
#endif
