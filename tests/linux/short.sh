#!/usr/bin/env bash
# The scenarios that `make check` plays; `make check-linux` plays all of them, on every kernel.
cd "$(dirname "$0")/../.." || exit 1
exec tests/linux/run -i build/linux -l "${LINUX_LOGS:-build/linux/logs}" \
	tests/linux/scenarios/{login_ext4,pr_ioctls,contention}.sh@stock \
	tests/linux/scenarios/pr_ioctls.sh@newer
