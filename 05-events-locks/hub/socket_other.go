//go:build unix && !linux

package hub

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Elsewhere than on Linux a descriptor is born without close-on-exec. The lock keeps
// a child from being started before it has it.
func socket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return prepared(fd, err)
}

func accept(listening int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, _, err := unix.Accept(listening)
	return prepared(fd, err)
}

func prepared(fd int, err error) (int, error) {
	if err != nil {
		return fd, err
	}
	unix.CloseOnExec(fd)
	return fd, unix.SetNonblock(fd, true)
}

func socketName(path string) (name string, release func(), err error) {
	const longest = 103
	if len(path) > longest {
		return "", nil, fmt.Errorf("the path has %d bytes, and that of a socket may have %d here; choose a shorter one, or set TMPDIR", len(path), longest)
	}
	return path, func() {}, nil
}
