#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/message_ref.h"

/*
 * A message by DATA and by BDAT, in all modes, in pieces, against the slow and
 * obvious way. The first eight octets say where it is cut, among its first
 * 64; the rest comes in one piece, as most messages do.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum newline_mode mode, bool bdat, struct span wire, uint64_t cuts)
{
	struct message_ref want;
	const char *what;

	message_ref(&want, mode, bdat, wire);
	what = message_ref_differs(&want, mode, bdat, wire, cuts);
	message_ref_free(&want);
	if (what != NULL) {
		fprintf(stderr, "mode %d, %s: %s differ\n", (int)mode,
		    bdat ? "BDAT" : "DATA", what);
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span wire;
	uint64_t cuts;

	if (size < sizeof(cuts))
		return 0;
	memcpy(&cuts, data, sizeof(cuts));
	wire = span_n(data + sizeof(cuts), size - sizeof(cuts));
	check(NEWLINE_STRICT, false, wire, cuts);
	check(NEWLINE_NORMALIZE, false, wire, cuts);
	check(NEWLINE_STRICT, true, wire, cuts);
	check(NEWLINE_NORMALIZE, true, wire, cuts);
	check(NEWLINE_BINARY, true, wire, cuts);
	return 0;
}
