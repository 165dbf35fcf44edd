//go:build unix && !linux

package pipe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// socketpair makes two connected sockets. Here close-on-exec takes a second
// system call, so no child may be started in between: ForkLock is the lock that
// os/exec holds while it starts one.
func socketpair() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	return fds, err
}
