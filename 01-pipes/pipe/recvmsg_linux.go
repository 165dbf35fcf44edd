package pipe

import "golang.org/x/sys/unix"

// recvmsg marks files that arrive as close-on-exec in the same system call.
func recvmsg(fd int, p, control []byte) (n, controlLen int, err error) {
	n, controlLen, _, _, err = unix.Recvmsg(fd, p, control, unix.MSG_CMSG_CLOEXEC)
	return n, controlLen, err
}
