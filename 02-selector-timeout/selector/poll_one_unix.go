//go:build unix && (!linux || selectorpoll)

package selector

import (
	"time"

	"golang.org/x/sys/unix"
)

// poll waits at most d for one descriptor. It is select(2) and not poll(2),
// because poll on macOS does not know terminals. select has room for descriptors
// below 1024 only; for others poll is right, since a terminal is almost always
// stdin.
func poll(fd int, d time.Duration) (bool, error) {
	if fd >= unix.FD_SETSIZE {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, milliseconds(d))
		return n > 0, err
	}
	var set unix.FdSet
	set.Set(fd)
	limit := unix.NsecToTimeval(int64(milliseconds(d)) * int64(time.Millisecond))
	n, err := unix.Select(fd+1, &set, nil, nil, &limit)
	return n > 0, err
}
