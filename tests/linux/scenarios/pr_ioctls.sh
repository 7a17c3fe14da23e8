# Every ioctl of pr.rst on both profiles: all six types on spc4, EINVAL for the last two on dlt-s4.

# enum pr_type of <linux/pr.h>
types='1:WRITE_EXCLUSIVE 2:EXCLUSIVE_ACCESS 3:WRITE_EXCLUSIVE_REG_ONLY 4:EXCLUSIVE_ACCESS_REG_ONLY
	5:WRITE_EXCLUSIVE_ALL_REGS 6:EXCLUSIVE_ACCESS_ALL_REGS'

# A kernel that knows the two new ioctls must not say EINVAL to them.
case $(uname -r) in
[1-6].*) unknown='ENOTTY|EINVAL' ;;
*) unknown=ENOTTY ;;
esac

# expect NAME RESULT ARGUMENT...: the ioctl's one line begins with RESULT
expect() {
	expect_name=$1 expect_result=$2
	shift 2
	said=$(pr_ioctl "$dev" "$@" 2>&1)
	case $said in
	"$expect_result" | "$expect_result "*) ok "$profile: $expect_name" ;;
	*) fail "$profile: $expect_name: expected '$expect_result', got '$said'" ;;
	esac
}

# expect_read NAME PATTERN ARGUMENT...: one of the two ioctls that only Linux 7.0 and later have
expect_read() {
	expect_name=$1 expect_result=$2
	shift 2
	said=$(pr_ioctl "$dev" "$@" 2>&1)
	if echo "$said" | grep -qE "^$expect_result\$"; then
		ok "$profile: $expect_name"
	elif echo "$said" | grep -qE "^($unknown)\$"; then
		skip "$profile: $expect_name: kernel $(uname -r) has it not"
	else
		fail "$profile: $expect_name: $said"
	fi
}

all_ioctls() { # device, profile, result for the all-registrants types
	dev=$1 profile=$2 last_two=$3
	expect "REGISTER 0 -> key" 0 register 0 0xabcd000000000001
	expect "REGISTER with the wrong old key" conflict register 0x77 0x78
	expect "REGISTER key -> other key" 0 register 0xabcd000000000001 0x11
	expect "REGISTER with PR_FL_IGNORE_KEY" 0 register 0x9999 0x12 1
	expect "REGISTER with PR_FL_IGNORE_KEY again" 0 register 0 0x13 1
	expect "REGISTER with an unknown flag" EOPNOTSUPP register 0x13 0x14 0x80
	for entry in $types; do
		type=${entry%%:*} name=${entry#*:}
		wanted=0
		[ "$type" -ge 5 ] && wanted=$last_two
		expect "RESERVE $name" "$wanted" reserve 0x13 "$type"
		[ "$wanted" = 0 ] || continue
		expect "RESERVE $name again" 0 reserve 0x13 "$type"
		expect "RELEASE $name" 0 release 0x13 "$type"
	done
	expect "RESERVE with a flag" EOPNOTSUPP reserve 0x13 1 1
	expect "RESERVE with the wrong key" conflict reserve 0x99 1
	expect "RELEASE of nothing" 0 release 0x13 1
	expect "PREEMPT of a key that nobody has" conflict preempt 0x13 0x55 1
	expect "RESERVE before preempting oneself" 0 reserve 0x13 1
	expect "PREEMPT of the own reservation changes its type" 0 preempt 0x13 0x13 4
	expect "RELEASE with the old type" EINVAL release 0x13 1
	expect "PREEMPT_ABORT of the own reservation" 0 preempt_abort 0x13 0x13 2
	expect "CLEAR" 0 clear 0x13
	expect "CLEAR without a registration" conflict clear 0x13
	expect "REGISTER after CLEAR" 0 register 0 0x21
	expect_read READ_KEYS "0 generation [0-9]+ keys 1 0x21" read_keys 8
	expect "RESERVE for READ_RESERVATION" 0 reserve 0x21 3
	expect_read READ_RESERVATION "0 generation [0-9]+ type 3 key 0x21" read_reservation
	expect "unregister" 0 register 0x21 0
	check_says "$profile: nothing is registered any more" "there are NO registered" \
		sg_persist --in --read-keys "$dev"
}

kernel_log_expected='reservation conflict'

guest() {
	log_in || return
	all_ioctls "$disk" dlt-s4 EINVAL
	all_ioctls "$disk1" spc4 0
	log_out
}
