//go:build unix

package selector

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exited is a descriptor in an os.File, which is readable when the process has
// ended.
type exited struct{ file *os.File }

// SyscallConn implements [Source].
func (e exited) SyscallConn() (syscall.RawConn, error) { return e.file.SyscallConn() }

// Close frees the descriptor. It does nothing to the process.
func (e exited) Close() error { return e.file.Close() }

// waitDirectly waits in the runtime's poller, without a Selector, if the poller
// knows such a descriptor.
func (e exited) waitDirectly() (bool, error) {
	raw, err := e.SyscallConn()
	if err != nil {
		return true, err
	}
	if e.file.SetReadDeadline(noLimit) != nil {
		return false, nil
	}
	return true, raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

var noLimit time.Time
