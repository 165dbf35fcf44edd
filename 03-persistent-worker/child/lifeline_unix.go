//go:build unix && !linux

package child

// killWithLifeline does nothing: here the signal would be SIGIO, and no other.
func killWithLifeline(int) {}
