-- All registrants: any of them may release
-- profiles: spc4 dlt-s4
-- rule: unit_attention_lost
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
b:register(0xb)
a:reserve "EA-AR"
b:release "EA-AR"
drain(a)
expect_that(a:read_reservation() ~= nil, "there is an answer")
