/*
 * chart -- a drawing of what came by the second, and the same in words
 *
 * Either areas upon each other or lines. What they are is told by pattern or
 * dashes as well as by colour, the numbers of the legend are those of now or
 * of where the pointer is, and a table has them all.
 */
const CHART_HEIGHT = 190;
const LEFT = 52, RIGHT = 8, TOP = 10, BOTTOM = 22;
const SPAN_LEAST = 60, SPAN_MOST = 900;
const GAP = 15;		/* seconds without a reading: nobody looked */
const TABLE_ROWS = 12;

let chartsMade = 0;

/* 1, 2 or 5 times a power of ten, not below. */
function roundUp(n) {
	const power = 10 ** Math.floor(Math.log10(n));
	return [1, 2, 5, 10].map((f) => f * power).find((f) => f >= n * 0.999);
}

class Chart {
	/*
	 * title, parts: [{name, class}], stacked, scale: 'log' or null,
	 * show(number): text, axis: the same beside the lines if that is
	 * another, of: what the number is ("mails a second")
	 * points: [{t, values: [of each part, or null]}], t in seconds
	 */
	constructor(into, options) {
		Object.assign(this, options);
		this.points = [];
		this.number = chartsMade++;
		this.heading = el('h3', null, this.title);
		this.when = el('span', {class: 'quiet'});
		this.values = this.parts.map(() => el('span', {class: 'value'}));
		this.legend = el('ul', {class: 'legend'}, this.parts.map(
		    (part, i) => {
			const swatch = svg('svg', {class: 'swatch', width: 22,
			    height: 12, 'aria-hidden': 'true'});
			this.mark(swatch, part, i);
			return el('li', null, swatch, ' ', part.name, ' ',
			    this.values[i]);
		    }));
		this.drawing = svg('svg', {class: 'drawing', role: 'img',
		    height: CHART_HEIGHT});
		this.body = el('tbody');
		this.table = details('As a table', el('table', null,
		    el('caption', null, this.title + ', ' + this.of),
		    el('thead', null, el('tr', null,
			el('th', {scope: 'col'}, 'From'),
			this.parts.map((p) => el('th',
			    {scope: 'col', class: 'n'}, p.name)))), this.body));
		into.append(el('figure', {class: 'panel chart'},
		    el('figcaption', null, this.heading, this.when),
		    this.legend, this.drawing, this.table));
		this.drawing.addEventListener('pointermove', (event) => {
			this.pointer = event.clientX -
			    this.drawing.getBoundingClientRect().left;
			this.draw();
		});
		this.drawing.addEventListener('pointerleave', () => {
			this.pointer = null;
			this.draw();
		});
		this.table.addEventListener('toggle', () => this.write());
		new ResizeObserver(() => this.draw()).observe(this.drawing);
	}

	mark(into, part, i) {
		if (!this.stacked) {
			into.append(svg('path', {class: 'line ' + part.class,
			    d: 'M1 6H21'}));
			return;
		}
		into.append(this.pattern(part, i, 'legend'),
		    svg('rect', {class: 'area ' + part.class, width: 22,
			height: 12}),
		    svg('rect', {fill: 'url(#' + this.name(i, 'legend') + ')',
			width: 22, height: 12}));
	}

	name(i, where) {
		return 'p' + this.number + '-' + i + where;
	}

	/* What is laid over an area: nothing, or lines of some direction. */
	pattern(part, i, where) {
		const strokes = ['', 'M0 6L6 0', 'M0 0L6 6M6 0L0 6', 'M3 0V6',
		    'M0 3H6'];
		const defs = svg('defs');
		const pattern = svg('pattern', {id: this.name(i, where),
		    width: 6, height: 6, patternUnits: 'userSpaceOnUse'});
		pattern.append(svg('path', {class: 'hatch', d: strokes[i]}));
		defs.append(pattern);
		return defs;
	}

	add(point) {
		this.points.push(point);
		while (this.points[0].t < point.t - SPAN_MOST - 30)
			this.points.shift();
		this.draw();
		this.write();
	}

	clear() {
		this.points = [];
	}

	level(point, upTo) {
		return point.values.slice(0, upTo + 1).reduce(
		    (sum, v) => sum + (v || 0), 0);
	}

	top() {
		let most = 0;
		for (const p of this.points)
			most = Math.max(most, this.stacked ?
			    this.level(p, this.parts.length - 1) :
			    Math.max(...p.values.map((v) => Number.isFinite(v) ?
				v : 0)));
		return roundUp(Math.max(most, this.least));
	}

	/* From the number to where it is on the drawing. */
	y(value, top) {
		const height = CHART_HEIGHT - TOP - BOTTOM;
		const v = Math.min(value, top);
		if (this.scale !== 'log')
			return TOP + height * (1 - v / top);
		const low = Math.log(this.floor);
		return TOP + height * (1 - Math.max(0, (Math.log(Math.max(v,
		    this.floor)) - low) / (Math.log(top) - low)));
	}

	/* Points that belong together: none while nobody looked. */
	runs() {
		const runs = [];
		let before = -Infinity;
		for (const p of this.points) {
			if (p.t - before > GAP)
				runs.push([]);
			runs[runs.length - 1].push(p);
			before = p.t;
		}
		return runs;
	}

	draw() {
		const width = this.drawing.clientWidth;
		if (width === 0 || this.points.length === 0)
			return;
		const last = this.points[this.points.length - 1].t;
		const span = Math.min(SPAN_MOST, Math.max(SPAN_LEAST,
		    last - this.points[0].t));
		const x = (t) => LEFT + (width - LEFT - RIGHT) *
		    (t - last + span) / span;
		const top = this.top();
		const chosen = this.chosen(x);
		this.drawing.textContent = '';
		this.axes(width, top, last, span, x);
		if (this.stacked)
			this.areas(x, top);
		else
			this.lines(x, top);
		if (!this.points.some((p) => p.values.some((v) => v > 0)))
			this.drawing.append(svg('text', {x: width / 2, y: 80,
			    class: 'axis middle'},
			    'none since this page was opened'));
		if (this.pointer !== null && this.pointer !== undefined)
			this.drawing.append(svg('path', {class: 'cross',
			    d: 'M' + x(chosen.t).toFixed(1) + ' ' + TOP + 'V' +
			    (CHART_HEIGHT - BOTTOM)}));
		this.tell(chosen);
	}

	chosen(x) {
		const last = this.points[this.points.length - 1];
		if (this.pointer === null || this.pointer === undefined)
			return last;
		return this.points.reduce((best, p) =>
		    Math.abs(x(p.t) - this.pointer) <
		    Math.abs(x(best.t) - this.pointer) ? p : best, last);
	}

	axes(width, top, last, span, x) {
		const values = this.scale === 'log' ? [] : [0, top / 2, top];
		if (this.scale === 'log')
			for (let v = this.floor; v <= top * 1.001; v *= 10)
				values.push(v);
		for (const v of values) {
			const y = Math.round(this.y(v, top)) + 0.5;
			this.drawing.append(svg('path', {class: 'grid',
			    d: 'M' + LEFT + ' ' + y + 'H' + (width - RIGHT)}),
			    svg('text', {x: LEFT - 6, y: y + 4,
				class: 'axis end'},
			    (this.axis || this.show)(v).replace(/\.0+(?=$| )/, '')));
		}
		const step = [30, 60, 120, 300].find(
		    (s) => span / s <= Math.max(2, width / 90)) || 300;
		for (let t = Math.ceil((last - span) / step) * step; t <= last;
		    t += step) {
			if (x(t) < LEFT + 16 || x(t) > width - RIGHT - 16)
				continue;
			this.drawing.append(svg('text', {x: x(t),
			    y: CHART_HEIGHT - 5, class: 'axis middle'},
			    clock(new Date(t * 1000), step < 60)));
		}
	}

	/* The topmost first, each down to the ground: no gaps between. */
	areas(x, top) {
		const ground = this.y(0, top);
		for (let i = this.parts.length - 1; i >= 0; i--) {
			let d = '';
			for (const run of this.runs()) {
				const edge = run.map((p) => x(p.t).toFixed(1) +
				    ' ' + this.y(this.level(p, i), top)
				    .toFixed(1));
				d += 'M' + x(run[0].t).toFixed(1) + ' ' +
				    ground + 'L' + edge.join('L') + 'L' +
				    x(run[run.length - 1].t).toFixed(1) + ' ' +
				    ground + 'Z';
			}
			this.drawing.append(this.pattern(this.parts[i], i, ''),
			    svg('path', {class: 'area ' + this.parts[i].class,
				d}),
			    svg('path', {fill: 'url(#' + this.name(i, '') + ')',
				d}));
		}
	}

	lines(x, top) {
		this.parts.forEach((part, i) => {
			let d = '';
			for (const run of this.runs()) {
				let pen = 'M';
				for (const p of run) {
					const v = p.values[i];
					if (v === null) {
						pen = 'M';
						continue;
					}
					d += pen + x(p.t).toFixed(1) + ' ' +
					    this.y(v, top).toFixed(1);
					pen = 'L';
				}
			}
			this.drawing.append(svg('path',
			    {class: 'line ' + part.class, d: d || 'M0 0'}));
		});
	}

	/* The legend; and all of it in a sentence. */
	tell(point) {
		const last = this.points[this.points.length - 1];
		say(this.when, point === last ? 'now' :
		    'at ' + clock(new Date(point.t * 1000)));
		this.values.forEach((e, i) =>
		    say(e, this.word(point.values[i])));
		const sentence = this.title + ', ' + this.of + ', over ' +
		    age(last.t - this.points[0].t) + ': ' +
		    this.parts.map((part, i) => {
			const seen = this.points.map((p) => p.values[i])
			    .filter((v) => v !== null);
			return part.name + ' now ' + this.word(last.values[i]) +
			    (seen.length > 0 ? ', at most ' +
			    this.word(Math.max(...seen)) : '');
		    }).join('; ') + '.';
		this.drawing.setAttribute('aria-label', sentence);
	}

	word(value) {
		return value === null ? '\u2013' : this.show(value);
	}

	write() {
		if (!this.table.open || this.points.length === 0)
			return;
		const size = Math.ceil(this.points.length / TABLE_ROWS);
		const rows = [];
		for (let i = 0; i < this.points.length; i += size) {
			const some = this.points.slice(i, i + size);
			rows.push(el('tr', null, el('th', {scope: 'row'},
			    clock(new Date(some[0].t * 1000))),
			    this.parts.map((_, k) => {
				const seen = some.map((p) => p.values[k])
				    .filter((v) => v !== null);
				return el('td', {class: 'n'},
				    seen.length === 0 ? '\u2013' : this.word(
				    seen.reduce((a, b) => a + b, 0) /
				    seen.length));
			    })));
		}
		fill(this.body, rows);
	}
}
