#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "conf/listing.h"

/*
 * One reply line of a DNS list, in words. What is taken is printed so that it
 * is read again as the same, and never counts an answer that is an error.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS	8

static int
parse(struct arena *a, struct span line, struct listing_pattern *p,
    struct err *err)
{
	struct span words[WORDS];
	const char *hint;
	size_t n = 0;

	for (line = span_trim(line); line.len > 0 && n < WORDS; n++)
		words[n] = span_word(&line);
	return listing_parse(a, words, n, p, &hint, err);
}

static void
check_answers(struct listing_pattern *p, const uint8_t *data, size_t size)
{
	struct dnsbl_list list = { .patterns = p, .npatterns = 1 };
	struct listing_address address = { { 127, 0, 0, 0 } };
	enum listing_verdict verdict;
	uint64_t matched;

	for (size_t at = 0; at + 4 <= size; at += 4) {
		memcpy(address.octet, data + at, 4);
		verdict = listing_judge(&list, &address, 1, &matched);
		if (listing_is_error(address))
			assert(verdict == LISTING_REFUSED && matched == 0);
		else
			assert((matched == 1) == (verdict == LISTING_LISTED));
		assert(verdict != LISTING_LISTED ||
		    listing_matches(p, address));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct listing_pattern p, again;
	struct buf out = {0};
	struct err err;

	if (parse(a, span_n(data, size), &p, &err) < 0) {
		assert(err.kind == ERR_CONFIG && err.text[0] != '\0');
	} else {
		listing_put(&out, &p);
		assert(parse(a, buf_text(&out), &again, &err) == 0);
		assert(memcmp(p.octets, again.octets, sizeof(p.octets)) == 0);
		assert(p.meaning == again.meaning && p.score == again.score);
		assert((p.tag == NULL) == (again.tag == NULL));
		assert(p.tag == NULL || strcmp(p.tag, again.tag) == 0);
		check_answers(&p, data, size);
		buf_free(&out);
	}
	arena_destroy(&a);
	return 0;
}
