#!/usr/bin/env bash
# Every tenth active check is proven: an initiator that behaves passes, one that errs in this way fails.
# `make check-initiators` proves all of them.
cd "$(dirname "$0")/../.." || exit 1
exec tests/initiators/prove --every 10
