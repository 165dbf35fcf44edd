package child

import "golang.org/x/sys/unix"

// killWithLifeline has the kernel kill the process group when the lifeline ends, see
// O_ASYNC in open(2) and F_SETSIG in fcntl(2), and reports whether it will. A thread
// that reads it, as elsewhere, has to run to do that: if somebody stops the program
// between the end of its parent and that moment, it would stay stopped for ever. And a
// thread costs a program that has just been born more than anything else that we do
// there.
//
// What is set belongs to the reading end, whoever has it. So the parent sets it as soon
// as the program is born, which may be stopped before it has run a line of its own, and
// the program sets it once more: it may have been born at the very end of its parent.
func killWithLifeline(lifeline, group int) bool {
	fd := uintptr(lifeline)
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return false
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return false
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETOWN, -group); err != nil {
		return false
	}
	_, err = unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_ASYNC)
	return err == nil
}

// watch has the kernel do it, or else a thread.
func watch(lifeline int) {
	if unix.Getpgrp() != unix.Getpid() || !killWithLifeline(lifeline, unix.Getpid()) {
		go watchLifeline(lifeline)
		return
	}
	// If it has ended before, that was no signal.
	ended := []unix.PollFd{{Fd: int32(lifeline), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ended, 0)
		switch {
		case err == unix.EINTR:
			continue
		case n > 0:
			endWithGroup()
		case err != nil:
			go watchLifeline(lifeline)
		}
		return
	}
}
