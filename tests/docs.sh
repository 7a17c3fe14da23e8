#!/usr/bin/env bash
# The pages of docs/ that are printed from tables are as the tables are now, and the links of the page
# of truth, conformance.md, lead somewhere.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${HOLDFAST_DOCS:=build/docs}"
passed=0
failed=0
verdict() { # whether, what
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$2"
	fi
}

for page in commands.md keys.md; do
	"$HOLDFAST_DOCS" "$page" | diff -u "docs/$page" - >&2
	verdict $? "docs/$page is out of date: make docs"
done
# Every test that conformance.md points to is there.
while read -r name; do
	found=$(find tests -path "tests/$name*" -print -quit)
	[ -n "$found" ]
	verdict $? "docs/conformance.md: no such test: $name"
done < <(grep -o '`tests/[^`]*`' docs/conformance.md | tr -d '`' | sed 's,^tests/,,' | sort -u)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
