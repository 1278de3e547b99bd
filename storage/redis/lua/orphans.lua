-- orphans.lua looks at some members of an index for grants that are gone although their end has not come, and removes
-- these members if told to, and those that can't name a grant. Members whose end has come go with the next login.
-- KEYS: index, a mark that is never left (see keyring.marked).
-- ARGV: base, where to begin, how many, 1 to remove. Answer: {seen, orphans, malformed, removed}.

local from, size, now = tonumber(ARGV[2]), tonumber(ARGV[3]), clock()
local page, gone = redis.call('ZRANGE', KEYS[1], from, from + size - 1, 'WITHSCORES'), {}
local malformed = 0
for i = 1, #page, 2 do
  if not is_member(page[i]) then
    malformed = malformed + 1
    gone[#gone + 1] = page[i]
  elseif (page[i + 1] == 'inf' or tonumber(page[i + 1]) > now) and redis.call('EXISTS', grant_key(ARGV[1], page[i])) == 0 then
    gone[#gone + 1] = page[i]
  end
end
local removed = 0
if ARGV[4] == '1' then
  for _, member in ipairs(gone) do removed = removed + redis.call('ZREM', KEYS[1], member) end
end
return {#page / 2, #gone - malformed, malformed, removed}
