#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/milter_word.h"

#define WORD_MAX	500

static int
edit_header(SMFICTX *c, const char *kind, int index, char *field)
{
	char *value = strchr(field, ':');

	if (value == NULL)
		return MI_FAILURE;
	*value++ = '\0';
	if (strcmp(kind, "add_header") == 0)
		return smfi_addheader(c, field, value);
	if (strcmp(kind, "insert_header") == 0)
		return smfi_insheader(c, index, field, value);
	return smfi_chgheader(c, field, index, *value == '\0' ? NULL : value);
}

static int
edit_address(SMFICTX *c, const char *kind, char *address)
{
	char *args = strchr(address, ' ');

	if (args != NULL)
		*args++ = '\0';
	if (strcmp(kind, "sender") == 0)
		return smfi_chgfrom(c, address, args);
	return args == NULL ? smfi_addrcpt(c, address) :
	    smfi_addrcpt_par(c, address, args);
}

static int
replace_by_lines(SMFICTX *c, size_t len)
{
	static const char line[] = "012345678901234567890123456789"
	    "01234567890123456789012345678901\r\n";
	size_t n = (len + 63) / 64 * 64;
	char *body = malloc(n);
	int done;

	if (body == NULL)
		abort();
	for (size_t at = 0; at < n; at += 64)
		memcpy(body + at, line, 64);
	done = smfi_replacebody(c, (unsigned char *)body, (int)len);
	free(body);
	return done;
}

/* MI_SUCCESS too for a word that is no edit. */
static int
edit(SMFICTX *c, const char *kind, int index, char *value)
{
	if (strstr(kind, "_header") != NULL)
		return edit_header(c, kind, index, value);
	if (strcmp(kind, "sender") == 0 || strcmp(kind, "add_rcpt") == 0)
		return edit_address(c, kind, value);
	if (strcmp(kind, "delete_rcpt") == 0)
		return smfi_delrcpt(c, value);
	if (strcmp(kind, "quarantine") == 0)
		return smfi_quarantine(c, value);
	if (strcmp(kind, "new_body") == 0)
		return smfi_replacebody(c, (unsigned char *)value,
		    (int)strlen(value));
	if (strcmp(kind, "long_body") == 0)
		return replace_by_lines(c, strtoul(value, NULL, 10));
	return MI_SUCCESS;
}

bool
milter_word_edit(SMFICTX *c, const char *word)
{
	char copy[WORD_MAX], *value, *index;

	snprintf(copy, sizeof(copy), "%s", word);
	value = strchr(copy, '=');
	if (value == NULL)
		return true;
	*value++ = '\0';
	index = strchr(copy, ':');
	if (index != NULL)
		*index++ = '\0';
	return edit(c, copy, index != NULL ? atoi(index) : 0, value) ==
	    MI_SUCCESS;
}
