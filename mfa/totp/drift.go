package totp

// driftUses is how many uses a clock that was seen ahead is believed to be so.
const driftUses = 5

// drift says how long the step after the current one stays acceptable, given
// how far from the current step the accepted code was.
//
// A phone whose clock runs ahead shows codes too early; one that runs behind
// is served by the step before, which everybody has. Ahead is learnt when the
// app is added and renewed whenever such a code comes. It wears off when the
// codes are on time driftUses times in a row (the phone was set right), and at
// once when one comes late. So the window is two steps wide for nearly
// everybody, and never wider than one step to either side (RFC 6238 §5.2,
// ASVS 6.5.5).
func drift(ahead int, offset int64) int {
	switch {
	case offset > 0:
		return driftUses
	case offset == 0:
		return max(ahead-1, 0)
	default:
		return 0
	}
}
