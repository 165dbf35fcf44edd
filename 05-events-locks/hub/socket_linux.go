package hub

import (
	"fmt"

	"golang.org/x/sys/unix"

	"path/filepath"
)

func socket() (int, error) {
	return unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

func accept(listening int) (int, error) {
	fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	return fd, err
}

// socketName returns a name of the path that fits into a socket's address, which has
// room for 107 bytes. For a longer one the directory is opened: below /proc/self/fd
// it has a short name, see proc(5). Call release when the name is no longer needed.
func socketName(path string) (name string, release func(), err error) {
	const longest = 107
	if len(path) <= longest {
		return path, func() {}, nil
	}
	// The socket itself, if it is there already: then its own name may be long too.
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	name = fmt.Sprintf("/proc/self/fd/%d", fd)
	if err == unix.ENOENT {
		fd, err = unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		name = fmt.Sprintf("/proc/self/fd/%d/%s", fd, filepath.Base(path))
	}
	if err != nil {
		return "", nil, err
	}
	if len(name) > longest {
		_ = unix.Close(fd)
		return "", nil, unix.ENAMETOOLONG
	}
	return name, func() { _ = unix.Close(fd) }, nil
}
