//go:build unix

package kit

import (
	"errors"
	"os"
	"syscall"
)

// Kill ends a process at once: SIGKILL.
func Kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }

// Lock takes the flock(2) of a file in the trial's folder, as any other program could. The file
// is nil if somebody else has it. To close the file gives the lock back.
func (t *Trial) Lock(name string, flag int) (*os.File, error) {
	f, err := t.open(name, flag)
	if err != nil {
		return nil, err
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, f.Close()
		default:
			_ = f.Close()
			return nil, err
		}
	}
}
