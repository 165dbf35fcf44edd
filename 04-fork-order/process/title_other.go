//go:build !linux

package process

// setTitle does nothing: ps shows argument 0, which is the name.
func setTitle(string) {}
