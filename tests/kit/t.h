#ifndef TESTS_KIT_T_H
#define TESTS_KIT_T_H
#include <stdbool.h>
#include <stdint.h>
/*
 * t -- the unit test kit: named cases, got and want, one closing line
 *
 * Each T_ macro is one case. A failed one prints name, place, got and want,
 * and the test goes on. main() ends with `return t_done();`, which prints
 * "N passed, N failed, N skipped" and returns 0 or 1.
 */
#define T_OK(name, cond) \
	t_ok((name), (cond), #cond, __FILE__, __LINE__)
#define T_STR(name, got, want) \
	t_str((name), (got), (want), __FILE__, __LINE__)
#define T_INT(name, got, want) \
	t_int((name), (int64_t)(got), (int64_t)(want), __FILE__, __LINE__)

void	t_ok(const char *name, bool ok, const char *what, const char *file,
	    int line);
void	t_str(const char *name, const char *got, const char *want,
	    const char *file, int line);
void	t_int(const char *name, int64_t got, int64_t want, const char *file,
	    int line);
void	t_skip(const char *name, const char *why);
/* What a process said in its closing line that ran a part of the cases. */
void	t_add(unsigned passed, unsigned failed, unsigned skipped);
int	t_done(void);
/* $FOREPOST_VECTORS, or ../shared/vectors beside the source tree. */
const char *t_vectors(void);
#endif
