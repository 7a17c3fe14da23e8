#!/usr/bin/env bash
# What docs/tgt.md says of tgt: each scenario of tests/tgt has a history in tests/lab/histories/tgt, recorded from it, in which
# the judge finds the rule broken that the scenario names, and the page lists it.
# And real fights of 32 initiators with our daemon (two commands of each under way, one kill -9), of 13,000 and of 30,000 events,
# are decided, with what the daemon tells of its order: in its journal alone (crowd, crowd-long), or in its trace (crowd-decided).
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${HOLDFAST_LAB:=build/holdfast-lab}"
passed=0
failed=0
for scenario in tests/tgt/*.lua; do
	name=$(basename "$scenario" .lua)
	history=tests/lab/histories/tgt/$name.json
	rule=$(sed -n 's/^-- rule: //p' "$scenario")
	said=$("$HOLDFAST_LAB" judge "$history" 2>&1)
	if [ $? -eq 1 ] && grep -q "^BROKEN   $rule: " <<<"$said" && [ "$(grep -c ^BROKEN <<<"$said")" -eq 1 ] &&
		grep -q "/$name.json.*\`$rule\`" docs/tgt.md; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "wrong  $history is not judged as $scenario says ($rule), or docs/tgt.md does not tell of it"
		tail -n 20 <<<"$said" | sed 's/^/       | /'
	fi
done
crowd=$(mktemp)
trap 'rm -f "$crowd"' EXIT
for fight in tests/lab/histories/crowd*.json.gz; do
	if gzip -dc "$fight" >"$crowd" && "$HOLDFAST_LAB" judge "$crowd" | grep -q '^verdict  every rule held$'; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "wrong  $fight: 32 initiators are not judged, or not right"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
