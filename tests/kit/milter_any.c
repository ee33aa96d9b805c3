#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * milter_any -- a filter on sendmail's library that does what a plan says
 *
 *	milter_any SOCKET PLAN [steps=NUMBER] [actions=NUMBER]
 *
 * PLAN is a file that is read anew at each call, so a test may change it while
 * the filter runs. A line each:
 *
 *	STEP WHICH WORD [ARGUMENT]
 *
 * STEP is connect, helo, mail, rcpt, data, header, eoh, body, eom or unknown.
 * WHICH is a text in "ADDRESS|HELO|SENDER|ARGUMENT" (of the client, of the
 * call), or *. In ARGUMENT \r, \n, \t, \\ and \xNN stand for what they are in
 * C. All lines that fit are done, in their order. Those that answer, of which
 * the last one holds:
 *
 *	continue, accept, reject, tempfail, discard, skip
 *	reply CODE ENHANCED TEXT	with \n between its lines
 *	hang				does not answer
 *	die				ends the process
 *
 * and those that are libmilter's at the end of the message alone:
 *
 *	add_header NAME:VALUE		insert_header N NAME:VALUE
 *	change_header N NAME:VALUE	delete_header N NAME
 *	sender ADDRESS [ARGS]		add_rcpt ADDRESS [ARGS]
 *	delete_rcpt ADDRESS		quarantine WHY
 *	body TEXT			body_octets N (lines of 64)
 *	progress N
 *
 * Each call is told as a line "NUMBER STEP WHICH", the number being that of
 * the filter's session; so is "refused WORD" if the library does not take it.
 *
 * steps are SMFIP_*, without SMFIP_SKIP none; actions SMFIF_*, without it all
 * that are offered.
 */
#define ARGUMENT_MAX	3000
#define REPLY_LINES	8

static const char	*plan_path;
static unsigned long	 steps = SMFIP_SKIP, actions;
static bool		 has_actions;
static atomic_uint	 sessions;

struct session {
	unsigned	 number;
	char		 addr[64], helo[256], sender[300];
};

struct line {			/* of the plan */
	char		 text[ARGUMENT_MAX];
	char		 step[16], which[300], word[20];
	char		 argument[ARGUMENT_MAX];
};

/* A step under way. */
struct call {
	SMFICTX		*ctx;
	struct session	*session;
	const char	*step;
	char		 about[1000];
	sfsistat	 status;
};

static struct session *
session_of(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->number = ++sessions;
	smfi_setpriv(ctx, s);
	return s;
}

static void
tell(const struct call *c, const char *what, const char *about)
{
	char text[1100];
	int len = snprintf(text, sizeof(text), "%u %s %s\n",
	    c->session->number, what, about);

	if (len > (int)sizeof(text) - 1) {
		len = sizeof(text) - 1;
		text[len - 1] = '\n';
	}
	/* One write: lines of several sessions stay whole. */
	if (write(STDOUT_FILENO, text, (size_t)len) != len)
		abort();
}

/* --- the plan --- */

static int
hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at == NULL ? 0 : (int)(at - digits);
}

static void
unescape(char *to, const char *from)
{
	for (; *from != '\0'; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		from++;
		if (*from == 'x' && from[1] != '\0' && from[2] != '\0') {
			*to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
			from += 2;
		} else if (*from == 'r' || *from == 'n' || *from == 't') {
			*to++ = *from == 'r' ? '\r' : *from == 'n' ? '\n' :
			    '\t';
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static bool
read_line(FILE *f, struct line *l)
{
	int at = 0;

	while (fgets(l->text, sizeof(l->text), f) != NULL) {
		l->text[strcspn(l->text, "\n")] = '\0';
		if (sscanf(l->text, "%15s %299s %19s%n", l->step, l->which,
		    l->word, &at) != 3)
			continue;
		at += l->text[at] == ' ';
		unescape(l->argument, l->text + at);
		return true;
	}
	return false;
}

/* --- what it does --- */

static char *
next_word(char **rest)
{
	char *word = *rest, *end = strchr(word, ' ');

	if (end != NULL)
		*end++ = '\0';
	*rest = end != NULL ? end : word + strlen(word);
	return word;
}

static int
set_reply(struct call *c, char *argument)
{
	char *lines[REPLY_LINES] = { NULL };
	char *code = next_word(&argument), *enhanced = next_word(&argument);
	size_t n = 0;

	c->status = code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
	for (char *line = argument; line != NULL && n < REPLY_LINES; n++) {
		lines[n] = line;
		line = strchr(line, '\n');
		if (line != NULL)
			*line++ = '\0';
	}
	if (n == 1)
		return smfi_setreply(c->ctx, code, enhanced, lines[0]);
	return smfi_setmlreply(c->ctx, code, enhanced, lines[0], lines[1],
	    lines[2], lines[3], lines[4], lines[5], lines[6], lines[7], NULL);
}

/* A signal that the process takes ends it: this never returns. */
static int
hang(struct call *c, char *argument)
{
	(void)c, (void)argument;
	return pause();
}

static int
die(struct call *c, char *argument)
{
	(void)c, (void)argument;
	_exit(9);
}

/* "NAME:VALUE"; a name alone has an empty one. */
static char *
cut_name(char *field)
{
	char *value = strchr(field, ':');

	if (value == NULL)
		return field + strlen(field);
	*value++ = '\0';
	return value;
}

static int
add_header(struct call *c, char *field)
{
	char *value = cut_name(field);

	return smfi_addheader(c->ctx, field, value);
}

static int
insert_header(struct call *c, char *argument)
{
	int index = atoi(next_word(&argument));
	char *value = cut_name(argument);

	return smfi_insheader(c->ctx, index, argument, value);
}

static int
change_header(struct call *c, char *argument)
{
	int index = atoi(next_word(&argument));
	char *value = cut_name(argument);

	return smfi_chgheader(c->ctx, argument, index, value);
}

static int
delete_header(struct call *c, char *argument)
{
	int index = atoi(next_word(&argument));

	return smfi_chgheader(c->ctx, argument, index, NULL);
}

static int
sender(struct call *c, char *argument)
{
	char *address = next_word(&argument);

	return smfi_chgfrom(c->ctx, address, *argument != '\0' ? argument :
	    NULL);
}

static int
add_rcpt(struct call *c, char *argument)
{
	char *address = next_word(&argument);

	return *argument == '\0' ? smfi_addrcpt(c->ctx, address) :
	    smfi_addrcpt_par(c->ctx, address, argument);
}

static int
delete_rcpt(struct call *c, char *argument)
{
	return smfi_delrcpt(c->ctx, argument);
}

static int
quarantine(struct call *c, char *argument)
{
	return smfi_quarantine(c->ctx, argument);
}

static int
body(struct call *c, char *argument)
{
	return smfi_replacebody(c->ctx, (unsigned char *)argument,
	    (int)strlen(argument));
}

/* In pieces of a size that no line fits. */
static int
body_octets(struct call *c, char *argument)
{
	static const char line[] = "012345678901234567890123456789"
	    "01234567890123456789012345678901\r\n";
	char piece[3001];
	size_t left = strtoul(argument, NULL, 10), at = 0, n;
	int done = MI_SUCCESS;

	while (left > 0 && done == MI_SUCCESS) {
		n = left < sizeof(piece) ? left : sizeof(piece);
		for (size_t i = 0; i < n; i++)
			piece[i] = line[at++ % 64];
		done = smfi_replacebody(c->ctx, (unsigned char *)piece,
		    (int)n);
		left -= n;
	}
	return done;
}

static int
progress(struct call *c, char *argument)
{
	int done = MI_SUCCESS;

	for (int i = atoi(argument); i > 0 && done == MI_SUCCESS; i--)
		done = smfi_progress(c->ctx);
	return done;
}

static const struct {
	const char	*name;
	sfsistat	 status;
} answers[] = {
	{ "continue", SMFIS_CONTINUE }, { "accept", SMFIS_ACCEPT },
	{ "reject", SMFIS_REJECT }, { "tempfail", SMFIS_TEMPFAIL },
	{ "discard", SMFIS_DISCARD }, { "skip", SMFIS_SKIP },
};

static const struct {
	const char	*name;
	int		(*run)(struct call *, char *argument);
} words[] = {
	{ "reply", set_reply }, { "hang", hang }, { "die", die },
	{ "add_header", add_header }, { "insert_header", insert_header },
	{ "change_header", change_header }, { "delete_header", delete_header },
	{ "sender", sender }, { "add_rcpt", add_rcpt },
	{ "delete_rcpt", delete_rcpt }, { "quarantine", quarantine },
	{ "body", body }, { "body_octets", body_octets },
	{ "progress", progress },
};

static void
obey(struct call *c, struct line *l)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].name, l->word) == 0)
			c->status = answers[i].status;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, l->word) == 0 &&
		    words[i].run(c, l->argument) != MI_SUCCESS)
			tell(c, "refused", l->word);
}

static sfsistat
do_step(SMFICTX *ctx, const char *step, const char *argument)
{
	struct session *s = session_of(ctx);
	struct call c = { .ctx = ctx, .session = s, .step = step,
	    .status = SMFIS_CONTINUE };
	struct line *l = malloc(sizeof(*l));
	FILE *plan = fopen(plan_path, "r");

	snprintf(c.about, sizeof(c.about), "%s|%s|%s|%s", s->addr, s->helo,
	    s->sender, argument);
	tell(&c, step, c.about);
	while (l != NULL && plan != NULL && read_line(plan, l))
		if (strcmp(l->step, step) == 0 && (strcmp(l->which, "*") == 0 ||
		    strstr(c.about, l->which) != NULL))
			obey(&c, l);
	if (plan != NULL)
		fclose(plan);
	free(l);
	return c.status;
}

/* --- calls --- */

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1,
    unsigned long f2, unsigned long f3, unsigned long *pf0,
    unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx, (void)f1, (void)f2, (void)f3;
	*pf0 = has_actions ? actions : f0;
	*pf1 = steps;
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *from)
{
	struct session *s = session_of(ctx);
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;

	if (from != NULL && from->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, s->addr, sizeof(s->addr));
	else if (from != NULL && from->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, s->addr,
		    sizeof(s->addr));
	return do_step(ctx, "connect", host);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = session_of(ctx);

	snprintf(s->helo, sizeof(s->helo), "%s", name);
	return do_step(ctx, "helo", name);
}

static sfsistat
on_mail(SMFICTX *ctx, char **args)
{
	struct session *s = session_of(ctx);

	snprintf(s->sender, sizeof(s->sender), "%s", args[0]);
	return do_step(ctx, "mail", args[0]);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **args)
{
	return do_step(ctx, "rcpt", args[0]);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	return do_step(ctx, "data", "");
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)value;
	return do_step(ctx, "header", name);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	return do_step(ctx, "eoh", "");
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t len)
{
	(void)octets, (void)len;
	return do_step(ctx, "body", "");
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	return do_step(ctx, "eom", "");
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *text)
{
	return do_step(ctx, "unknown", text);
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	return do_step(ctx, "abort", "");
}

static sfsistat
on_close(SMFICTX *ctx)
{
	do_step(ctx, "close", "");
	free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static bool
take_option(const char *text)
{
	const char *value = strchr(text, '=');

	if (value == NULL)
		return false;
	if (strncmp(text, "steps=", 6) == 0) {
		steps = strtoul(value + 1, NULL, 0);
		return true;
	}
	has_actions = strncmp(text, "actions=", 8) == 0;
	actions = strtoul(value + 1, NULL, 0);
	return has_actions;
}

int
main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "any", .xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFI_CURR_ACTS, .xxfi_connect = on_connect,
		.xxfi_helo = on_helo, .xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt, .xxfi_header = on_header,
		.xxfi_eoh = on_eoh, .xxfi_body = on_body,
		.xxfi_eom = on_eom, .xxfi_abort = on_abort,
		.xxfi_close = on_close, .xxfi_unknown = on_unknown,
		.xxfi_data = on_data, .xxfi_negotiate = on_negotiate,
	};

	for (int i = 3; i < argc; i++)
		if (!take_option(argv[i]))
			argc = 0;
	if (argc < 3) {
		fprintf(stderr, "usage: milter_any SOCKET PLAN [steps=NUMBER] "
		    "[actions=NUMBER]\n");
		return 2;
	}
	plan_path = argv[2];
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
