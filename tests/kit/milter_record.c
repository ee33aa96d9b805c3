#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * milter_record -- a filter on sendmail's library that tells what it hears
 *
 *	milter_record SOCKET [WORD...]
 *
 * Prints a line for each call that the library makes: its name, its arguments
 * in [ ], and the macros that have a value then. The words:
 *
 *	STEP=ANSWER	what it answers there, each time: accept, reject,
 *			tempfail, discard, skip, or a reply ("550 5.7.1 no")
 *	steps=NUMBER	SMFIP_*; a step with SMFIP_NR_* is not answered
 *	macros:N=LIST	the list for that stage (SMFIM_*)
 *	edits		all of them, at the end of the message
 *	progress	three times, at the end of the message
 *
 * STEP is connect, helo, mail, rcpt, data, header, eoh, body, eom, unknown.
 */
static char		**words;	/* ends with NULL */

static const char *const symbols[] = {
	"_", "i", "j", "v", "{auth_authen}", "{auth_type}", "{cipher}",
	"{client_addr}", "{client_name}", "{client_port}", "{client_ptr}",
	"{daemon_addr}", "{daemon_name}", "{daemon_port}", "{if_addr}",
	"{mail_addr}", "{mail_host}", "{mail_mailer}", "{msg_id}",
	"{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}", "{tls_version}"
};

/* What stands behind "NAME="; NULL: there is no such word. */
static const char *
word(const char *name)
{
	size_t len = strlen(name);

	for (char **w = words; *w != NULL; w++)
		if (strncmp(*w, name, len) == 0 &&
		    ((*w)[len] == '=' || (*w)[len] == '\0'))
			return *w + len + ((*w)[len] == '=');
	return NULL;
}

static void
record(SMFICTX *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
record(SMFICTX *c, const char *format, ...)
{
	const char *value;
	va_list ap;

	flockfile(stdout);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	for (size_t i = 0; c != NULL && i < sizeof(symbols) /
	    sizeof(symbols[0]); i++) {
		value = smfi_getsymval(c, (char *)symbols[i]);
		if (value != NULL)
			printf(" %s=%s", symbols[i], value);
	}
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

static sfsistat
give_reply(SMFICTX *c, const char *text)
{
	char code[4] = "", enhanced[12] = "", rest[100] = "";

	sscanf(text, "%3s %11s %99[^\n]", code, enhanced, rest);
	if (smfi_setreply(c, code, enhanced, rest) != MI_SUCCESS)
		record(NULL, "refused reply [%s]", text);
	return code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* `silent` is the SMFIP_NR_* of the step. */
static sfsistat
answer(SMFICTX *c, const char *step, unsigned long silent)
{
	static const struct {
		const char	*name;
		sfsistat	 status;
	} answers[] = {
		{ "accept", SMFIS_ACCEPT }, { "reject", SMFIS_REJECT },
		{ "tempfail", SMFIS_TEMPFAIL }, { "discard", SMFIS_DISCARD },
		{ "skip", SMFIS_SKIP },
	};
	const char *steps = word("steps"), *text = word(step);

	if (steps != NULL && (strtoul(steps, NULL, 0) & silent) != 0)
		return SMFIS_NOREPLY;
	if (text == NULL)
		return SMFIS_CONTINUE;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].name, text) == 0)
			return answers[i].status;
	return give_reply(c, text);
}

static sfsistat
on_negotiate(SMFICTX *c, unsigned long f0, unsigned long f1,
    unsigned long f2, unsigned long f3, unsigned long *pf0,
    unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	const char *steps = word("steps");
	char name[20];

	(void)f2, (void)f3;
	record(NULL, "negotiate [0x%lx] [0x%lx]", f0, f1);
	*pf0 = f0;
	*pf1 = steps != NULL ? strtoul(steps, NULL, 0) : 0;
	*pf2 = *pf3 = 0;
	for (int stage = SMFIM_FIRST; stage <= SMFIM_LAST; stage++) {
		snprintf(name, sizeof(name), "macros:%d", stage);
		if (word(name) != NULL)
			smfi_setsymlist(c, stage, (char *)word(name));
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *c, char *host, _SOCK_ADDR *from)
{
	char text[INET6_ADDRSTRLEN] = "-";
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)from;
	struct sockaddr_in *in = (struct sockaddr_in *)from;
	int port = 0;

	if (from != NULL && from->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		port = ntohs(in->sin_port);
	} else if (from != NULL && from->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		port = ntohs(in6->sin6_port);
	}
	record(c, "connect [%s] [%s] [%d]", host, text, port);
	return answer(c, "connect", SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *c, char *name)
{
	record(c, "helo [%s]", name);
	return answer(c, "helo", SMFIP_NR_HELO);
}

static void
record_path(SMFICTX *c, const char *step, char **args)
{
	char text[500] = "";
	size_t len = 0;

	for (; *args != NULL && len < sizeof(text); args++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " [%s]", *args);
	record(c, "%s%s", step, text);
}

static sfsistat
on_mail(SMFICTX *c, char **args)
{
	record_path(c, "mail", args);
	return answer(c, "mail", SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *c, char **args)
{
	record_path(c, "rcpt", args);
	return answer(c, "rcpt", SMFIP_NR_RCPT);
}

static sfsistat
on_data(SMFICTX *c)
{
	record(c, "data");
	return answer(c, "data", SMFIP_NR_DATA);
}

static sfsistat
on_header(SMFICTX *c, char *name, char *value)
{
	record(NULL, "header [%s] [%s]", name, value);
	return answer(c, "header", SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *c)
{
	record(c, "eoh");
	return answer(c, "eoh", SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *c, unsigned char *octets, size_t len)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += octets[i];
	record(NULL, "body [%zu] [%lu]", len, sum);
	return answer(c, "body", SMFIP_NR_BODY);
}

static void
edit(SMFICTX *c)
{
	bool ok = smfi_addheader(c, "X-Add", "a\n\tb") == MI_SUCCESS;

	ok = smfi_insheader(c, 1, "X-Ins", "i") == MI_SUCCESS && ok;
	ok = smfi_chgheader(c, "Subject", 2, "s") == MI_SUCCESS && ok;
	ok = smfi_chgheader(c, "X-Gone", 1, NULL) == MI_SUCCESS && ok;
	ok = smfi_chgfrom(c, "<n@x.example>", "SIZE=9") == MI_SUCCESS && ok;
	ok = smfi_addrcpt(c, "<p@x.example>") == MI_SUCCESS && ok;
	ok = smfi_addrcpt_par(c, "<q@x.example>", "NOTIFY=NEVER") ==
	    MI_SUCCESS && ok;
	ok = smfi_delrcpt(c, "<b@x.example>") == MI_SUCCESS && ok;
	ok = smfi_replacebody(c, (unsigned char *)"new\r\n", 5) ==
	    MI_SUCCESS && ok;
	ok = smfi_quarantine(c, "why") == MI_SUCCESS && ok;
	if (!ok)
		record(NULL, "an edit failed");
}

static sfsistat
on_eom(SMFICTX *c)
{
	record(c, "eom");
	for (int i = 0; i < 3 && word("progress") != NULL; i++)
		smfi_progress(c);
	if (word("edits") != NULL)
		edit(c);
	return answer(c, "eom", 0);
}

static sfsistat
on_unknown(SMFICTX *c, const char *line)
{
	record(NULL, "unknown [%s]", line);
	return answer(c, "unknown", SMFIP_NR_UNKN);
}

static sfsistat
on_abort(SMFICTX *c)
{
	(void)c;
	record(NULL, "abort");
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *c)
{
	(void)c;
	record(NULL, "close");
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "record", .xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFI_CURR_ACTS, .xxfi_connect = on_connect,
		.xxfi_helo = on_helo, .xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt, .xxfi_header = on_header,
		.xxfi_eoh = on_eoh, .xxfi_body = on_body,
		.xxfi_eom = on_eom, .xxfi_abort = on_abort,
		.xxfi_close = on_close, .xxfi_unknown = on_unknown,
		.xxfi_data = on_data, .xxfi_negotiate = on_negotiate,
	};

	if (argc < 2) {
		fprintf(stderr, "usage: milter_record SOCKET [WORD...]\n");
		return 2;
	}
	words = argv + 2;
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
