#!/usr/bin/env bash
# The report's page in a real browser: histories of tests/lab/histories and a long one become pages
# that show every command, run without an error, and do what keys and mouse ask for. Screenshots stay
# in the build folder. Without Chromium only the making of the pages is tested.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${HOLDFAST_LAB:=build/holdfast-lab}"
shots=$(dirname "$HOLDFAST_LAB")/report
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$shots"
passed=0
failed=0

# check WHAT COMMAND...
check() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		echo "FAIL $what"
		failed=$((failed + 1))
	fi
}

# make_page HISTORY PAGE [OPTION]...
make_page() {
	local history=$1 page=$2
	shift 2
	"$HOLDFAST_LAB" report "$@" -o "$page" "$history" && [ -s "$page" ]
}

# 64 initiators, 100,000 events: each registers, and then writes.
long_history() {
	awk 'BEGIN {
		print "{\"holdfast_history\":1,\"target\":\"iqn.2026-11.test:long\"}"
		for (n = 0; n < 64; n++)
			printf "{\"at_ns\":0,\"kind\":\"nexus\",\"number\":%d,\"name\":\"iqn.test:n%d\"}\n", n, n
		for (c = 0; c < 49968; c++) {
			n = (c * 37) % 64; at = c * 1000
			op = "\"op\":\"register\",\"action_key\":\"0x1\""
			if (c >= 64)
				op = sprintf("\"op\":\"write\",\"lba\":%d,\"blocks\":1,\"sequence\":%d", n, c)
			printf "{\"at_ns\":%d,\"kind\":\"invoke\",\"nexus\":%d,\"command\":%d,%s}\n", at, n, c, op
			printf "{\"at_ns\":%d,\"kind\":\"return\",\"nexus\":%d,\"command\":%d,\"outcome\":\"%s\"}\n",
				at + 700, n, c, c % 5 ? "good" : "conflict"
		}
	}'
}

# ---- without a browser ----

for history in fencing violation crash hostile; do
	check "page of $history" make_page "tests/lab/histories/$history.json" "$folder/$history.html"
done
long_history >"$folder/long.json"
check "the long history has 100,000 events" test "$(wc -l <"$folder/long.json")" -eq 100001
check "page of a long history" make_page "$folder/long.json" "$folder/long.html" --no-judge
check "a page is made of standard input, too" \
	sh -c '"$0" report -o - - <tests/lab/histories/crash.json | cmp - "$1"' "$HOLDFAST_LAB" "$folder/crash.html"
no_folder() {
	"$HOLDFAST_LAB" report -o "$folder/none/page.html" tests/lab/histories/crash.json 2>"$folder/said"
	[ $? -eq 4 ] && grep -q "none/page.html" "$folder/said"
}
check "a page that cannot be written is said to be so" no_folder
no_output() {
	"$HOLDFAST_LAB" report tests/lab/histories/crash.json 2>/dev/null
	[ $? -eq 2 ]
}
check "a report needs to know where to" no_output
export_whole() {
	"$HOLDFAST_LAB" export --porcupine -o "$folder/calls" tests/lab/histories/crash.json &&
		[ "$(grep -c '"kind":"call"' "$folder/calls")" -eq "$(grep -c '"kind":"return"' "$folder/calls")" ] &&
		[ "$(grep -c '"kind":"call"' "$folder/calls")" -eq $((26 + 6 + 3 + 1)) ]
}
check "every command, session and crash goes to Porcupine with its return" export_whole

# ---- with one ----

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then
	echo "skipped: nobody looked at the pages: no chromium here (tools/install-deps --browser)"
	echo "$passed passed, $failed failed"
	exit $((failed != 0))
fi

# browse PAGE OPTION...
browse() {
	local page=$1
	shift
	timeout --kill-after=10 180 "$chromium" --headless --no-sandbox --disable-gpu --no-first-run \
		--disable-dev-shm-usage --hide-scrollbars --user-data-dir="$folder/profile" \
		--window-size=1600,1000 --virtual-time-budget=5000 "$@" "file://$page" \
		2>"$folder/browser.log" </dev/null
}

# look NAME: the page as the browser has it goes to $dom, its root element's tag to $root
look() {
	dom=$folder/$1.dom
	browse "$folder/$1.html" --dump-dom >"$dom"
	root=$(grep -m 1 -o '<html[^>]*>' "$dom")
}

# data NAME: a data attribute of the root element
data() {
	sed -n "s/.* data-$1=\"\([^\"]*\)\".*/\1/p" <<<"$root"
}

# shows NAME VALUE
shows() {
	[ "$(data "$1")" = "$2" ] && return
	echo "     data-$1 is $(data "$1"), not $2: $root"
	return 1
}

picture() { # NAME PAGE OPTION...
	local file=$shots/$1.png
	rm -f "$file"
	browse "$folder/$2.html${4:-}" ${3:+"$3"} --screenshot="$file" >/dev/null
	[ "$(wc -c <"$file")" -gt 20000 ]
}

# history, commands, arrows, violations
while read -r name commands arrows violations; do
	look "$name"
	check "$name: the script runs to its end" shows ready true
	check "$name: without an error" shows errors 0
	check "$name: knows every command" shows commands "$commands"
	check "$name: a mark for each" shows marks "$commands"
	check "$name: arrows of preempts" shows arrows "$arrows"
	check "$name: violations" shows violations "$violations"
	check "$name: a picture" picture "$name" "$name"
done <<-'END'
	fencing 37 1 0
	violation 35 1 1
	crash 26 0 0
	hostile 4 0 0
END
check "hostile names make no element of their own" \
	test "$(grep -c 'onerror\|<x>' <(grep -o '<img[^>]*>\|<x>' "$folder/hostile.dom"))" -eq 0
check "a hostile name is shown as text" grep -q 'title="[^"]*&lt;/script\|title="[^"]*</script' "$folder/hostile.dom"
check "a picture in the dark" picture fencing-dark fencing --blink-settings=preferredColorScheme=0
check "the violation's evidence" picture violation-chosen violation "" "#v=1"

look long
check "long: without an error" shows errors 0
check "long: knows every command" shows commands 49968
check "long: each is drawn, by itself or with others" \
	test "$(($(data marks) + $(data binned)))" -ge "$((49968 / 64 * $(data lanes)))"
check "long: many are drawn together" test "$(data binned)" -gt 20000
check "long: a picture" picture long long
check "long: a picture on the even scale" picture long-even long "" "#even=1"
check "long: a picture from near" picture long-near long "" "#t=0.010,0.0101"

# ---- what keys and mouse do ----

# probe HISTORY SCRIPT: runs it in the page when that has drawn; what it returns goes to $said
probe() {
	local page=$folder/probe.html
	sed '/^<\/body>/d; /^<\/html>/d' "$folder/$1.html" >"$page"
	cat >>"$page" <<-END
		<script>
		const key = (key) => document.activeElement.dispatchEvent(
			new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
		const at = (x, y) => {
			const box = \$('view').getBoundingClientRect();
			return {clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true,
				pointerId: 1};
		};
		\$('view').setPointerCapture = () => {};
		const probe = () => { $2 };
		document.body.append(element('output', String(probe())));
		document.body.lastChild.id = 'probed';
		</script>
		</body>
		</html>
	END
	look probe
	said=$(grep -o '<output id="probed">[^<]*' "$folder/probe.dom" | sed 's/.*>//; s/&gt;/>/g')
}

# says WHAT HISTORY EXPECTED SCRIPT
says() {
	probe "$2" "$4"
	if [ "$said" != "$3" ] || [ "$(data errors)" != 0 ]; then
		echo "     got '$said', not '$3'; $root"
		false
	fi
	check "$1" test $? -eq 0
}

says "arrows and Enter pin a command" fencing "register key 0x0 -> 0xa1 aptpl" "
	\$('view').focus(); key('ArrowRight'); key('Enter');
	return \$('pinned').querySelector('b').textContent;"
says "the next command of the lane is one to the right" fencing "reserve WE-RO with 0xa1" "
	\$('view').focus(); key('ArrowRight'); key('ArrowRight'); key('Enter');
	return \$('pinned').querySelector('b').textContent;"
says "v goes to the violation and shows its evidence" violation "true 0 false" "
	const before = view.violation; key('v');
	return [before === -1, view.violation, \$('violations').querySelector('ol').hidden].join(' ');"
says "Escape lets go" violation "-1" "key('v'); key('Escape'); return view.violation;"
says "the wheel zooms where the pointer is" fencing "true true" "
	const x = 700, moment = timeOf(x), span = view.to - view.from;
	\$('view').dispatchEvent(new WheelEvent('wheel', {...at(x, 40), deltaY: -120}));
	return [view.to - view.from < span * 0.8, Math.abs(timeOf(x) - moment) < 10].join(' ');"
says "buttons zoom, move and fit" fencing "true true true" "
	const span = view.to - view.from; \$('zoom-in').click();
	const near = view.to - view.from < span * 0.6, from = view.from; \$('later').click();
	const moved = view.from > from; \$('fit').click();
	return [near, moved, view.to - view.from === span].join(' ');"
says "e gives each moment the same room, and time back" crash "true true true true" "
	const gaps = () => {
		const at = [...new Set(data.commands.map((command) => xOf(command[FROM])))].sort((a, b) => a - b);
		return at.slice(1).map((x, i) => x - at[i]);
	};
	const spread = (list) => Math.max(...list) / Math.min(...list);
	const before = spread(gaps()), range = \$('range').textContent; key('e'); draw();
	const even = [spread(gaps()) < before / 3, \$('range').textContent === range,
		Math.abs(timeOf(xOf(123456)) - 123456) < 1];
	key('e'); draw();
	return [...even, spread(gaps()) === before].join(' ');"
says "a window keeps its moments when the scale changes" fencing "true" "
	setWindow(placeOf(2000), placeOf(9000)); const {since, until} = view; key('e');
	return Math.abs(view.since - since) < 1 && Math.abs(view.until - until) < 1;"
says "hovering tells the command and its result" crash "test_unit_ready check 6/29/00, power on, reset, or bus device reset occurred" "
	const mark = view.marks.find((m) => outcomeName(data.commands[m.index]) === 'unit_attention');
	\$('view').dispatchEvent(new PointerEvent('pointermove', at(mark.x, mark.y)));
	return [...\$('tip').querySelectorAll('b')].map((b) => b.textContent).join(' ');"
says "a click pins" crash "true" "
	const mark = view.marks[3];
	\$('view').dispatchEvent(new PointerEvent('pointerdown', at(mark.x, mark.y)));
	\$('view').dispatchEvent(new PointerEvent('pointerup', at(mark.x, mark.y)));
	return view.pinned === mark.index;"
says "hovering a lane tells who was what" crash "logged in,registered with 0xa1,holds Exclusive Access, Registrants Only" "
	const texts = bandsText(0, 4e6);
	return texts.map((text) => text.replace(/ since.*/, '')).join();"
says "a filter takes marks away and brings them back" fencing "37 13 37" "
	const all = view.marks.length, box = [...\$('groups').querySelectorAll('label')].find((label) =>
		label.textContent.startsWith('Write')).querySelector('input');
	box.click(); draw(); const fewer = view.marks.length; box.click(); draw();
	return [all, fewer, view.marks.length].join(' ');"
says "what happened is told in words" crash "the target is dead, the target is up" "
	return [...\$('happened').querySelectorAll('button')].map((b) => b.textContent.replace(/^.* s  /, '')).join(', ');"
says "the summary counts every command" violation "35" "
	return [...\$('counts').querySelectorAll('tbody tr')].reduce((sum, row) =>
		sum + Number(row.cells[row.cells.length - 3].textContent), 0);"

# Would an error be seen at all?
sed 's/^start();$/undefined_function();/' "$folder/fencing.html" >"$folder/broken.html"
look broken
check "an error in a script shows" shows errors 1

echo "$passed passed, $failed failed; pictures are in $shots"
[ "$failed" -eq 0 ]
