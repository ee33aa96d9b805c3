#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"
#include "policy/regex.h"

/*
 * Steps of all attempts at one subject, roughly: some 20 ms. One attempt is
 * given its share, but never less than two steps an octet, so that ".*x" can
 * go through any subject.
 */
#define STEPS		4000000
#define ATTEMPT_MAX	200000	/* so many at a short subject */
#define HEAP_KIB	1024	/* of the interpreter, for backtracking */
#define JIT_STACK	(32 * 1024)
#define JIT_STACK_MAX	(256 * 1024)

struct regex {
	pcre2_code	*code;
};

/* What matching needs and keeps nothing in: once for the process. */
static struct {
	pcre2_match_context	*context;
	pcre2_match_data	*data;
} matcher;

static void
matcher_open(void)
{
	pcre2_jit_stack *stack;

	matcher.context = pcre2_match_context_create(NULL);
	matcher.data = pcre2_match_data_create(1, NULL);
	stack = pcre2_jit_stack_create(JIT_STACK, JIT_STACK_MAX, NULL);
	if (matcher.context == NULL || matcher.data == NULL)
		mem_exhausted(0, "regular expressions");
	/* Without one it would be 32 KiB of the fiber's stack. */
	if (stack != NULL)
		pcre2_jit_stack_assign(matcher.context, NULL, stack);
	pcre2_set_heap_limit(matcher.context, HEAP_KIB);
}

static void
free_code(void *code)
{
	pcre2_code_free(code);
}

struct regex *
regex_compile(struct arena *a, struct span pattern, struct span flags,
    size_t *offset, struct err *err)
{
	uint32_t options = PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR text[128];
	struct regex *re;
	PCRE2_SIZE at;
	int code;

	*offset = 0;
	if (pattern.len > REGEX_PATTERN_MAX) {
		err_set(err, ERR_CONFIG, "it is longer than %d octets",
		    REGEX_PATTERN_MAX);
		return NULL;
	}
	if (span_is(flags, "i"))
		options |= PCRE2_CASELESS;
	else if (flags.len > 0) {
		*offset = pattern.len + 1;
		err_set(err, ERR_CONFIG, "unknown flag \"%.*s\": only i is "
		    "known", flags.len > 20 ? 20 : (int)flags.len, flags.p);
		return NULL;
	}
	re = arena_new(a, struct regex);
	re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.len, options,
	    &code, &at, NULL);
	if (re->code == NULL) {
		pcre2_get_error_message(code, text, sizeof(text));
		*offset = at;
		err_set(err, ERR_CONFIG, "%s", (const char *)text);
		return NULL;
	}
	arena_defer(a, free_code, re->code);
	/* Where the system forbids it, the interpreter does it. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return re;
}

int
regex_match(const struct regex *re, struct span subject)
{
	size_t len = subject.len < REGEX_SUBJECT_MAX ? subject.len :
	    REGEX_SUBJECT_MAX;
	size_t steps = STEPS / (len + 1);
	int rc;

	if (matcher.context == NULL)
		matcher_open();
	if (steps < 2 * len)
		steps = 2 * len;
	if (steps > ATTEMPT_MAX)
		steps = ATTEMPT_MAX;
	pcre2_set_match_limit(matcher.context, (uint32_t)steps);
	pcre2_set_depth_limit(matcher.context, (uint32_t)steps);
	rc = pcre2_match(re->code, (PCRE2_SPTR)(len > 0 ? subject.p : ""), len,
	    0, 0, matcher.data, matcher.context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return rc >= 0 ? 1 : -1;
}
