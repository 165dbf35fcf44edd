//go:build linux && !noseqpacket

package queue

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeBuf is PIPE_BUF: so much is written to a pipe in one piece, or not at all.
const pipeBuf = 4096

const hasPackets = true

func packetPair() (r, w int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fds[0], fds[1], os.NewSyscallError("socketpair", err)
}

// pipePair makes a pipe, in packet mode if packets is true: what was written in one piece
// is read in one piece. Each packet has a page for itself, so there is room for 16 of them,
// or for 256 if the system allows it.
func pipePair(packets bool) (r, w int, err error) {
	var fds [2]int
	flags := unix.O_CLOEXEC | unix.O_NONBLOCK
	if packets {
		flags |= unix.O_DIRECT
	}
	if err := unix.Pipe2(fds[:], flags); err != nil {
		return -1, -1, os.NewSyscallError("pipe2", err)
	}
	if packets {
		_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, 1<<20)
	}
	return fds[0], fds[1], nil
}
