package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// killWithLifeline has the kernel kill the group when the lifeline ends, see O_ASYNC
// in open(2) and F_SETSIG in fcntl(2). The thread that reads it does so as well, but
// it has to run for that: if somebody stops this program between the end of its
// parent and that moment, it would stay stopped for ever.
func killWithLifeline(lifeline int) {
	owner := os.Getpid()
	if unix.Getpgrp() == owner {
		owner = -owner // the whole group
	}
	fd := uintptr(lifeline)
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return // then the thread alone does it
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETOWN, owner); err != nil {
		return
	}
	_, _ = unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_ASYNC)
}
