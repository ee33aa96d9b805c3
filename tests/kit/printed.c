#include <string.h>

#include "tests/kit/printed.h"

char *
printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	print(f);
	fclose(f);
	return text;
}

int
printed_count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}
