/*
 * times -- where the time of sessions and mails goes
 */
const STAGES = {
	connect: 'until the greeting', helo: 'EHLO or HELO', mail: 'MAIL',
	rcpt: 'all RCPTs of a mail', data: 'the client sends the message',
	message: 'judging the message', backend: 'handing it over',
	total: 'from MAIL to the end',
};
/* The bars: a decade of time has the same width everywhere. */
const BAR_FROM = 1e-4, BAR_TO = 300, BAR_WIDTH = 220, BAR_HEIGHT = 16;

function barAt(s) {
	const x = Math.log(Math.min(Math.max(s, BAR_FROM), BAR_TO) / BAR_FROM) /
	    Math.log(BAR_TO / BAR_FROM);
	return 1 + x * (BAR_WIDTH - 2);
}

/* From none to p50 nothing, to p90 a bar, to p99 a line. */
function bar(p50, p90, p99) {
	const e = svg('svg', {class: 'range', viewBox: '0 0 ' + BAR_WIDTH + ' ' +
	    BAR_HEIGHT, 'aria-hidden': 'true'});
	for (let s = 1e-3; s < BAR_TO; s *= 10)
		e.append(svg('path', {class: 'grid', d: 'M' +
		    barAt(s).toFixed(1) + ' 0V' + BAR_HEIGHT}));
	if (p50 !== null)
		e.append(svg('path', {class: 'whisker', d: 'M' +
		    barAt(p90).toFixed(1) + ' 8H' + barAt(p99).toFixed(1) +
		    'm0 -4v8'}),
		    svg('rect', {class: 'box', x: barAt(p50).toFixed(1), y: 3,
			width: Math.max(2, barAt(p90) - barAt(p50)).toFixed(1),
			height: 10}));
	return e;
}

class Times {
	constructor() {
		this.grid = new Grid($('times-table'),
		    'Time by stage',
		    [{name: 'Stage'}, {name: 'What'},
		    {name: 'p50', n: true, title: 'half of them took less'},
		    {name: 'p90', n: true}, {name: 'p99', n: true},
		    {name: 'Number', n: true},
		    {name: 'Range'}], 'Nothing was timed yet.');
		$('times-table').append(el('p', {class: 'quiet'}, 'p90: 90 % ' +
		    'took less. The bar goes from p50 to p90 and its line to ' +
		    'p99; the marks are 1 ms, 10 ms, 0.1 s, 1 s, 10 s, 100 s.'));
	}

	update() {
		const rows = Object.entries(STAGES).map(([stage, what]) =>
		    this.row(stage, what, past.times('stage_seconds', undefined,
			{stage})));
		for (const r of past.rows('judge_seconds'))
			rows.push(this.row('rules at ' + r.labels.phase,
			    'computing alone', r.value));
		this.grid.update(rows.filter((r) => r));
	}

	row(stage, what, h) {
		if (h.n === 0)
			return null;
		const [p50, p90, p99] = [0.5, 0.9, 0.99].map(
		    (p) => percentile(h, p));
		return {key: stage, cells: [stage, what, about(p50),
		    about(p90), about(p99), whole(h.n),
		    [[p50, p90, p99].join(), () => bar(p50, p90, p99)]]};
	}
}
