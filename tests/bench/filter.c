/*
 * filter -- a milter that lets everything pass and costs little
 *
 *	filter [-q] [-e] [-w milliseconds] [-s TEXT] SOCKET
 *
 *	-q	quiet, as many filters of today: not told of HELO, DATA and
 *		unknown commands, answers only RCPT and the end of the message.
 *		Without it: told of everything, and answers each step, which
 *		is the most that a mail can cost.
 *	-e	says that it may edit, and does not
 *	-w N	takes so long for its answer to the end of a message
 *	-s TEXT	never gives that answer if TEXT is in the sender
 *
 * On sendmail's library, as the filters that people run. At SIGUSR1 it tells
 * what it has seen and leaves; behind SIGTERM the library takes 5 seconds.
 */
#include <sys/stat.h>

#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_TOLD	(SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define NOT_ANSWERED	(SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR | \
			    SMFIP_NR_EOH | SMFIP_NR_BODY)

static bool		 is_quiet, may_edit;
static const char	*stalled;
static useconds_t	 delay;
static atomic_ulong	 messages, octets, connections;

/* With NR_* agreed on, the library wants to hear that there is no answer. */
static sfsistat
unasked(void)
{
	return is_quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat
on_negotiate(SMFICTX *c, unsigned long f0, unsigned long f1,
    unsigned long f2, unsigned long f3, unsigned long *pf0,
    unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)c, (void)f1, (void)f2, (void)f3;
	*pf0 = may_edit ? f0 : 0;
	*pf1 = is_quiet ? NOT_TOLD | NOT_ANSWERED : 0;
	*pf2 = *pf3 = 0;
	connections++;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *c, char *host, _SOCK_ADDR *from)
{
	(void)c, (void)host, (void)from;
	return unasked();
}

static sfsistat
on_helo(SMFICTX *c, char *name)
{
	(void)c, (void)name;
	return SMFIS_CONTINUE;
}

static sfsistat
on_mail(SMFICTX *c, char **args)
{
	bool stalls = stalled != NULL && strstr(args[0], stalled) != NULL;

	smfi_setpriv(c, stalls ? args : NULL);
	return unasked();
}

static sfsistat
on_rcpt(SMFICTX *c, char **args)
{
	(void)c, (void)args;
	return SMFIS_CONTINUE;
}

static sfsistat
on_data(SMFICTX *c)
{
	(void)c;
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *c, char *name, char *value)
{
	(void)c, (void)name, (void)value;
	return unasked();
}

static sfsistat
on_eoh(SMFICTX *c)
{
	(void)c;
	return unasked();
}

static sfsistat
on_body(SMFICTX *c, unsigned char *text, size_t len)
{
	(void)c, (void)text;
	octets += len;
	return unasked();
}

static sfsistat
on_end(SMFICTX *c)
{
	messages++;
	/* Without an answer, but not with a thread that sleeps: the library
	 * has a few, and would be silent to others too. */
	if (smfi_getpriv(c) != NULL)
		return SMFIS_NOREPLY;
	if (delay > 0)
		usleep(delay);
	return SMFIS_CONTINUE;
}

static sfsistat
on_unknown(SMFICTX *c, const char *line)
{
	(void)c, (void)line;
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *c)
{
	smfi_setpriv(c, NULL);
	return SMFIS_CONTINUE;
}

static void *
leave(void *arg)
{
	const sigset_t *signals = arg;
	int which;

	sigwait(signals, &which);
	printf("messages=%lu octets=%lu connections=%lu\n", messages, octets,
	    connections);
	fflush(stdout);
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "filter", .xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFI_CURR_ACTS,
		.xxfi_connect = on_connect, .xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail, .xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header, .xxfi_eoh = on_eoh,
		.xxfi_body = on_body, .xxfi_eom = on_end,
		.xxfi_close = on_close, .xxfi_unknown = on_unknown,
		.xxfi_data = on_data, .xxfi_negotiate = on_negotiate,
	};
	sigset_t signals;
	pthread_t thread;
	int option;

	while ((option = getopt(argc, argv, "qew:s:")) != -1) {
		switch (option) {
		case 'q': is_quiet = true; break;
		case 'e': may_edit = true; break;
		case 'w': delay = (useconds_t)atoi(optarg) * 1000; break;
		case 's': stalled = optarg; break;
		default: return 100;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: filter [-q] [-e] [-w milliseconds] "
		    "[-s TEXT] SOCKET\n");
		return 100;
	}
	umask(0);	/* its socket is for everyone */
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (smfi_setconn(argv[optind]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS ||
	    smfi_setbacklog(1024) != MI_SUCCESS ||
	    pthread_create(&thread, NULL, leave, &signals) != 0)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
