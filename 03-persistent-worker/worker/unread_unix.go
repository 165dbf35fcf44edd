//go:build unix

package worker

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread returns how many bytes are in a pipe, see FIONREAD in ioctl(2); 0 if
// that cannot be found out.
func unread(f *os.File) (n int) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), fionread) })
	}
	return n
}
