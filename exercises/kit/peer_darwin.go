package kit

import "golang.org/x/sys/unix"

// peerOf is the pid of who has connected a socket.
func peerOf(fd int) int {
	pid, _ := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	return pid
}
