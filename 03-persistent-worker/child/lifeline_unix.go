//go:build unix && !linux

package child

// killWithLifeline returns false: here the signal would be SIGIO, and no other.
func killWithLifeline(int, int) bool { return false }

func watch(lifeline int) { go watchLifeline(lifeline) }
