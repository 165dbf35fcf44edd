package selector

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// newExited opens a pidfd of our own. os.Process has one too, but it is closed
// by Wait, at a moment that others choose; and to make that one non-blocking
// would break its Wait.
func newExited(p *os.Process) (exited, error) {
	var fd int
	var err error
	herr := p.WithHandle(func(handle uintptr) {
		fd, err = unix.PidfdOpen(p.Pid, unix.PIDFD_NONBLOCK)
		if err != nil {
			err = os.NewSyscallError("pidfd_open", err)
			return
		}
		// Between two calls a number can get a new owner. Not if the process
		// itself, which its handle means for certain, is still there now.
		if unix.PidfdSendSignal(int(handle), 0, nil, 0) == unix.ESRCH {
			_ = unix.Close(fd)
			err = os.ErrProcessDone
		}
	})
	switch {
	case errors.Is(herr, os.ErrNoHandle): // Linux before 5.4
		return exited{}, errors.ErrUnsupported
	case herr != nil:
		return exited{}, herr
	case errors.Is(err, unix.ESRCH):
		return exited{}, os.ErrProcessDone
	case err != nil:
		return exited{}, err
	}
	return exited{os.NewFile(uintptr(fd), "pidfd")}, nil
}
