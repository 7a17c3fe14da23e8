#!/bin/sh
# usage: tests/purity.sh FOLDER-OF-OBJECTS
# The reservation engine proper must call nothing but mem*, str* and assert. The journal may also
# allocate and format text, crc32c may call isa-l; store_posix* and io_posix touch the disk.
set -u
objects=$1
bad=0
own=$(nm --defined-only -g "$objects"/*.o | awk 'NF == 3 { print $3 }' | sort -u)
always='^(mem[a-z]*|str[a-z]*|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(mem|str)[a-z]*_chk)$'

for object in "$objects"/*.o; do
	case ${object##*/} in
	store_posix*.o | io_posix.o) continue ;;
	journal*.o) more='^(malloc|calloc|realloc|free|v?snprintf|__v?snprintf_chk)$' ;;
	crc32c.o) more='^crc32_iscsi$' ;;
	*) more='^$' ;;
	esac
	for symbol in $(nm -u "$object" | awk '{ print $2 }'); do
		echo "$symbol" | grep -qE "$always" && continue
		echo "$symbol" | grep -qE "$more" && continue
		echo "$own" | grep -qx -- "$symbol" && continue
		echo "impure: ${object##*/} calls $symbol"
		bad=1
	done
done
if [ "$bad" -eq 0 ]; then
	echo "purity: 1 passed, 0 failed"
else
	echo "purity: 0 passed, 1 failed"
	exit 1
fi
