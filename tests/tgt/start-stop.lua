-- START STOP UNIT (stop) under somebody else's Exclusive Access
-- profiles: spc4 dlt-s4
-- rule: write_by_stranger
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
a:reserve "EA"
expect_that(b:cdb{cdb = "1b0000000000", access = "write"} ~= nil, "there is an answer")
