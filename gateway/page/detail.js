/*
 * detail -- all that is known about one transaction
 */

/* A fact's value as text; lists as such. */
function valueText(value) {
	const v = plain(value);
	if (v === null)
		return 'none';
	if (v === true)
		return 'yes';
	if (v === false)
		return 'no';
	return Array.isArray(v) ? v.map(valueText).join(', ') : String(v);
}

/* Of a stranger; nothing if it is empty. */
const text = (value) => value === '' ? null :
    el('bdi', {class: 'text'}, shown(value));

function facts(object, caption) {
	return pairs(Object.entries(object || {}).map(([name, value]) =>
	    [el('bdi', null, shown(name, CELL_MAX)), text(valueText(value))]),
	    caption);
}

/* A rule without a label is named by its file and line, without the folder. */
function isPlace(rule, at) {
	return at === rule || at.endsWith('/' + rule);
}

/* "in.rules:14", and the label before it if the rule has one */
function ruleText(r) {
	const at = r.at || (r.file ? r.file + ':' + r.line : '');
	return r.rule && !isPlace(r.rule, at) ?
	    r.rule + (at ? ' (' + at + ')' : '') : at || r.rule || '';
}

function actionText(r) {
	const answer = [r.code, r.enhanced, r.text ? '\u201c' + r.text +
	    '\u201d' : ''].filter((x) => x).join(' ');
	return [r.action, r.name, r.score !== undefined && r.score !== null ?
	    Number(r.score).toFixed(2) : '', answer].filter((x) => x).join(' ');
}

class Detail {
	constructor() {
		this.dialog = $('detail');
		this.id = null;
		$('close').addEventListener('click', () => this.dialog.close());
		this.dialog.addEventListener('close', () => this.closed());
		this.dialog.addEventListener('click', (event) => {
			if (event.target === this.dialog)
				this.dialog.close();
		});
	}

	/*
	 * Whoever came by a link in the list goes back to it. This is heard of a
	 * moment late: what was asked for meanwhile stays.
	 */
	closed() {
		if (this.dialog.open)
			return;
		const id = this.id, back = this.from;
		this.id = null;
		this.from = null;
		if (this.had && this.had.isConnected)
			this.had.focus({preventScroll: true});
		if (new URLSearchParams(location.hash.slice(1)).get('id') === id)
			history.replaceState(null, '', '#' + (back || 'mails'));
		main.go();
	}

	async show(id, from) {
		if (this.id === id)
			return;
		this.id = id;
		if (!this.dialog.open) {
			this.from = from;
			this.had = document.activeElement;
		}
		fill($('detail-title'), 'Transaction ', shown(id, 60));
		fill($('detail-body'), el('p', {role: 'status'}, 'Asking \u2026'));
		if (!this.dialog.open)
			this.dialog.showModal();
		$('detail-title').focus();
		let answer;
		try {
			answer = await ask('/transactions.json',
			    {id, trace: '1', limit: '50'});
		} catch (e) {
			this.failed(id, e);
			return;
		}
		if (this.id === id)
			this.write(id, answer.transactions || []);
	}

	failed(id, e) {
		if (this.id !== id)
			return;
		fill($('detail-body'), el('p', {role: 'alert'},
		    e.kind === 'token' ? 'This needs a token.' :
		    'It cannot be shown: ' + e.message + '.'));
		if (e.kind === 'token')
			this.dialog.close();
	}

	write(id, list) {
		const exact = list.filter((t) => idOf(t) === id);
		const some = exact.length > 0 ? exact : list;
		if (some.length === 0) {
			fill($('detail-body'), el('p', {role: 'alert'},
			    'Nothing is known of it. Each worker keeps only ' +
			    'its last transactions; `forepost explain ' + id +
			    '` looks in the journal.'));
			return;
		}
		if (exact.length === 0 && some.length > 1) {
			fill($('detail-body'), el('p', null, 'This session had ' +
			    'several:'), el('ul', null, some.map((t) => el('li',
			    null, el('a', {href: '#id=' + encodeURIComponent(
			    idOf(t))}, idOf(t)), ' ', sign(t.outcome)))));
			return;
		}
		fill($('detail-body'), this.whole(some[0]));
	}

	whole(t) {
		return [this.head(t),
			this.section('Recipients', this.recipients(t)),
			this.section('Rules', this.phases(t)),
			this.section('Trace', this.trace(t)),
			this.section('Filters', this.filters(t)),
			this.section('Time', this.times(t)),
			this.section('Facts', facts(t.facts,
			    'What was known in the end')),
			details('The record as it is in the journal',
			    this.record(t))];
	}

	record(t) {
		const e = el('pre', {tabindex: '0'});
		e.textContent = JSON.stringify({...t, trace: undefined}, null, 2)
		    .split('\n').map((line) => shown(line)).join('\n');
		return e;
	}

	section(name, content) {
		return content && content.length !== 0 ?
		    el('section', null, el('h3', null, name), content) : null;
	}

	head(t) {
		const f = t.facts || {};
		const decided = t.rule || t.at ? text((t.action ?
		    t.action + ' by ' : '') + ruleText(t)) :
		    t.milter ? text('filter ' + t.milter) :
		    t.by ? text(t.by) : 'no rule';
		const at = new Date(t.time);
		return pairs([
		    ['Verdict', sign(t.outcome || 'unknown')],
		    ['Reply', t.reply ? el('code', null, text(t.reply)) :
			'none was sent'],
		    ['Decided by', decided],
		    t.why ? ['Failure of ours', text(t.why)] : null,
		    t.score !== undefined ? ['Score', valueText(t.score)] : null,
		    ['When', el('time', {datetime: t.time}, day(at) + ' ' +
			clock(at) + ' (' + t.time + ')')],
		    ['Client', text([f['client.ip'], f['client.name'],
			f['helo.name'] ? 'HELO ' + valueText(f['helo.name']) :
			''].filter((x) => x).map(valueText).join(', '))],
		    ['Sender', text(sender(t))],
		    f['header Subject'] ? ['Subject',
			text(valueText(f['header Subject']))] : null,
		    t.size !== undefined ? ['Size', octets(t.size)] : null,
		    t.tls ? ['TLS', text(t.tls)] : null,
		    ['Listener', text((t.listener || '') + ', worker process ' +
			(t.worker ?? ''))],
		    t.backend ? ['Backend', text(t.backend)] : null,
		    t.cut ? ['Cut', 'It was too large to be kept whole'] : null,
		    ['Link', el('a', {href: '#id=' + encodeURIComponent(
			idOf(t))}, '#id=' + idOf(t))],
		].filter((row) => row));
	}

	table(caption, names, rows) {
		return rows.length === 0 ? null : el('table',
		    {class: names.length > 2 ? 'cards' : null},
		    el('caption', null, caption),
		    el('thead', null, el('tr', null, names.map((n) =>
			el('th', {scope: 'col'}, n)))),
		    el('tbody', null, rows.map((cells) => el('tr', null,
			cells.map((c, i) => el(i === 0 ? 'th' : 'td',
			    {scope: i === 0 ? 'row' : null,
			    'data-name': names[i]}, c))))));
	}

	recipients(t) {
		const list = t.rcpts || [];
		return [this.table(plural(list.length, 'recipient'),
		    ['To', 'Outcome', 'Reply to RCPT', 'In the end', 'Backend'],
		    list.map((r) => [text(plain(r.to)), sign(r.outcome || ''),
			text(r.reply || ''), text(r.final || ''),
			text(r.backend || '')])),
		    list.map((r) => {
			const judged = this.judged(r);
			return judged.length === 0 && !r.facts ? null :
			    details(['Rules for ', text(plain(r.to))], judged,
				r.facts ? facts(r.facts, 'Its facts') : null);
		    })];
	}

	phases(t) {
		return (t.phases || []).map((p) => el('section',
		    {class: 'phase'}, el('h4', null, 'At ', p.phase),
		    this.judged(p)));
	}

	/* Verdict, hits and what was read: of a phase, or of a recipient. */
	judged(p) {
		const said = [];
		if (p.action)
			said.push(el('p', null, sign(p.action), ' ',
			    text([actionText({...p, action: ''}), ruleText(p) ?
			    'by ' + ruleText(p) : 'no rule decided']
			    .filter((x) => x).join(' '))));
		if (p.would)
			said.push(el('p', {class: 'would'}, 'Rules that observe ' +
			    'would have said: ', text(actionText(p.would) +
			    ' by ' + ruleText(p.would))));
		said.push(this.table('Rules that acted', ['Rule', 'Action',
		    'Done'], (p.hits || []).map((h) => [text(ruleText(h)),
		    text(actionText(h)), h.observed ?
		    'no: it observes' : 'yes'])));
		if ((p.untold || []).length > 0)
			said.push(el('p', null, 'Nobody could tell: ',
			    text(p.untold.join(', '))));
		if (p.read && Object.keys(p.read).length > 0)
			said.push(facts(p.read, 'Facts as these rules read ' +
			    'them'));
		if (p.limits && Object.keys(p.limits).length > 0)
			said.push(facts(p.limits, 'Numbers of limits'));
		said.push(this.table('Sets that were asked', ['Set', 'Fact',
		    'Answer'], (p.sets || []).map((s) => [text(s.set),
		    text(s.fact), text(s.in === null ? 'unknown' : s.in ?
		    'yes: ' + valueText(s.member ?? '') : 'no')])));
		if (p.milters && Object.keys(p.milters).length > 0)
			said.push(this.table('Filters that rules asked',
			    ['Filter', 'Said', 'Decided'],
			    Object.entries(p.milters).map(([name, m]) =>
				[text(name), text(m.said), m.decided ? 'yes' :
				'no'])));
		return said.filter((s) => s);
	}

	/* By the rules that the gateway has now. */
	trace(t) {
		if (Array.isArray(t.trace))
			return [t.trace.map((p) => this.tracePhase(p)),
				t['trace-why'] ? el('p', null, 'Not all of it: ',
				text(t['trace-why']), '.') : null];
		return t.trace === null ? el('p', null, 'There is none: ',
		    text(t['trace-why'] || 'the rules were changed since'),
		    '.') : null;
	}

	tracePhase(p) {
		const rules = p.rules || [];
		const held = rules.filter((r) => r.held !== false);
		const v = p.verdict || {};
		return el('section', {class: 'phase'},
		    el('h4', null, 'At ', p.phase || '', p.to ? [' for ',
			text(plain(p.to))] : null, ': ', text(actionText(v) +
			(ruleText(v) ? ' by ' + ruleText(v) : ''))),
		    v.would ? el('p', {class: 'would'}, 'Rules that observe ' +
			'would have said: ', text(actionText(v.would) + ' by ' +
			ruleText(v.would))) : null,
		    this.steps(held, 'Rules that held'),
		    rules.length > held.length ? details('All ' +
			plural(rules.length, 'rule') + ' that were looked at',
			this.steps(rules, 'In their order')) : null);
	}

	steps(rules, caption) {
		return this.table(caption, ['Rule', 'When', 'Held', 'Action',
		    'Facts read'], rules.map((r) => [text(ruleText(r)),
		    text(r.when || 'always'), r.held === null ?
		    sign('cannot tell', 'warn') : r.held ?
		    sign('yes', 'good') : sign('no', 'idle'),
		    text(r.held === false ? '' : actionText(r.effect ?
			{...r.effect, action: r.action + ': ' +
			(r['let-pass'] ? 'goes on' : r.effect.action)} : r) +
			(r.observed ? ' (observes)' : '')),
		    Object.entries(r.facts || {}).map(([name, value]) =>
			el('div', null, el('bdi', {class: 'text'}, shown(name +
			    ' = ' + valueText(value), 400)))).concat(
			(r.sets || []).map((s) => el('div', null, text(s.fact +
			    ' in ' + s.set + ' = ' + valueText(s.in)))))]));
	}

	filters(t) {
		return this.table('Answers', ['Filter', 'Said', 'Took',
		    'Changed the mail'], (t.milters || []).map((m) =>
		    [text(m.name), text(m.word || ''),
		    duration(m.us === undefined ? null : m.us / 1e6),
		    m.changed ? 'yes' : 'no']));
	}

	times(t) {
		const us = Object.entries(t.us || {});
		const most = Math.max(1, ...us.map(([, n]) => n));
		return this.table('By stage', ['Stage', 'Took', 'Of the longest'],
		    us.map(([stage, n]) => {
			const e = svg('svg', {class: 'range', viewBox:
			    '0 0 ' + BAR_WIDTH + ' ' + BAR_HEIGHT,
			    'aria-hidden': 'true'});
			e.append(svg('rect', {class: 'box', x: 0, y: 3,
			    height: 10, width: Math.max(1, BAR_WIDTH * n /
			    most).toFixed(1)}));
			return [stage, duration(n / 1e6), e];
		    }));
	}
}
