package admin

// ReadSeed is open to be fuzzed.
var ReadSeed = readSeed
