-- revoke.lua ends what a token stands for.
-- KEYS: grant, mark.
-- ARGV: base, id, digest, realm, client, 1 for an access token, its number, realm and client epoch, 1 if these were just
--       read, life of the mark.
-- Answer: 'ok', 'none', 'other' (another client's) or 'stale'. The same mark again has the same answer.

local base, id, digest, realm, client = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local access, seq = ARGV[6] == '1', tonumber(ARGV[7])

local answer = done(KEYS[2])
if answer then return answer end
local now = clock()
local g = read_grant(KEYS[1], id, now)
if not g or g.realm ~= realm or digest ~= (access and g.access_digest or g.refresh_digest) then return 'none' end
if not access and g.has_refresh == 0 then return 'none' end
if g.client ~= client then return 'other' end
local verdict = epochs(g, tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1')
if verdict == 'stale' then return 'stale' end
if verdict == 'dead' then return 'none' end

if not access then
  drop(base, KEYS[1], g)
  return remember(KEYS[2], ARGV[11], 'ok')
end
local known = seq <= g.upto
for _, n in ipairs(g.revoked) do known = known or n == seq end
if not known then
  g.revoked[#g.revoked + 1] = seq
  put(base, KEYS[1], g, now)
end
return 'ok'
