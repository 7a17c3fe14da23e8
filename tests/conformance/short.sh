#!/usr/bin/env bash
# The short form of `make check-conformance`: what stands and falls with reservations, in both
# profiles, and the daily bread of a disk.
cd "$(dirname "$0")/../.." || exit 1

reservations=('Prin*' 'Prout*' 'Reserve6.*' 'iSCSI*')
disk=('CompareAndWrite.*' 'Inquiry.*' 'Mandatory.*' 'ModeSense6.*' 'Read6.*' 'Read1*'
	'ReadCapacity*' 'ReportSupportedOpcodes.*' 'TestUnitReady.*' 'Unmap.*' 'Verify*'
	'Write1*' 'WriteVerify*')
logs=$(dirname "${HOLDFASTD:-build/holdfastd}")/conformance-short

# Each closes on its own line "N passed, N failed".
status=0
tests/conformance/run -j 1 -l "$logs" -k thin-512 "${reservations[@]}" "${disk[@]}" || status=1
tests/conformance/run -j 1 -l "$logs" -k dlt-s4 "${reservations[@]}" || status=1
tests/conformance/run -j 1 -l "$logs" -k two-paths 'MultipathIO.*' || status=1
exit $status
