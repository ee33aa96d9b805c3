#ifndef GATEWAY_SERIES_INTERNAL_H
#define GATEWAY_SERIES_INTERNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/series.h"
/*
 * series_internal -- what series.c and series_names.c share
 *
 * A name is a subject's place in all processes, and never changes. The first
 * is "other". A map says which name each subject of a configuration has.
 */
struct series_name {
	const char	*labels[2];	/* the second "" if there is one */
	bool		 is_current;	/* of this process's configuration */
};

struct series_map {
	struct arena	*arena;
	struct {
		uint32_t	*names;		/* by the subject's index */
		size_t		 n;
	}	 subjects[SERIES_SUBJECTS_COUNT];
	size_t	*first_url;			/* of each backend */
	size_t	 nbackends;
};

#define SERIES_OTHER	"other"

size_t	series_names(enum series_subject of);
const struct series_name *series_name(enum series_subject of, size_t i);
size_t	series_names_most(enum series_subject of);
void	series_mark_current(const struct series_map *map);
#endif
