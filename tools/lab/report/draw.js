/* The canvases. Marks that would lie on top of each other are counted into bars instead. */
const BIN = 4; /* px */
const ARROWS_MAX = 160; /* in the window; of more only the victims' ends are drawn */
const AXIS_HEIGHT = 62;

const shapes = {};
for (const name of Object.keys(outcomes))
	shapes[name] = new Path2D(outcomes[name].path);

function readColours() {
	const style = getComputedStyle(document.documentElement);
	for (const name of ['paper', 'ink', 'soft', 'line', 'session', 'registered', 'registered-ink',
		'plain', 'registrants', 'all', 'spc2', 'band-ink', 'preempt', 'crash', 'violation', 'focus',
		...Object.keys(outcomes)])
		view.colours[name] = style.getPropertyValue('--' + name).trim();
	view.font = style.getPropertyValue('--sans');
	view.mono = style.getPropertyValue('--mono');
	view.patterns = {};
}

/* A canvas' context, as large as the screen's own pixels ask for. */
function contextOf(canvas, width, height) {
	const scale = window.devicePixelRatio || 1;
	if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
		canvas.style.height = height + 'px';
		canvas.style.width = width + 'px';
	}
	const context = canvas.getContext('2d');
	context.setTransform(scale, 0, 0, scale, 0, 0);
	context.clearRect(0, 0, width, height);
	return context;
}

function hatched(context, colour, name, step) {
	if (!view.patterns[name]) {
		const tile = document.createElement('canvas');
		tile.width = tile.height = step;
		const pen = tile.getContext('2d');
		pen.strokeStyle = colour;
		pen.lineWidth = step / 3;
		pen.beginPath();
		for (const shift of [-step, 0, step]) {
			pen.moveTo(shift - 1, step + 1);
			pen.lineTo(shift + step + 1, -1);
		}
		pen.stroke();
		view.patterns[name] = context.createPattern(tile, 'repeat');
	}
	return view.patterns[name];
}

/* Text inside a box, when it fits. */
function label(context, text, x, y, room) {
	if (room > 14 && context.measureText(text).width <= room)
		context.fillText(text, x, y);
}

/* ---- lanes ---- */

function laneParts(top) {
	const h = view.laneHeight;
	const registered = Math.min(Math.max(Math.round(h * 0.17), 3), 12);
	const held = Math.min(Math.max(Math.round(h * 0.28), 4), 17);
	return {top, marks: {y: top + 2, h: h - held - registered - 5},
		held: {y: top + h - held - registered - 2, h: held},
		registered: {y: top + h - registered - 1, h: registered}};
}

function clipped(from, to) {
	const left = Math.max(xOf(from), GUTTER), right = Math.min(xOf(to), view.width);
	return {left, right, width: Math.max(right - left, 1), seen: right >= GUTTER && left <= view.width};
}

function drawSession(context, parts, box, band) {
	context.fillStyle = view.colours.session;
	context.fillRect(box.left, parts.top, box.width, view.laneHeight - 1);
	/* How it ended: in order, or torn off. */
	const end = eventOfLine.get(band[8]);
	if (!end || xOf(band[BAND.TO]) > view.width || xOf(band[BAND.TO]) < GUTTER)
		return;
	context.strokeStyle = end[EVENT.KIND] === 'logout' ? view.colours.soft : view.colours.crash;
	context.lineWidth = 1.5;
	context.setLineDash(end[EVENT.KIND] === 'logout' ? [] : [3, 2]);
	context.beginPath();
	context.moveTo(box.right, parts.top + 1);
	context.lineTo(box.right, parts.top + view.laneHeight - 2);
	context.stroke();
	context.setLineDash([]);
}

function drawRegistered(context, parts, box, band) {
	context.fillStyle = view.colours.registered;
	context.fillRect(box.left, parts.registered.y, box.width, parts.registered.h);
	if (xOf(band[BAND.FROM]) >= GUTTER) {
		context.fillStyle = view.colours.ink;
		context.fillRect(box.left, parts.registered.y, 1.5, parts.registered.h);
	}
	if (parts.registered.h < 9)
		return;
	context.fillStyle = view.colours['registered-ink'];
	context.font = '9px ' + view.mono;
	label(context, 'key ' + data.texts[band[BAND.KEY]], box.left + 4,
		parts.registered.y + parts.registered.h - 2.5, box.width - 8);
}

function drawHeld(context, parts, box, band) {
	const type = bandType(band), colour = view.colours[type.colour];
	context.globalAlpha = 0.13;
	context.fillStyle = colour;
	context.fillRect(box.left, parts.top, box.width, view.laneHeight - 1);
	context.globalAlpha = 1;
	context.fillRect(box.left, parts.held.y, box.width, parts.held.h);
	if (type.hatched) {
		context.globalAlpha = 0.35;
		context.fillStyle = hatched(context, view.colours.paper, 'type', 8);
		context.fillRect(box.left, parts.held.y, box.width, parts.held.h);
		context.globalAlpha = 1;
	}
	if (parts.held.h < 10)
		return;
	context.font = '600 ' + Math.min(parts.held.h - 3, 12) + 'px ' + view.font;
	const long = type.short + ' – ' + type.text;
	const text = context.measureText(long).width < box.width - 12 ? long : type.short;
	const wide = context.measureText(text).width;
	if (wide > box.width - 8)
		return;
	if (type.hatched) {
		context.fillStyle = colour;
		context.fillRect(box.left, parts.held.y, wide + 12, parts.held.h);
	}
	context.fillStyle = view.colours['band-ink'];
	context.fillText(text, box.left + 6, parts.held.y + parts.held.h - 3.5);
}

function drawBands(context, lane, parts) {
	const painters = {session: drawSession, holds: drawHeld, spc2: drawHeld, registered: drawRegistered};
	let count = 0;
	for (const name of ['session', 'holds', 'spc2', 'registered']) {
		if (view.hidden.has(name === 'spc2' ? 'holds' : name))
			continue;
		for (const band of lane.bands) {
			if (data.kinds[band[BAND.KIND]] !== name ||
				(name !== 'session' && band[BAND.LUN] !== view.lun))
				continue;
			const box = clipped(band[BAND.FROM], band[BAND.TO]);
			if (!box.seen)
				continue;
			painters[name](context, parts, box, band);
			count++;
		}
	}
	return count;
}

/* Commands of the lane that touch the window and are not filtered away. */
function commandsInWindow(lane) {
	const list = [];
	const at = (index) => data.commands[index][FROM];
	const last = lowerBound(lane.commands, view.to, at);
	for (let i = lowerBound(lane.commands, view.from - lane.longest, at); i < last; i++) {
		const command = data.commands[lane.commands[i]];
		if (command[TO] >= view.from && isShown(command))
			list.push(lane.commands[i]);
	}
	return list;
}

function markY(parts, lane, index) {
	const rows = Math.max(Math.min(lane.rows, Math.floor(parts.marks.h / 8)), 1);
	return parts.marks.y + parts.marks.h * ((rowOf[index] % rows) + 0.5) / rows;
}

/* Where a command's mark stands: at its answer, or where it was sent when none came. */
const markTime = (command) => outcomeName(command) === 'unknown' ? command[FROM] : command[TO];

function drawBins(context, parts, list) {
	const bins = new Map();
	const names = Object.keys(outcomes);
	let most = 1;
	for (const index of list) {
		const command = data.commands[index], x = xOf(markTime(command));
		if (x < GUTTER || x > view.width)
			continue;
		const slot = Math.floor((x - GUTTER) / BIN);
		if (!bins.has(slot))
			bins.set(slot, {count: 0, of: {}});
		const bin = bins.get(slot), outcome = outcomeName(command);
		bin.of[outcome] = (bin.of[outcome] || 0) + 1;
		most = Math.max(most, ++bin.count);
	}
	bins.forEach((bin, slot) => {
		const height = Math.max(parts.marks.h * Math.sqrt(bin.count / most), 3);
		let y = parts.marks.y + parts.marks.h;
		for (const outcome of names) {
			if (!bin.of[outcome])
				continue;
			/* What is rare still shows. */
			const part = Math.max(height * bin.of[outcome] / bin.count, 1.5);
			y -= part;
			context.fillStyle = view.colours[outcome];
			context.fillRect(GUTTER + slot * BIN, Math.max(y, parts.marks.y), BIN - 1, part);
		}
		view.bins.push({x: GUTTER + slot * BIN, y: parts.top, bin});
	});
}

function drawDuration(context, command, y, colour) {
	const from = Math.max(xOf(command[FROM]), GUTTER), to = Math.min(xOf(command[TO]), view.width);
	const open = outcomeName(command) === 'unknown';
	if (to - from < 2)
		return;
	context.strokeStyle = colour;
	context.lineWidth = 2;
	context.globalAlpha *= open ? 0.6 : 0.5;
	context.setLineDash(open ? [4, 3] : []);
	context.beginPath();
	context.moveTo(from, y);
	context.lineTo(to, y);
	if (!open && from > GUTTER) {
		context.moveTo(from, y - 3);
		context.lineTo(from, y + 3);
	}
	context.stroke();
	context.setLineDash([]);
	context.globalAlpha = 1;
}

function drawMark(context, index, x, y) {
	const command = data.commands[index], outcome = outcomeName(command);
	const high = view.laneHeight >= 30 ? 1 : 0.8;
	const size = (isData(command) ? 0.78 : 1.1) * high;
	context.save();
	context.translate(x, y);
	context.scale(size, size);
	context.lineWidth = 1.6 / size;
	context.strokeStyle = view.colours.paper;
	context.stroke(shapes[outcome]);
	context.fillStyle = view.colours[outcome];
	context.fill(shapes[outcome], 'evenodd');
	context.restore();
}

function drawMarks(context, lane, parts, list) {
	const chosen = view.violation >= 0 ? violationCommands[view.violation] : null;
	const first = view.marks.length;
	const rows = new Map();
	for (const index of list) {
		const command = data.commands[index], y = markY(parts, lane, index);
		context.globalAlpha = chosen && !chosen.has(index) ? 0.35 : 1;
		drawDuration(context, command, y, view.colours[outcomeName(command)]);
	}
	for (const index of list) {
		const x = xOf(markTime(data.commands[index])), y = markY(parts, lane, index);
		context.globalAlpha = chosen && !chosen.has(index) ? 0.35 : 1;
		drawMark(context, index, x, y);
		view.marks.push({x, y, index});
	}
	context.globalAlpha = 1;
	/* What was sent, where there is room before the next mark of the row. */
	context.font = '10px ' + view.font;
	const all = list.length < plotWidth() / 70;
	for (let i = view.marks.length - 1; i >= first && view.laneHeight >= 22; i--) {
		const mark = view.marks[i], command = data.commands[mark.index], end = xOf(command[FROM]);
		/* Behind the dashes of what got no answer, and behind a ring. */
		const x = Math.max(mark.x, xOf(command[TO])) + (chosen && chosen.has(mark.index) ? 4 : 0);
		const room = Math.min(rows.get(mark.y) ?? view.width, nextCrash(x)) - x - 14;
		context.globalAlpha = chosen && !chosen.has(mark.index) ? 0.45 : 1;
		context.fillStyle = isData(command) ? view.colours.soft : view.colours.ink;
		if (room > 24 && mark.x >= GUTTER && (all || !isData(command)))
			labelMark(context, mark, x, room);
		rows.set(mark.y, Math.min(end, mark.x) - 6);
	}
	context.globalAlpha = 1;
}

/* Where the next crash lies, or the window's end. */
function nextCrash(x) {
	const next = data.outages.find(([from]) => xOf(from) >= x);
	return next ? Math.min(xOf(next[0]), view.width) : view.width;
}

function labelMark(context, mark, x, room) {
	const command = data.commands[mark.index], text = data.texts[command[TEXT]];
	const short = opName(command).replaceAll('_', ' ');
	for (const wanted of [text + ' → ' + data.texts[command[RESULT]], text, short])
		if (context.measureText(wanted).width <= room) {
			context.fillText(wanted, x + 9, mark.y + 3.5);
			return;
		}
}

/* Bars for the many, marks for the few: reservations' commands apart from the data's. */
function drawCommands(context, lane, parts) {
	const list = commandsInWindow(lane);
	const rows = Math.max(Math.min(lane.rows, Math.floor(parts.marks.h / 8)), 1);
	const room = plotWidth() * rows / 9;
	const singles = [], many = [];
	const others = list.filter((index) => !isData(data.commands[index]));
	const few = list.length <= room ? list : others.length <= room / 2 ? others : [];
	const fewSet = new Set(few);
	for (const index of list)
		(fewSet.has(index) ? singles : many).push(index);
	if (many.length > 0)
		drawBins(context, parts, many);
	drawMarks(context, lane, parts, singles);
	return {drawn: singles.length, binned: many.length};
}

/* ---- across lanes ---- */

function drawOutages(context, height) {
	for (const [from, to, , up] of data.outages) {
		const box = clipped(from, to);
		if (!box.seen)
			continue;
		context.globalAlpha = 0.28;
		context.fillStyle = hatched(context, view.colours.crash, 'crash', 12);
		context.fillRect(box.left, 0, box.width, height);
		context.globalAlpha = 1;
		context.fillStyle = view.colours.crash;
		if (xOf(from) >= GUTTER)
			context.fillRect(box.left - 1, 0, 2, height);
		if (up && xOf(to) <= view.width)
			for (let y = 0; y < height; y += 8)
				context.fillRect(box.right - 1, y, 2, 4);
	}
}

function laneTop(nexus) {
	return nexus * view.laneHeight - $('lanes').scrollTop;
}

function arrowHead(context, x, y, angle, size) {
	context.beginPath();
	context.moveTo(x, y);
	for (const side of [-0.45, 0.45])
		context.lineTo(x - size * Math.cos(angle + side), y - size * Math.sin(angle + side));
	context.closePath();
	context.fill();
}

/* The victim's registration ends here. */
function drawVictim(context, x, to, fromAbove) {
	const y = fromAbove ? to.marks.y : to.registered.y + to.registered.h;
	const size = Math.min(8, view.laneHeight / 3);
	context.fillRect(x - 1, to.held.y, 2, to.registered.y + to.registered.h - to.held.y);
	arrowHead(context, x, y + (fromAbove ? size : -size / 2), fromAbove ? Math.PI / 2 : -Math.PI / 2, size);
}

function drawArrow(context, index, victim, whole) {
	const command = data.commands[index], attacker = command[NEXUS], down = victim > attacker;
	const x = xOf(command[TO]);
	const to = laneParts(laneTop(victim));
	context.strokeStyle = context.fillStyle = view.colours.preempt;
	drawVictim(context, x, to, down);
	if (!whole)
		return;
	const y0 = markY(laneParts(laneTop(attacker)), lanes[attacker], index);
	const y1 = down ? to.marks.y : to.registered.y + to.registered.h;
	const bow = Math.min(6 + Math.abs(y1 - y0) * 0.08, 26);
	context.lineWidth = opName(command) === 'preempt_and_abort' ? 2.6 : 1.5;
	context.beginPath();
	context.moveTo(x, y0 + (down ? 6 : -6));
	context.bezierCurveTo(x + bow, y0 + (y1 - y0) * 0.25, x + bow, y0 + (y1 - y0) * 0.75, x, y1);
	context.stroke();
}

function drawArrows(context) {
	const seen = data.preempts.filter(([index, , lun]) => {
		const command = data.commands[index];
		return lun === view.lun && isShown(command) && command[TO] >= view.from &&
			command[TO] <= view.to;
	});
	if (view.hidden.has('arrows'))
		return 0;
	context.globalAlpha = seen.length > 60 ? 0.6 : 0.95;
	for (const [index, victim] of seen)
		drawArrow(context, index, victim, seen.length <= ARROWS_MAX || index === view.pinned ||
			index === view.hover || index === view.cursor);
	context.globalAlpha = 1;
	return seen.length;
}

function ring(context, index, colour, number) {
	const command = data.commands[index], x = xOf(markTime(command));
	const y = markY(laneParts(laneTop(command[NEXUS])), lanes[command[NEXUS]], index);
	if (x < GUTTER - 8 || x > view.width + 8)
		return;
	context.strokeStyle = colour;
	context.lineWidth = 2.5;
	context.beginPath();
	context.arc(x, y, 9, 0, 2 * Math.PI);
	context.stroke();
	if (!number)
		return;
	context.font = '700 11px ' + view.font;
	const wide = context.measureText(number).width + 6;
	context.fillStyle = colour;
	context.fillRect(x - wide - 9, y - 8, wide, 15);
	context.fillStyle = view.colours.paper;
	context.fillText(number, x - wide - 6, y + 4);
}

function drawRings(context) {
	const chosen = view.violation >= 0 ? violationCommands[view.violation] : null;
	for (const index of guilty)
		if (index !== undefined && isShown(data.commands[index]) && !(chosen && chosen.has(index)))
			ring(context, index, view.colours.violation);
	if (chosen)
		chosen.forEach((number, index) => ring(context, index, view.colours.violation, number));
	for (const index of new Set([view.pinned, view.cursor, view.hover]))
		if (index >= 0)
			ring(context, index, view.colours.focus);
}

/* ---- time ---- */

function tickStep(span) {
	const least = span / Math.max(plotWidth() / 110, 2);
	const power = 10 ** Math.floor(Math.log10(least));
	return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least);
}

function ticks() {
	const step = tickStep(view.to - view.from), list = [];
	for (let n = Math.ceil(view.from / step); n * step <= view.to; n++)
		if (n >= 0)
			list.push(n * step);
	return {step, list};
}

function tickText(ns, step) {
	const [size, unit] = units.find(([least]) => step >= least * 0.999) || units[3];
	/* A moment far from the start reads better in seconds. */
	if (size < 1e9 && ns >= 1e9)
		return (ns / 1e9).toFixed(Math.ceil(-Math.log10(step / 1e9) - 1e-9)) + ' s';
	return Number((ns / size).toFixed(3)) + ' ' + unit;
}

function drawAxis() {
	const context = contextOf($('axis'), view.width, AXIS_HEIGHT);
	const {step, list} = ticks();
	context.font = '11px ' + view.font;
	context.fillStyle = view.colours.soft;
	context.fillText('time', 10, 15);
	for (const ns of list) {
		const x = xOf(ns), text = tickText(ns, step);
		const left = Math.max(x - context.measureText(text).width / 2, GUTTER + 2);
		context.fillRect(x, 19, 1, 5);
		if (left + context.measureText(text).width < view.width)
			context.fillText(text, left, 15);
	}
	drawAxisEvents(context);
	drawHolders(context);
}

/* Who held the disk, lane or no lane: one strip over everything. */
function drawHolders(context) {
	const top = 40, height = AXIS_HEIGHT - top - 2;
	context.fillStyle = view.colours.soft;
	context.font = '11px ' + view.font;
	context.fillText('held by', 10, top + 14);
	context.fillStyle = view.colours.session;
	context.fillRect(GUTTER, top, view.width - GUTTER, height);
	for (const band of data.bands) {
		const kind = data.kinds[band[BAND.KIND]], box = clipped(band[BAND.FROM], band[BAND.TO]);
		if ((kind !== 'holds' && kind !== 'spc2') || band[BAND.LUN] !== view.lun || !box.seen)
			continue;
		const type = bandType(band), everybody = type.colour === 'all';
		context.fillStyle = view.colours[type.colour];
		context.fillRect(box.left, top, box.width, height);
		/* Handing over between two of the same type still shows. */
		context.fillStyle = view.colours.paper;
		context.fillRect(box.right - 1, top, 1, height);
		context.font = '600 11px ' + view.font;
		context.fillStyle = view.colours['band-ink'];
		const who = everybody ? 'all registrants' : nexusName(band[BAND.NEXUS]);
		const long = who + '  ' + type.short;
		label(context, context.measureText(long).width < box.width - 10 ? long : who, box.left + 5,
			top + 14, box.width - 8);
	}
}

/* Crashes and notes have no lane of their own. */
function drawAxisEvents(context) {
	let room = GUTTER;
	for (const event of data.events) {
		const x = xOf(event[EVENT.AT]), kind = event[EVENT.KIND];
		if (x < GUTTER || x > view.width || !['crash', 'up', 'note', 'medium'].includes(kind) ||
			(x < room && kind !== 'crash'))
			continue;
		context.fillStyle = kind === 'crash' ? view.colours.crash : view.colours.soft;
		context.beginPath();
		context.moveTo(x, 37);
		context.lineTo(x - 4, 29);
		context.lineTo(x + 4, 29);
		context.fill();
		const text = kind === 'note' ? data.texts[event[EVENT.TEXT]] : kind;
		if (kind === 'medium')
			continue;
		context.font = (kind === 'crash' ? '700 ' : '') + '10px ' + view.font;
		const wide = context.measureText(text).width;
		if (x + 8 + wide > view.width)
			continue;
		context.fillText(text, x + 7, 36);
		room = x + wide + 16;
	}
}

let overviewBars = null;
function countOverview(width) {
	const slots = Math.ceil(width / 2);
	const all = Object.keys(outcomes), bars = Array.from({length: slots}, () => new Array(all.length).fill(0));
	for (const command of data.commands) {
		const slot = Math.floor((markTime(command) - whole.from) / (whole.to - whole.from) * slots);
		bars[Math.min(Math.max(slot, 0), slots - 1)][all.indexOf(outcomeName(command))]++;
	}
	return {width, bars, most: Math.max(1, ...bars.map((bar) => bar.reduce((a, b) => a + b, 0)))};
}

function drawOverview() {
	const height = 46, context = contextOf($('overview'), view.width, height), width = plotWidth();
	const x = (ns) => GUTTER + (ns - whole.from) / (whole.to - whole.from) * width;
	if (!overviewBars || overviewBars.width !== width)
		overviewBars = countOverview(width);
	context.font = '11px ' + view.font;
	context.fillStyle = view.colours.soft;
	context.fillText('all ' + durationText(data.end_ns), 10, 27);
	for (const [from, to] of data.outages) {
		context.globalAlpha = 0.3;
		context.fillStyle = view.colours.crash;
		context.fillRect(x(from), 0, Math.max(x(to) - x(from), 1.5), height);
	}
	context.globalAlpha = 1;
	overviewBars.bars.forEach((bar, slot) => {
		const sum = bar.reduce((a, b) => a + b, 0);
		let y = height - 4;
		bar.forEach((count, which) => {
			if (count === 0)
				return;
			const part = Math.max((height - 12) * Math.sqrt(sum / overviewBars.most) * count / sum, 1);
			context.fillStyle = view.colours[Object.keys(outcomes)[which]];
			context.fillRect(GUTTER + slot * 2, y - part, 1.5, part);
			y -= part;
		});
	});
	context.fillStyle = view.colours.violation;
	for (const index of guilty)
		if (index !== undefined) {
			const at = x(markTime(data.commands[index]));
			context.beginPath();
			context.moveTo(at, 8);
			context.lineTo(at - 4, 0);
			context.lineTo(at + 4, 0);
			context.fill();
		}
	context.globalAlpha = 0.55;
	context.fillStyle = view.colours.paper;
	context.fillRect(GUTTER, 0, Math.max(x(view.from) - GUTTER, 0), height);
	context.fillRect(x(view.to), 0, view.width, height);
	context.globalAlpha = 1;
	context.strokeStyle = view.colours.focus;
	context.lineWidth = 2;
	context.strokeRect(x(view.from) + 1, 1, Math.max(x(view.to) - x(view.from) - 2, 2), height - 2);
}

/* ---- all of it ---- */

function drawGrid(context, height) {
	context.globalAlpha = 0.07;
	context.fillStyle = view.colours.ink;
	for (const ns of ticks().list)
		context.fillRect(xOf(ns), 0, 1, height);
	context.globalAlpha = 1;
}

function drawLanes(context, totals) {
	const first = Math.max(Math.floor($('lanes').scrollTop / view.laneHeight), 0);
	for (let n = first; n < lanes.length; n++) {
		const parts = laneParts(laneTop(n));
		if (parts.top > view.height)
			break;
		totals.bands += drawBands(context, lanes[n], parts);
		context.fillStyle = view.colours.line;
		context.fillRect(GUTTER, parts.top + view.laneHeight - 1, view.width, 1);
		totals.lanes++;
	}
	drawGrid(context, view.height);
	drawOutages(context, Math.min(lanes.length * view.laneHeight, view.height));
	for (let n = first; n < first + totals.lanes; n++) {
		const counts = drawCommands(context, lanes[n], laneParts(laneTop(n)));
		totals.marks += counts.drawn;
		totals.binned += counts.binned;
	}
}

function draw() {
	layOut();
	const context = contextOf($('view'), view.width, view.height);
	const totals = {marks: 0, binned: 0, bands: 0, lanes: 0, arrows: 0};
	view.marks = [];
	view.bins = [];
	context.save();
	context.beginPath();
	context.rect(GUTTER, 0, view.width - GUTTER, view.height);
	context.clip();
	drawLanes(context, totals);
	totals.arrows = drawArrows(context);
	drawRings(context);
	context.restore();
	drawAxis();
	drawOverview();
	placeLabels();
	$('range').textContent = momentText(Math.max(view.from, 0), view.to - view.from) + ' to ' +
		momentText(Math.min(view.to, data.end_ns), view.to - view.from) + ' (' +
		durationText(Math.min(view.to, data.end_ns) - Math.max(view.from, 0)) + ')';
	/* For tests: what this drawing shows. */
	Object.assign(document.documentElement.dataset, totals);
}
