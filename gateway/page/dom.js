'use strict';
/*
 * dom -- elements and the text in them
 *
 * Text comes from strangers: it is only ever put in as text, controls and
 * what turns the direction of writing are shown by name, and it is cut.
 */
const UNSHOWN = new RegExp([
	'[\\u0000-\\u001f\\u007f-\\u009f]',		/* controls */
	'[\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069]',
	'[\\ufeff\\ufff9-\\ufffb]',
	'[\\ud800-\\udbff](?![\\udc00-\\udfff])',	/* halves of characters */
	'(?<![\\ud800-\\udbff])[\\udc00-\\udfff]',
].join('|'), 'g');
const CELL_MAX = 120;
const TEXT_MAX = 4000;

const $ = (id) => document.getElementById(id);

function shown(value, max = TEXT_MAX) {
	const text = String(value);
	const cut = [...text.slice(0, 2 * max)].slice(0, max).join('');
	const clean = cut.replace(UNSHOWN, (c) => {
		const n = c.charCodeAt(0);
		if (n < 32)
			return String.fromCharCode(0x2400 + n);
		return '\u27e8' + n.toString(16).padStart(4, '0') + '\u27e9';
	    });
	return cut.length < text.length ?
	    clean + '\u2026 (' + whole(text.length) + ' characters)' : clean;
}

/* el('td', {class: 'n'}, 'text', node, ...) */
function el(name, attributes, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		if (value === true)
			e.setAttribute(key, '');
		else if (value !== null && value !== undefined && value !== false)
			e.setAttribute(key, value);
	put(e, ...children);
	return e;
}

function put(e, ...children) {
	for (const child of children.flat(Infinity))
		if (child !== null && child !== undefined && child !== false)
			e.append(child instanceof Node ? child : shown(child));
	return e;
}

function fill(e, ...children) {
	e.textContent = '';
	return put(e, ...children);
}

/* Nothing is touched that is right already: selections and readers stay. */
function say(e, text) {
	const clean = shown(text);
	if (e.textContent !== clean)
		e.textContent = clean;
}

function svg(name, attributes, text) {
	const e = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes || {}))
		e.setAttribute(key, value);
	if (text !== undefined)
		e.textContent = text;
	return e;
}

/*
 * A state in words, with a sign of its own: colour is never alone.
 */
const SIGNS = {good: '\u2713', warn: '\u25b2', bad: '\u2716', idle: '\u25cb'};

const KIND_OF = {
	up: 'good', good: 'good', running: 'good', delivered: 'good',
	remembered: 'good', accept: 'good', taken: 'good',
	draining: 'warn', suspended: 'warn', deferred: 'warn', mixed: 'warn',
	readonly: 'warn', full: 'bad', stopping: 'warn', defer: 'warn',
	starting: 'warn', quarantined: 'warn', quarantine: 'warn',
	down: 'bad', refused: 'bad', failed: 'bad', reject: 'bad',
	hanging: 'bad', dead: 'bad', 'turned-away': 'bad', stuck: 'bad',
};

function sign(word, kind) {
	const k = kind || KIND_OF[word] || 'idle';
	return el('span', {class: 'sign ' + k},
	    el('span', {'aria-hidden': 'true'}, SIGNS[k]), ' ', shown(word, 40));
}

/*
 * A table whose rows have keys: what did not change stays where it is, with
 * focus and selection.
 *
 *	columns	[{name, n: numbers, title: of the column}]
 *	update([{key, cells: [text or node or {sort, show}], href}])
 *
 * A cell that is an array is [key, function that makes the node]: it is made
 * anew only when the key is another.
 */
class Grid {
	constructor(into, caption, columns, empty) {
		this.columns = columns;
		this.rows = new Map();
		this.empty = el('p', {class: 'quiet'}, empty);
		this.caption = el('caption', null, caption);
		this.body = el('tbody');
		this.table = el('table', {class: columns.length > 4 ?
		    'cards' : null}, this.caption,
		    el('thead', null, el('tr', null, columns.map((c) =>
			el('th', {scope: 'col', class: c.n ? 'n' : null,
			    title: c.title}, c.name)))), this.body);
		this.into = into;
		into.append(this.table, this.empty);
	}

	update(rows) {
		const had = document.activeElement;
		const within = this.body.contains(had);
		const keys = new Set(rows.map((r) => r.key));
		for (const [key, row] of this.rows)
			if (!keys.has(key)) {
				row.tr.remove();
				this.rows.delete(key);
			}
		let at = this.body.firstChild;
		for (const given of rows) {
			const row = this.row(given);
			if (row.tr === at)
				at = at.nextSibling;
			else
				this.body.insertBefore(row.tr, at);
			this.write(row, given);
		}
		if (within && had.isConnected && document.activeElement !== had)
			had.focus({preventScroll: true});
		this.table.hidden = rows.length === 0;
		this.empty.hidden = rows.length > 0;
	}

	row(given) {
		let row = this.rows.get(given.key);
		if (row)
			return row;
		row = {tr: el('tr'), was: []};
		this.columns.forEach((c, i) => row.tr.append(
		    el(i === 0 ? 'th' : 'td', {scope: i === 0 ? 'row' : null,
			class: c.n ? 'n' : null, 'data-name': c.name})));
		this.rows.set(given.key, row);
		return row;
	}

	write(row, given) {
		row.tr.className = given.class || '';
		given.cells.forEach((cell, i) => {
			const key = Array.isArray(cell) ? cell[0] : cell;
			if (row.was[i] === key)
				return;
			row.was[i] = key;
			fill(row.tr.children[i], Array.isArray(cell) ?
			    cell[1]() : shown(cell ?? '', CELL_MAX));
			row.tr.children[i].classList.toggle('nil',
			    cell === '0' || cell === '0 /s');
		});
	}
}

/* A table that is written once: names and values of one thing. */
function pairs(list, caption) {
	return el('table', {class: 'pairs',
	    'aria-label': caption ? null : 'In short'},
	    caption ? el('caption', null, caption) : null,
	    el('tbody', null, list.map(([name, value]) => el('tr', null,
		el('th', {scope: 'row'}, name), el('td', null, value)))));
}

function details(summary, ...children) {
	return el('details', null, el('summary', null, summary), children);
}
