# shellcheck shell=bash disable=SC2154 # work, image, kernel, scenario, target, portals: of the runner
# Guests: their boot, their way to talk, their kernel's log, their end.

# What a guest boots with behind userland and modules: who it is, the scenario, our programs.
overlay_of() { # name
	local overlay=$work/overlay-$1
	mkdir -p "$overlay/scenario"
	cat >"$overlay/scenario/settings" <<SETTINGS
GUEST=$1
IQN=iqn.2026-11.test.guest:$1
HOST=10.0.2.2
HOST2=10.0.3.2
PORT=${portals[0]##*:}
PORT2=${portals[1]:+${portals[1]##*:}}
TARGET=$target
SETTINGS
	cp tests/linux/lib.sh "$overlay/scenario/lib.sh"
	cp "$scenario" "$overlay/scenario/scenario.sh"
	install -D -m 755 -t "$overlay/usr/local/bin" "$image"/programs/*
	if declare -F add_files >/dev/null; then
		add_files "$overlay"
	fi
	(cd "$overlay" && find . | cpio --quiet -o -H newc -R 0:0) | zstd -q -1
}

# The guest's network cards: net0 is 10.0.2.0/24, net1 is 10.0.3.0/24; the host is .2 in both.
cards_of() { # number of the guest
	for ((card = 0; card < ${cards:-1}; card++)); do
		printf '%s\n' -netdev "user,id=net$card,net=10.0.$((card + 2)).0/24" \
			-device "e1000,netdev=net$card,mac=52:54:00:12:3$card:0$1"
	done
}

boot_guest() { # name, number
	local name=$1 number=$2 talk nics outlet=()
	[ -z "${outbox:-}" ] ||
		outlet=(-chardev "file,id=outbox,path=$outbox" -device pci-serial,chardev=outbox)
	cat "$image/initramfs" "$image/kernels/$kernel/modules" - < <(overlay_of "$name") \
		>"$work/initramfs-$name"
	mkfifo "$work/$name".{in,out} "$work/$name-monitor".{in,out}
	mapfile -t nics < <(cards_of "$number")
	booted_at[$name]=${EPOCHREALTIME/[.,]/}
	# shellcheck disable=SC2086 # clock: an option and its argument
	qemu-system-x86_64 -accel "$accelerator" -M pc -cpu max -smp 1 -m "${memory:-512}" -nographic -no-reboot \
		-display none -kernel "$image/kernels/$kernel/vmlinuz" -initrd "$work/initramfs-$name" \
		-append "console=ttyS0 quiet loglevel=6 printk.time=1 panic=-1 mitigations=off tsc=unstable no_timer_check ${kernel_args:-}" \
		"${nics[@]}" "${outlet[@]}" ${clock:-} \
		-chardev "file,id=console,path=$log_folder/console-$name" -serial chardev:console \
		-chardev "pipe,id=talk,path=$work/$name" -serial chardev:talk \
		-chardev "pipe,id=monitor,path=$work/$name-monitor" -mon chardev=monitor \
		</dev/null >>"$log_folder/qemu-$name" 2>&1 &
	qemu_pids[$name]=$!
	# Opened both ways, so that a guest that never came up does not hold us here.
	exec {talk}<>"$work/$name.in"
	guest_in[$name]=$talk
	hear "$name" >"$work/events" &
	helper_pids+=($!)
	cat "$work/$name-monitor.out" >>"$log_folder/qemu-$name" &
	helper_pids+=($!)
}

# Passes on what a guest says, a line each and none too long to be written at once; then that it is gone.
hear() { # name
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%$'\r'}
		printf '%s %s\n' "$1" "${line:0:1800}"
	done <"$work/$1.out"
	printf '%s gone\n' "$1"
}

# A guest whose QEMU ended: its ears may still wait for QEMU to open its end. What was said before is
# heard first.
let_go() { # name
	local fd
	for end in "$work/$1.out" "$work/$1-monitor.out"; do
		exec {fd}<>"$end"
		exec {fd}>&-
	done
}

tell() { printf '%s\n' "$2" >&"${guest_in[$1]}"; }

end_guests() {
	for guest in "${!qemu_pids[@]}"; do
		kill -KILL "${qemu_pids[$guest]}" 2>/dev/null
		wait "${qemu_pids[$guest]}" 2>/dev/null
	done
	for pid in "${helper_pids[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}

# The kernel's log without what is the kernel's own fault, whatever the target does:
#  - Debian's 6.1 warns at some logouts that iscsi_ctrl's work queue waits for the power management's
#    (check_flush_dependency, from __iscsi_unbind_session).
console_of() { # guest
	awk '/workqueue: WQ_MEM_RECLAIM iscsi_ctrl.*__iscsi_unbind_session.* is flushing !WQ_MEM_RECLAIM/ { own = 1 }
		!own { print }
		/---\[ end trace/ { own = 0 }' "$log_folder/console-$1"
}

trouble='WARNING:|BUG:|blocked for more than|Oops|Call Trace|Kernel panic|reservation conflict|I/O error'

check_console() { # guest
	local found
	found=$(console_of "$1" | tr -d '\r' | grep -aE "$trouble" | grep -avE "${kernel_log_expected:-^\$}")
	if [ ! -s "$log_folder/console-$1" ]; then
		on_check fail "$1: the kernel said nothing at all"
	elif [ -z "$found" ]; then
		on_check ok "$1: the kernel's log shows nothing unexpected"
	else
		while IFS= read -r line; do
			on_check fail "$1: the kernel's log: $line"
		done < <(head -n 8 <<<"$found")
	fi
}
