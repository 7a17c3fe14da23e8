#!/usr/bin/env bash
# Profile dlt-s4: exactly the tests that need types 7 and 8 or READ FULL STATUS fail, by design.
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/conformance.sh

# The suite does not look at the type mask of REPORT CAPABILITIES, nor at which service actions a
# target supports.
by_design='PrinServiceactionRange.Range ProutReserve.Simple ProutReserve.AccessEAAR
	ProutReserve.AccessWEAR ProutReserve.OwnershipEAAR ProutReserve.OwnershipWEAR'

start_daemon --profile dlt-s4
for name in $(tests_of PrinReadKeys PrinServiceactionRange PrinReportCapabilities ProutRegister \
	ProutReserve ProutClear ProutPreempt Reserve6 iSCSIcmdsn iSCSIdatasn iSCSIResiduals); do
	wanted=PASS
	for other in $by_design; do
		[ "$name" = "$other" ] && wanted=FAIL
	done
	expect $wanted "$name"
done
finish
