#include "gateway/page.h"

const struct page *
page_find(struct span path)
{
	for (size_t i = 0; i < page_nfiles; i++)
		if (span_is(path, page_files[i].path))
			return &page_files[i];
	return NULL;
}
