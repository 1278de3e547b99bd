// Package pace lets refusals of an outside credential source take as long as each other, so that time does not tell why.
//
// It leaves what a refusal is to who asks the source.
//
// The one thing to know before changing it: a fixed or an average time would be told from real ones. Each wait takes one
// of the latest real times, chosen at random.
package pace
