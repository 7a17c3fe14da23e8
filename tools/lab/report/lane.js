/* One lane: bands and commands. Marks that would lie on top of each other are counted into bars. */
const BIN = 4; /* px */

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
	const last = lowerBound(lane.commands, view.until, at);
	for (let i = lowerBound(lane.commands, view.since - lane.longest, at); i < last; i++) {
		const command = data.commands[lane.commands[i]];
		if (command[TO] >= view.since && isShown(command))
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
	const unlabelled = [];
	const all = list.length < plotWidth() / 70;
	for (let i = view.marks.length - 1; i >= first && view.laneHeight >= 22; i--) {
		const mark = view.marks[i], command = data.commands[mark.index], end = xOf(command[FROM]);
		/* Behind the dashes of what got no answer, and behind a ring. */
		const x = Math.max(mark.x, xOf(command[TO])) + (chosen && chosen.has(mark.index) ? 4 : 0);
		const room = Math.min(rows.get(mark.y) ?? view.width, nextCrash(x)) - x - 14;
		context.globalAlpha = chosen && !chosen.has(mark.index) ? 0.45 : 1;
		context.fillStyle = isData(command) ? view.colours.soft : view.colours.ink;
		if (mark.x >= GUTTER && (all || !isData(command)) && !labelMark(context, mark, x, room) &&
			!isData(command) && lane.rows === 1)
			unlabelled.push(mark);
		rows.set(mark.y, Math.min(end, mark.x) - 6);
	}
	context.globalAlpha = 1;
	if (view.laneHeight >= 56)
		labelAbove(context, unlabelled.reverse());
}

/* Commands on reservations that have no room beside them: over their marks, from left to right. */
function labelAbove(context, marks) {
	let free = GUTTER;
	context.fillStyle = view.colours.ink;
	for (const mark of marks) {
		const text = opName(data.commands[mark.index]).replaceAll('_', ' ');
		const wide = context.measureText(text).width, x = Math.min(mark.x - 5, view.width - wide - 4);
		if (x < free)
			continue;
		context.fillText(text, x, mark.y - 11);
		free = x + wide + 6;
	}
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
			return true;
		}
	return false;
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
