package kit

import (
	"net"

	"golang.org/x/sys/unix"
)

// peer returns the pid of who has connected a socket, see SO_PEERCRED in unix(7); 0 if the
// kernel does not say.
func peer(conn *net.UnixConn) (pid int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
