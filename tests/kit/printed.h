#ifndef TESTS_KIT_PRINTED_H
#define TESTS_KIT_PRINTED_H
#include <stdio.h>
/*
 * printed -- what a function prints, and what is in it
 */
char	*printed(void (*print)(FILE *out));	/* for free() */
int	 printed_count(const char *text, const char *what);
#endif
