#include <assert.h>

#include "milter/option.h"

/* The steps that leave a command or its answer out. */
static const struct {
	char		command;
	uint32_t	no_command, no_answer;
} steps[] = {
	{ SMFIC_CONNECT,	SMFIP_NOCONNECT,	SMFIP_NR_CONN },
	{ SMFIC_HELO,		SMFIP_NOHELO,		SMFIP_NR_HELO },
	{ SMFIC_MAIL,		SMFIP_NOMAIL,		SMFIP_NR_MAIL },
	{ SMFIC_RCPT,		SMFIP_NORCPT,		SMFIP_NR_RCPT },
	{ SMFIC_DATA,		SMFIP_NODATA,		SMFIP_NR_DATA },
	{ SMFIC_HEADER,		SMFIP_NOHDRS,		SMFIP_NR_HDR },
	{ SMFIC_EOH,		SMFIP_NOEOH,		SMFIP_NR_EOH },
	{ SMFIC_BODY,		SMFIP_NOBODY,		SMFIP_NR_BODY },
	{ SMFIC_UNKNOWN,	SMFIP_NOUNKNOWN,	SMFIP_NR_UNKN },
};

/* These have no answer in any version. */
static const char silent[] = {
	SMFIC_ABORT, SMFIC_MACRO, SMFIC_QUIT, SMFIC_QUIT_NC
};

void
option_put_offer(struct buf *b)
{
	size_t at = packet_begin(b, SMFIC_OPTNEG);

	packet_put_uint(b, OPTION_VERSION);
	packet_put_uint(b, OPTION_ACTIONS);
	packet_put_uint(b, OPTION_STEPS);
	packet_end(b, at);
}

static int
check(const struct terms *t, struct err *err)
{
	if (t->version < OPTION_VERSION_OLDEST ||
	    t->version > OPTION_VERSION)
		return err_set(err, ERR_CONFIG, "the filter speaks version "
		    "%u of the protocol, not one of %d to %d", t->version,
		    OPTION_VERSION_OLDEST, OPTION_VERSION);
	if ((t->actions & ~OPTION_ACTIONS) != 0)
		return err_set(err, ERR_CONFIG, "the filter asks for actions "
		    "that nobody knows (0x%x)", t->actions & ~OPTION_ACTIONS);
	return 0;
}

static size_t
chunk(uint32_t asked)
{
	if (asked & SMFIP_MDS_1M)
		return OPTION_CHUNK_1M;
	return asked & SMFIP_MDS_256K ? OPTION_CHUNK_256K : OPTION_CHUNK;
}

/* Stages that nobody knows are passed over, like steps. */
static int
read_lists(struct span data, struct terms *t, struct err *err)
{
	struct span list;
	uint32_t stage;

	while (data.len > 0) {
		if (!packet_uint(&data, &stage))
			return err_set(err, ERR_SYNTAX, "%zu octets behind "
			    "the options are no list of macros", data.len);
		if (!packet_string(&data, &list))
			return err_set(err, ERR_SYNTAX, "the list of macros "
			    "for stage %u does not end with NUL", stage);
		if (stage <= SMFIM_LAST)
			t->macros[stage] = macro_list(list);
	}
	return 0;
}

int
option_read(const struct packet *p, struct terms *t, struct err *err)
{
	struct span data = p->data;
	char letter[PACKET_LETTER];
	uint32_t version, actions, asked;

	if (p->command != SMFIC_OPTNEG)
		return err_set(err, ERR_SYNTAX, "answered %s to the offer of "
		    "options", packet_letter(p->command, letter));
	if (!packet_uint(&data, &version) || !packet_uint(&data, &actions) ||
	    !packet_uint(&data, &asked))
		return err_set(err, ERR_SYNTAX, "options of %zu octets, "
		    "shorter than %d", p->data.len, MILTER_OPTLEN);
	*t = (struct terms){ .version = version, .actions = actions,
	    .steps = asked & OPTION_STEPS,
	    .unknown_steps = asked & ~OPTION_STEPS, .chunk = chunk(asked) };
	if (check(t, err) < 0)
		return -1;
	if (version < 3)
		t->steps |= SMFIP_NOUNKNOWN;
	if (version < 4)
		t->steps |= SMFIP_NODATA;
	for (int i = 0; i < MACRO_STAGES; i++)
		t->macros[i] = macro_default(i);
	return read_lists(data, t, err);
}

bool
option_sends(const struct terms *t, char command)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].command == command)
			return (t->steps & steps[i].no_command) == 0;
	return command != SMFIC_QUIT_NC || t->version >= 6;
}

bool
option_awaits(const struct terms *t, char command)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].command == command)
			return (t->steps & steps[i].no_answer) == 0;
	for (size_t i = 0; i < sizeof(silent); i++)
		if (silent[i] == command)
			return false;
	assert(command == SMFIC_BODYEOB || command == SMFIC_OPTNEG);
	return true;
}

bool
option_answers_all(const struct terms *t)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (t->steps & steps[i].no_answer)
			return false;
	return true;
}

macro_set
option_macros(const struct terms *t, char command)
{
	int stage = macro_stage(command);

	/* Older libraries end the dialogue at a stage that they do not know. */
	if (stage < 0 || (stage >= SMFIM_EOH && t->version < 6) ||
	    (stage == SMFIM_DATA && t->version < 4))
		return 0;
	return t->macros[stage];
}

bool
option_wants_refused(const struct terms *t)
{
	return (t->steps & SMFIP_RCPT_REJ) != 0;
}

bool
option_has_leading_space(const struct terms *t)
{
	return (t->steps & SMFIP_HDR_LEADSPC) != 0;
}

bool
option_may_edit(const struct terms *t)
{
	return (t->actions & ~(uint32_t)SMFIF_SETSYMLIST) != 0;
}
