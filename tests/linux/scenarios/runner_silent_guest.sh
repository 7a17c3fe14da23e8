# The runner itself: a guest that never comes up is named.

kernels=stock
boot_limit_s=25
must_fail='a: did not come up within 25 s'
kernel_args='rdinit=/bin/cat'

guest() { :; }
