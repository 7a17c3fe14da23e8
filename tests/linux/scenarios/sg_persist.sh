# sg_persist plays every service action that each profile offers, and prints what is expected.

kernel_log_expected='reservation conflict'

out() { sg_persist --out "$@" "$dev"; }
in_() { sg_persist --in "$@" "$dev"; }

common() {
	check "$profile: REGISTER" out --register --param-sark=0x123abc --param-aptpl
	check_says "$profile: READ KEYS" '0x123abc' in_ --read-keys
	check "$profile: REGISTER AND IGNORE" out --register-ignore --param-sark=0x456def --param-aptpl
	check "$profile: RESERVE" out --reserve --param-rk=0x456def --prout-type=1
	check_says "$profile: READ RESERVATION" 'Key=0x456def' in_ --read-reservation
	check_says "$profile: READ RESERVATION names the type" 'Write Exclusive' in_ --read-reservation
	check "$profile: RELEASE" out --release --param-rk=0x456def --prout-type=1
	check "$profile: RESERVE again" out --reserve --param-rk=0x456def --prout-type=6
	check "$profile: PREEMPT oneself to another type" \
		out --preempt --param-rk=0x456def --param-sark=0x456def --prout-type=5
	check_says "$profile: the type has changed" 'registrants only' in_ --read-reservation
	check "$profile: PREEMPT AND ABORT" \
		out --preempt-abort --param-rk=0x456def --param-sark=0x456def --prout-type=3
	check "$profile: REGISTER AND MOVE" out --register-move --param-rk=0x456def \
		--param-sark=0x777 --relative-target-port=1 --transport-id="iqn.2026-11.other,i,0x00023d000009"
	check_says "$profile: the other one holds it now" 'Key=0x777' in_ --read-reservation
	check "$profile: CLEAR" out --clear --param-rk=0x456def
	check_says "$profile: nothing is registered" 'NO registered' in_ --read-keys
	check_says "$profile: nothing is reserved" 'NO reservation' in_ --read-reservation
}

guest() {
	log_in || return
	dev=$disk profile=dlt-s4
	common
	check_says "dlt-s4: REPORT CAPABILITIES: CRH" 'CRH\): 1' in_ --report-capabilities
	check_says "dlt-s4: EX_AC_AR is not offered" 'Exclusive Access, all registrants: 0' \
		in_ --report-capabilities
	check_fails "dlt-s4: READ FULL STATUS is refused" 'not supported|illegal|invalid' in_ --read-full-status
	check "dlt-s4: register for type 8" out --register --param-sark=0x1
	check_fails "dlt-s4: RESERVE type 8 is refused" 'invalid|illegal' \
		out --reserve --param-rk=0x1 --prout-type=8
	check "dlt-s4: unregister" out --register --param-rk=0x1

	dev=$disk1 profile=spc4
	common
	check_says "spc4: EX_AC_AR is offered" 'Exclusive Access, all registrants: 1' \
		in_ --report-capabilities
	check "spc4: register" out --register --param-sark=0x5
	check "spc4: RESERVE type 8" out --reserve --param-rk=0x5 --prout-type=8
	check_says "spc4: READ FULL STATUS" "$IQN" in_ --read-full-status
	check_says "spc4: READ FULL STATUS marks the holder" 'Reservation holder' in_ --read-full-status
	check "spc4: RELEASE type 8" out --release --param-rk=0x5 --prout-type=8
	check "spc4: unregister" out --register --param-rk=0x5
	log_out
}
