# docs/linux.md: every command of the page, run as written and in its order.

guests='a b'
target=iqn.2026-11.io.holdfast:disk
kernel_log_expected='reservation conflict|device-mapper: multipath'

# Lines of the page's fenced blocks, "KIND COMMAND": KIND is what stands behind "sh", a for nothing.
page_steps() {
	awk '/^```/ { kind = ""; if ($1 == "```sh") kind = $2 ? $2 : "a"
			if ($0 == "```text kernel-log") kind = "kernel-log"; next }
		kind { print kind, $0 }' docs/linux.md
}
page_block() { awk -v start="\`\`\`$1" '/^```/ { inside = ($0 == start); next } inside' docs/linux.md; }

config() {
	cat <<CONF
state_dir = "$work/state";
$(page_block 'conf portals' | sed 's/"192[^"]*"/"127.0.0.1:0"; advertise = "10.0.2.2:0"/')
targets = ( {
  name = "$target";
  luns = ( { number = 0; backing = "file"; path = "$work/lun0.img"; size = "64M"; profile = "spc4"; } );
} );
CONF
}

add_files() { # folder that becomes the guest's /
	mkdir -p "$1/etc/multipath"
	page_block 'conf multipath' >"$1/etc/multipath.conf"
	page_steps >"$1/scenario/steps"
	# In place of Debian's package and service managers
	cat >"$1/usr/local/bin/apt-get" <<'SHIM'
#!/bin/busybox sh
# install PACKAGE...: every one has to be in the guest
shift
for package; do
	[ -d "/usr/share/holdfast-packages/$package" ] || exit 1
done
SHIM
	cat >"$1/usr/local/bin/systemctl" <<'SHIM'
#!/bin/busybox sh
[ "$*" = "restart multipathd" ] && exec multipathd
SHIM
	chmod +x "$1/usr/local/bin/apt-get" "$1/usr/local/bin/systemctl"
}

# A command of the target's: holdfast, asking the daemon under test
host_page() {
	# shellcheck disable=SC2046,SC2001 # words on purpose
	set -- $(echo "$*" | sed "s|STATE_DIR|$work/state|; s|TARGET|$target|")
	shift # holdfast
	case $1 in
	journal) "$HOLDFAST" "$@" ;;
	*) "$HOLDFAST" "$@" --control "$control" ;;
	esac
}

run_step() { # kind, command with this guest's names in it
	case $1 in
	a | b) check "$2" eval "$2" ;;
	refused) check_fails "refused: $2" 'invalid exchange' eval "$2" ;;
	kernel-log) check_says "the kernel logs: $2" "$2" dmesg ;;
	target)
		if host page $2 && [ -n "$answer" ]; then
			ok "on the target: $2"
		else
			fail "on the target: $2: $answer"
		fi
		;;
	*) fail "docs/linux.md has a block of kind '$1'" ;;
	esac
}

two_paths() { [ "$(multipathd show paths format '%d %t' | grep -c active)" = 2 ]; }

# The one disk, once it is there; the map, once it has both paths
names_of() { # command
	case $1 in
	*/dev/sdX* | *by-id* | *"session -P"* | *lsscsi*)
		wait_for 30 find_disk 0
		udevadm settle
		;;
	*mpathpersist* | multipath\ *)
		wait_for 20 two_paths || fail "the map has not both paths: $(multipathd show paths 2>&1 | tr '\n' '|')"
		;;
	esac
	echo "$1" | sed "s|127.0.0.1:3260|$portal|g; s|/dev/sdX|$disk|g"
}

guest() {
	start_udev
	start_iscsid
	if [ "$GUEST" = b ]; then
		discover >/dev/null
		iscsiadm -m node -T "$TARGET" -p "$portal" --login >/dev/null
		wait_for 30 find_disk 0
	fi
	number=0
	while read -r kind command <&4; do
		number=$((number + 1))
		barrier "step $number"
		case $kind in
		a | target) who=a ;;
		*) who=b ;;
		esac
		if [ "$GUEST" = $who ]; then
			disk=
			find_disk 0
			run_step "$kind" "$(names_of "$command")"
		fi
	done 4</scenario/steps
	check "the page has commands" [ "$number" -gt 30 ]
	barrier done
}
