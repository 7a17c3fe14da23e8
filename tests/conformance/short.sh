#!/usr/bin/env bash
# The short form of `make check-conformance`: what stands and falls with reservations, in both
# profiles, the daily bread of a disk, and something of every other family.
cd "$(dirname "$0")/../.." || exit 1

# The resets of Reserve6 and the tests of CmdSN wait three seconds each.
reservations=('Prin*' 'Prout*' 'Reserve6.@(Simple|2Initiators|Logout)')
disk=('Reserve6.LUNReset' 'iSCSIcmdsn.iSCSICmdSnTooHigh' 'iSCSI@(datasn|Residuals|TMF).*'
	'CompareAndWrite.*' 'Inquiry.*' 'Mandatory.*' 'ModeSense6.*' 'Read6.*' 'Read1*'
	'ReadCapacity*' 'ReportSupportedOpcodes.*' 'TestUnitReady.*' 'Unmap.*' 'Verify*'
	'Write1*' 'WriteVerify*' 'ExtendedCopy.*' 'GetLBAStatus.*' 'OrWrite.Simple' 'Prefetch*'
	'ReadDefectData*' 'ReceiveCopyResults.*' 'Sanitize.Readonly'
	'Sanitize.InvalidServiceAction' 'WriteAtomic16.*' 'WriteSame*.@(Unmap|ZeroBlocks|Check)')
removable=('NoMedia.*' 'PreventAllow.*' 'StartStopUnit.*')
logs=$(dirname "${HOLDFASTD:-build/holdfastd}")/conformance-short

# Each closes on its own line "N passed, N failed".
status=0
tests/conformance/run -j 1 -l "$logs" -k thin-512 "${reservations[@]}" "${disk[@]}" || status=1
tests/conformance/run -j 1 -l "$logs" -k dlt-s4 "${reservations[@]}" || status=1
tests/conformance/run -j 1 -l "$logs" -k removable "${removable[@]}" || status=1
tests/conformance/run -j 1 -l "$logs" -k read-only 'ReadOnly.*' || status=1
tests/conformance/run -j 1 -l "$logs" -k two-paths 'MultipathIO.*' || status=1
exit $status
