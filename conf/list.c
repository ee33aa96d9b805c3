#include <string.h>

#include "conf/list.h"

void *
list_room(struct arena *a, void *list, size_t n, size_t size)
{
	void *larger;

	if (n > 0 && (n & (n - 1)) != 0)
		return list;
	larger = arena_alloc(a, (n == 0 ? 1 : n * 2) * size);
	if (n > 0)
		memcpy(larger, list, n * size);
	return larger;
}
