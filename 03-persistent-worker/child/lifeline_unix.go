//go:build unix && !linux

package child

// killWithLifeline returns false: here the signal would be SIGIO, and no other.
func killWithLifeline(int) bool { return false }
