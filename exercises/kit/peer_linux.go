package kit

import "golang.org/x/sys/unix"

// peerOf is the pid of who has connected a socket, see SO_PEERCRED in unix(7).
func peerOf(fd int) int {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}
