-- unindexed.lua tells whether a grant is there and the index of its owner does not have it.
-- KEYS: grant, index. ARGV: member, id. Answer: 'alone' or 'ok'. Nothing is changed.

local g = read_grant(KEYS[1], ARGV[2], clock())
if not g then return 'ok' end
local keep = earlier(g.keep, g.max)
local score = keep == 0 and '+inf' or keep
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], score, score, 'BYSCORE')) do
  if member == ARGV[1] then return 'ok' end
end
return 'alone'
