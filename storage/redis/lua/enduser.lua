-- enduser.lua ends all grants of an owner.
-- KEYS: index, a mark that is never left (see keyring.marked). ARGV: base. Answer: 'ok'. Again it ends nothing more.

drop_all(ARGV[1], KEYS[1])
return 'ok'
