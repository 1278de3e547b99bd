-- attempts.lua is the accounts of attempts of a name, and the reservations beside them.

-- accounts are where the attempts of a name are kept: the general account, in the owner's record or with those of other
-- strangers, and those of known sources. KEYS are the owner, the strangers' account, the reservations of each, and the
-- sources.
local function accounts(stranger)
  local a = {stranger = stranger, key = KEYS[1], reservations = KEYS[3]}
  if stranger then a.key, a.reservations = KEYS[2], KEYS[4] end
  a.record = redis.call('GET', a.key)
  a.login = a.record and read_login(a.record) or new_login()
  a.sources = read_sources(KEYS[5]) -- a stranger has none
  return a
end

-- account is the one that a source's attempts are judged by: its own if it is known, else the general one.
local function account(a, source) return known_login(a.sources, source) or a.login end

-- forget_sources makes none known.
local function forget_sources(a) a.sources = {changed = true} end

-- pack_reservation is what is kept under a nonce: the end of the hold, and the source if its own account has judged.
local function pack_reservation(hold, source)
  return string.format('%.0f', hold) .. (source or '')
end

local function read_reservation(v)
  local source = #v > SOURCE_SIZE and v:sub(-SOURCE_SIZE) or nil
  return tonumber(source and v:sub(1, -SOURCE_SIZE - 1) or v) or damaged('reservation'), source
end

-- sweep counts, as failures at the end of their hold, the reservations that nobody settled in time. It changes accounts,
-- and gives the nonces that went, and how many reservations are under way by the account that they would be charged to.
local function sweep(a, p, now)
  local all, gone, flying = redis.call('HGETALL', a.reservations), {}, {}
  for i = 1, #all, 2 do
    local hold, source = read_reservation(all[i + 1])
    local l = account(a, source)
    if now >= hold then
      gone[#gone + 1] = {nonce = all[i], hold = hold, login = l}
    else
      flying[l] = (flying[l] or 0) + 1
    end
  end
  table.sort(gone, function(x, y) return x.hold < y.hold end)
  local nonces = {}
  for i, r in ipairs(gone) do
    fail(r.login, p, r.hold)
    nonces[i] = r.nonce
  end
  return nonces, flying
end

-- settled removes reservations.
local function settled(a, nonces)
  for _, nonce in ipairs(nonces) do redis.call('HDEL', a.reservations, nonce) end
end

-- save_login writes the general account if it was changed: the head of an owner's record, or a value with a life.
local function save_login(a, p, now, life)
  if not a.login.changed then return end
  if a.stranger then
    local rest = math.max(math.max(a.login.failed, a.login.locked) + p.window - now, 0)
    redis.call('SET', a.key, pack_login(a.login), 'PX', math.min(rest + life, NEVER))
  elseif a.record then
    redis.call('SETRANGE', a.key, 0, pack_login(a.login))
  end
end
