#ifndef POLICY_PHASE_H
#define POLICY_PHASE_H
/*
 * phase -- the five moments at which rules are asked     (rule files: "on X {")
 *
 * A fact belongs to the phase from which on it is known; a rule may ask for
 * those of its own phase and of earlier ones.
 */
enum phase { PHASE_CONNECT, PHASE_HELO, PHASE_MAIL, PHASE_RCPT, PHASE_MESSAGE };
#define PHASES 5

const char	*phase_name(enum phase phase);	/* "connect", ... */
#endif
