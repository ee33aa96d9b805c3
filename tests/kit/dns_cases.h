#ifndef TESTS_KIT_DNS_CASES_H
#define TESTS_KIT_DNS_CASES_H
#include "base/fiber.h"
/*
 * dns_cases -- what base/dns.h promises, whoever keeps the promise
 *
 * The same cases are run against base/dns.c (with a server behind it) and
 * against tests/fake/dns.c, so that scripts over the fake see what the
 * product would.
 */
extern const char	 dns_cases_zone[];

MAY_YIELD void		 dns_cases_run(void *unused);	/* in a fiber */
#endif
