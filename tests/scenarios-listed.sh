#!/usr/bin/env bash
# Each of the 145 numbered scenarios is written down exactly once and, where Check runs it, added to
# its program.
set -u
cd "$(dirname "$0")/.." || exit 1

last=145
passed=0
failed=0
complain() {
	echo "scenario $1: $2"
	failed=$((failed + 1))
}

files=(tests/unit/scenarios/test_scenarios_*.c tests/property/test_pr_model.c)
written=$(grep -hoE '^(START_TEST\(|static bool )scenario_[0-9]{3}_[a-z0-9_]+' "${files[@]}" |
	sed -E 's/^(START_TEST\(|static bool )//')
added=$(grep -hoE '(tcase_add_test\(tcase, |= )scenario_[0-9]{3}_[a-z0-9_]+' "${files[@]}" |
	sed -E 's/.*(scenario_)/\1/')

for ((n = 1; n <= last; n++)); do
	number=$(printf '%03d' "$n")
	names=$(grep -E "^scenario_${number}_" <<<"$written")
	case $(grep -c . <<<"$names") in
	0) complain "$number" "is not there" ;;
	1)
		if grep -qxF "$names" <<<"$added"; then
			passed=$((passed + 1))
		else
			complain "$number" "$names is never run"
		fi
		;;
	*) complain "$number" "is there more than once:" $names ;;
	esac
done
for name in $written; do
	number=${name#scenario_}
	number=$((10#${number%%_*}))
	if [ "$number" -lt 1 ] || [ "$number" -gt "$last" ]; then
		complain "$number" "$name is beyond the list"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
