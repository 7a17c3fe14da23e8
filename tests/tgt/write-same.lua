-- WRITE SAME under somebody else's Exclusive Access
-- profiles: spc4 dlt-s4
-- rule: write_by_stranger
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
a:reserve "EA"
expect_that(b:cdb{cdb = "41000000006400000100", out = string.rep("00", 512), access = "write"} ~= nil, "there is an answer")
