#ifndef TESTS_KIT_HEADER_MODEL_H
#define TESTS_KIT_HEADER_MODEL_H
#include "policy/header_edit.h"
/*
 * header_model -- what header_edit_put() must make, found the plain way
 *
 * A list of fields, in which each edit looks for its own; then the header that
 * came out is compared with it, field by field: what no edit touched octet by
 * octet, the rest by what a reader sees.
 */
/* What is wrong; NULL: nothing. */
const char *header_model_compare(struct arena *a,
	    const struct header_change *c, bool is_changed, struct span out);
void	header_model_print(const struct header_change *c, struct span out);
#endif
