#!/bin/sh
# The rooms depend one way only: pr_engine <- target <- transport <- tools; config stands alone.
# libev is for transport/server.* and tools/ alone, libcrypto for two files. Prints every include that runs the wrong way.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

forbid() { # folder, pattern of includes it must not have, files to skip
	found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]+$2" "$1"/*.[ch] 2>/dev/null |
		grep -vE "^(${3:-none}):")
	[ -z "$found" ] && return
	echo "$found" | sed "s|^|wrong way: |"
	bad=1
}

ev='[<"](ev|ev\+\+)\.h'
forbid pr_engine "(\"(target|transport|config|tools|tests)/|$ev)"
forbid target "(\"(transport|config|tools|tests)/|$ev)"
forbid transport "\"(config|tools|tests)/"
forbid transport "$ev" 'transport/server[a-z_]*\.[ch]'
forbid config "(\"(pr_engine|target|transport|tools|tests)/|$ev)"
forbid tools "\"tests/"
crypto='<openssl/'
for folder in pr_engine target tools/holdfast tools/holdfastd; do
	forbid "$folder" "$crypto"
done
forbid transport "$crypto" 'transport/chap_digest\.c'
forbid config "$crypto" 'config/secrets\.c'
for folder in pr_engine target transport config; do
	# Each include of ours carries its folder.
	forbid "$folder" '"[^/"]+"'
done
if [ "$bad" -eq 0 ]; then
	echo "layering: 1 passed, 0 failed"
else
	echo "layering: 0 passed, 1 failed"
	exit 1
fi
