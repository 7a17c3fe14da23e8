-- RELEASE with a wrong key where nothing is reserved
-- profiles: spc4 dlt-s4
-- rule: pr_out_admitted
local a = initiator "a"
up(a)
a:register(0xa)
expect_that(a:release{type = "WE", key = 0xbad} ~= nil, "there is an answer")
