//go:build linux && !noseqpacket

package queue

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeBuf is PIPE_BUF: so much is written to a pipe in one piece, or not at all.
const pipeBuf = 4096

func packetPair() (r, w int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fds[0], fds[1], os.NewSyscallError("socketpair", err)
}

func pipePair() (r, w int, err error) {
	var fds [2]int
	err = unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
	return fds[0], fds[1], os.NewSyscallError("pipe2", err)
}
