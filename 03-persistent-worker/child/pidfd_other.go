//go:build !linux

package child

func tryPidfd() {}
