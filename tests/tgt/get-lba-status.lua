-- GET LBA STATUS under somebody else's Exclusive Access
-- profiles: spc4 dlt-s4
-- rule: read_by_stranger
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
a:reserve "EA"
expect_that(b:cdb{cdb = "9e120000000000000064000000200000", in_len = 32, access = "read"} ~= nil, "there is an answer")
