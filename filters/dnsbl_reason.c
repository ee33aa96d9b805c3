#include "base/dns.h"
#include "base/utf8.h"
#include "filters/dnsbl.h"

/* One character of the text: at most one is written. */
static size_t
put_char(char *out, size_t n, struct span text, size_t *len)
{
	unsigned char c = (unsigned char)text.p[0];
	size_t whole = utf8_char(text);

	*len = whole > 0 ? whole : 1;
	if (c <= ' ' || c == 0x7f || utf8_is_control(text)) {
		if (n == 0 || out[n - 1] == ' ')
			return n;
		c = ' ';
	} else if (c > 0x7f)
		c = '?';
	out[n++] = (char)c;
	return n;
}

static const char *
make_fit(struct arena *a, struct span text)
{
	char out[DNSBL_REASON_MAX];
	size_t n = 0, len;

	while (text.len > 0 && n < sizeof(out)) {
		n = put_char(out, n, text, &len);
		text = span_n(text.p + len, text.len - len);
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	return n > 0 ? arena_copy(a, span_n(out, n)) : NULL;
}

MAY_YIELD int
dnsbl_reason(struct arena *a, const struct dnsbl_result *result,
    int64_t deadline, const char **text, struct err *err)
{
	struct dns_answer answer;

	*text = NULL;
	if (dns_lookup(a, result->asked, DNS_TXT, deadline, &answer, err) < 0)
		return -1;
	for (size_t i = 0; i < answer.n && *text == NULL; i++)
		*text = make_fit(a, answer.records[i].data);
	return 0;
}
