#ifndef POLICY_TEMPLATE_H
#define POLICY_TEMPLATE_H
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
#include "policy/rule.h"
#include "policy/value.h"
/*
 * template -- the text of a rule, with what facts say put in
 *
 * template_render() makes one line of printable UTF-8, whatever the facts
 * hold: none adds a line to a reply, a header or a log. Tabs become spaces,
 * other controls and what is no UTF-8 "?"; white space at both ends goes. A
 * fact that does not exist says "none".
 *
 * What is cut ends in "...", between characters. The rule's own words stay:
 * facts share what these leave of `most`, each at most half of the rest, the
 * last one all of it.
 *
 * Where UTF-8 may not stand, the user of the text replaces it: in a reply to
 * a client without SMTPUTF8 (RFC 6531 3.7.4) by utf8_put_printable(), in a
 * header field (RFC 6532) by encoded_word_encode().
 *
 * Memory    the text lives in the arena given
 */
struct span	 template_render(struct arena *a, const struct template *t,
		    const struct value *values,	/* values[i]: of parts[i] */
		    size_t most);
#endif
