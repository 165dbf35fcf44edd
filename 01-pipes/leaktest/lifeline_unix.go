//go:build unix

package leaktest

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A lifeline tells whether any descendant is alive, on every Unix. It is a pipe
// whose writing end all children inherit, and theirs, and so on. Nobody ever
// writes. Once we have closed our own writing end, reading gives end of file as
// soon as the last process that has the other copies is gone, however it went:
// the kernel closes what a dead process had open.
type lifeline struct{ r, w *os.File }

func makeLifeline() (*lifeline, error) {
	// Not while a child is being started elsewhere: see ForkLock.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// os.Pipe has set close-on-exec, which is what leaks need most of the time.
	raw, err := w.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { _, err = unix.FcntlInt(fd, unix.F_SETFD, 0) })
	}
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &lifeline{r, w}, nil
}

// left says whether a descendant is alive at the deadline. The lifeline is used
// up by it.
func (l *lifeline) left(deadline time.Time) []string {
	if l == nil {
		return nil
	}
	l.w.Close()
	defer l.r.Close()
	if soon := time.Now().Add(10 * time.Millisecond); deadline.Before(soon) {
		deadline = soon
	}
	_ = l.r.SetReadDeadline(deadline)
	if _, err := l.r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return []string{"process: some descendant is alive: it still has the lifeline open"}
	}
	return nil
}
