//go:build unix

package pipe

import (
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// give adds the descriptor to those that the child gets and returns the number
// that it has there.
func (e *end) give(cmd *exec.Cmd) (int, error) {
	if e.closed.Load() {
		return 0, ErrClosed
	}
	// The child's end and the parent's are two open file descriptions, so this
	// changes only the child's. A program in C, Python or sh would take EAGAIN
	// from a non-blocking one for a failure.
	if err := e.setBlocking(); err != nil {
		return 0, err
	}
	e.blocking.Store(false) // or Close would shut the child's socket down
	cmd.ExtraFiles = append(cmd.ExtraFiles, e.file)
	return 2 + len(cmd.ExtraFiles), nil // entry i becomes descriptor 3 + i
}

// inheritedEnds takes over a descriptor that the parent opened.
func inheritedEnds(number uintptr, blocking bool) (in, out *end, err error) {
	fd := int(number)
	flags, err := unix.FcntlInt(number, unix.F_GETFL, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	// The programs that this one starts must not inherit it.
	unix.CloseOnExec(fd)
	e, err := descriptorEnd(fd, "channel", blocking)
	if err != nil {
		return nil, nil, err
	}
	switch flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		return e, nil, nil
	case unix.O_WRONLY:
		return nil, e, nil
	}
	return e, e, nil
}
