//go:build unix

package main

import (
	"os"
	"strconv"
	"syscall"
)

// openSource takes over a pipe that the suite has opened, and makes it one that
// has deadlines.
func openSource(fd int) (*os.File, error) {
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "source "+strconv.Itoa(fd-4)), nil
}
