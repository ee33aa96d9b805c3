#ifndef TESTS_VECTORS_JUDGE_H
#define TESTS_VECTORS_JUDGE_H
#include <jansson.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
/*
 * judge -- one check, fed with other people's cases
 *
 * A judge program reads one case a line (a JSON object) from its standard
 * input and writes one answer a line. What "zone" holds (base/dns_zone.h) is
 * all the DNS that there is; the rest of the case and the answer are the
 * judge's and its Python driver's. Linked with tests/fake/dns.c.
 *
 * judge_main() runs `decide` once for each case, in a fiber; with the
 * argument --together it runs all cases of the input at once (the zone is
 * then that of the first), which must not change an answer.
 */
typedef MAY_YIELD void judge_fn(struct arena *a, json_t *in, json_t *out);

int		 judge_main(int argc, char **argv, judge_fn *decide);
/* NULL if it is not there or not a string; lives as long as `in`. */
const char	*judge_text(json_t *in, const char *key);
/* Text that may hold any octet: JSON has them as U+0000 to U+00FF. */
struct span	 judge_octets(struct arena *a, json_t *in, const char *key);
void		 judge_say(json_t *out, const char *key, const char *value);
#endif
