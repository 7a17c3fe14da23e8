# The runner itself: a guest whose kernel panics before it is up is named, with its last words.

kernels=stock
must_fail='a: the guest ended before it was up: .*panic
a: .*log:.*Kernel panic
a: .*log:.*Call Trace'
kernel_args='rdinit=/nothing root=/dev/nothing'

guest() { :; }
