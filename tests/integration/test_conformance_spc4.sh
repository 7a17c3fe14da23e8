#!/usr/bin/env bash
# Profile spc4: every reservation and protocol test of the public suite passes, none is skipped.
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/conformance.sh

start_daemon --profile spc4
for name in $(tests_of PrinReadKeys PrinServiceactionRange PrinReportCapabilities ProutRegister \
	ProutReserve ProutClear ProutPreempt Reserve6 iSCSIcmdsn iSCSIdatasn iSCSIResiduals); do
	expect PASS "$name"
done
finish
