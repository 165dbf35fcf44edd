package selector

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// newExited makes a kqueue that has one event in it: that p ends. A kqueue is
// readable when it has an event that came true.
func newExited(p *os.Process) (exited, error) {
	queue, err := unix.Kqueue()
	if err != nil {
		return exited{}, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(queue) // a kqueue is not inherited by fork in any case
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], p.Pid, unix.EVFILT_PROC, unix.EV_ADD)
	change[0].Fflags = unix.NOTE_EXIT
	_, err = unix.Kevent(queue, change[:], nil, nil)
	if errors.Is(err, unix.ESRCH) {
		// It has ended already. A pipe without a writer is readable for ever.
		_ = unix.Close(queue)
		r, w, err := os.Pipe()
		if err != nil {
			return exited{}, err
		}
		return exited{r}, w.Close()
	}
	if err != nil {
		_ = unix.Close(queue)
		return exited{}, os.NewSyscallError("kevent", err)
	}
	return exited{os.NewFile(uintptr(queue), "kqueue")}, nil
}
