//go:build unix && (!linux || noseqpacket)

package queue

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeBuf is PIPE_BUF: so much is written to a pipe in one piece, or not at all. POSIX
// promises 512.
const pipeBuf = 512

const hasPackets = false

// packetPair: not every system has SOCK_SEQPACKET for Unix sockets; macOS has not.
func packetPair() (r, w int, err error) { return -1, -1, errors.ErrUnsupported }

func pipePair(bool) (r, w int, err error) {
	syscall.ForkLock.RLock() // without pipe2 a child could inherit them in between
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, os.NewSyscallError("pipe", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			_ = unix.Close(fds[0])
			_ = unix.Close(fds[1])
			return -1, -1, os.NewSyscallError("fcntl", err)
		}
	}
	return fds[0], fds[1], nil
}
