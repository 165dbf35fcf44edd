//go:build linux && !eventpipe

package event

import (
	"os"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// newCounter makes a counter in the kernel, see eventfd(2): readable when it is not 0,
// and a read sets it to 0.
func newCounter() (r, w *os.File, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("eventfd", err)
	}
	f := os.NewFile(uintptr(fd), "eventfd")
	return f, f, nil
}

func receiveSignal(c *pipe.Conn) (*signal, error) {
	f, err := c.ReceiveFile()
	return &signal{f, f}, err
}
