//go:build unix

package worker

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// serverChannel returns where the caller talks to us: descriptor 3 if we were
// given one, or stdin and stdout.
func serverChannel() (*pipe.Conn, error) {
	if os.Getenv("MULTIPROCESSING_CHANNEL") != "" {
		return pipe.Inherited()
	}
	// Take stdin and stdout away from the rest of the program: what prints to
	// stdout prints to stderr from now on, and what reads stdin finds its end.
	in, err := moveAway(0, "stdin")
	if err != nil {
		return nil, err
	}
	out, err := moveAway(1, "stdout")
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	if err := errors.Join(dup2(int(null.Fd()), 0), dup2(2, 1)); err != nil {
		return nil, fmt.Errorf("redirect stdin and stdout: %w", err)
	}
	return pipe.Files(in, out)
}

// moveAway returns the descriptor under another number, which our children do
// not inherit.
func moveAway(fd int, name string) (*os.File, error) {
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, os.NewSyscallError("fcntl", err))
	}
	return os.NewFile(uintptr(moved), name), nil
}
