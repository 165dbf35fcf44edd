//go:build unix && !linux

package pipe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// recvmsg marks files that arrive as close-on-exec. Here that takes a second
// system call, so no child may be started in between; see socketpair. The
// descriptor must not block meanwhile, or nobody could start a child.
func recvmsg(fd int, p, control []byte) (n, controlLen int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, controlLen, _, _, err = unix.Recvmsg(fd, p, control, unix.MSG_DONTWAIT)
	if err != nil || controlLen == 0 {
		return n, controlLen, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlLen])
	if err != nil {
		return n, 0, nil
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
	}
	return n, controlLen, nil
}
