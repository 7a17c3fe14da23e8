#!/usr/bin/env bash
# Random requests to the control socket, while initiators fight for the disk.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${HOLDFASTD:=build/holdfastd}" "${HOLDFAST_LAB:=build/holdfast-lab}"
folder=$(mktemp -d /tmp/holdfast-test-XXXXXX)
trap 'rm -rf "$folder"' EXIT
python3 tests/integration/control_requests.py "$HOLDFASTD" "$HOLDFAST_LAB" "$folder"
