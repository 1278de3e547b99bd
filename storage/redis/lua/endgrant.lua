-- endgrant.lua ends one grant of a realm.
-- KEYS: grant, mark. ARGV: base, id, realm, life of the mark.
-- Answer: 'ok' or 'none'. The same mark again has the same answer.

local answer = done(KEYS[2])
if answer then return answer end
local g = read_grant(KEYS[1], ARGV[2], clock())
if not g or g.realm ~= ARGV[3] then return 'none' end
drop(ARGV[1], KEYS[1], g)
return remember(KEYS[2], ARGV[4], 'ok')
