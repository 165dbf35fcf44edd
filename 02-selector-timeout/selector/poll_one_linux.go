//go:build linux && !selectorpoll

package selector

import (
	"time"

	"golang.org/x/sys/unix"
)

// poll waits at most d for one descriptor. poll(2) takes any descriptor; for
// regular files and /dev/null it says "ready", and rightly so. (epoll refuses
// those.)
func poll(fd int, d time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, milliseconds(d))
	return n > 0, err
}
