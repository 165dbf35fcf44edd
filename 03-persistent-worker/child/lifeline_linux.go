package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// killWithLifeline has the kernel kill the group when the lifeline ends, see O_ASYNC
// in open(2) and F_SETSIG in fcntl(2), and reports whether it will. A thread that
// reads it, as elsewhere, has to run to do that: if somebody stops this program between
// the end of its parent and that moment, it would stay stopped for ever. And a thread
// costs a program that has just been born more than anything else that we do there.
func killWithLifeline(lifeline int) bool {
	owner := os.Getpid()
	if unix.Getpgrp() == owner {
		owner = -owner // the whole group
	}
	fd := uintptr(lifeline)
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return false
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return false
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETOWN, owner); err != nil {
		return false
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_ASYNC); err != nil {
		return false
	}
	// If it has ended before, that was no signal.
	ended := []unix.PollFd{{Fd: int32(lifeline), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ended, 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return false // the thread will see it
		case n > 0:
			endWithGroup()
		}
		return true
	}
}
