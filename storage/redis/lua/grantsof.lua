-- grantsof.lua lists the grants of an owner. KEYS: index, a mark that is never left (see keyring.marked). ARGV: base.
-- Answer: {now, member, record, member, record, ...}, without those that are gone. Nothing is changed.

local out = {clock()}
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local v = redis.call('GET', grant_key(ARGV[1], member))
  if v then
    out[#out + 1] = member
    out[#out + 1] = v
  end
end
return out
