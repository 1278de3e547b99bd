-- claim.lua points an id at a name. A pointer is the time it was written (6 bytes), a nonce (16) and the name.
-- KEYS: pointer. ARGV: nonce, name, life of a claim, the pointer to take over or ''.
-- Answer: {'ok'}, {'taken'} when another name was claimed a moment ago, {'ask', pointer} when that was longer ago and the
-- caller must see whether the other owner exists. The same nonce again has the same answer.

local SIZE = 22
local v, now = redis.call('GET', KEYS[1]), clock()
if v and #v <= SIZE then damaged('pointer to an owner') end
if v and v:sub(SIZE + 1) ~= ARGV[2] and v ~= ARGV[4] then
  if now - struct.unpack('>I6', v) < tonumber(ARGV[3]) then return {'taken'} end
  return {'ask', v}
end
redis.call('SET', KEYS[1], struct.pack('>I6c16', now, ARGV[1]) .. ARGV[2])
return {'ok'}
