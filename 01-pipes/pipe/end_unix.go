//go:build unix

package pipe

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An end is one descriptor, owned by one os.File, and what we do with it.
//
// The descriptor is non-blocking and known to the runtime's poller (epoll on
// Linux, kqueue on macOS). So a goroutine that waits here costs no thread, and
// a deadline or a Close can wake it. Reads and writes go through
// syscall.RawConn: it waits in the poller like os.File does, and lets us make
// the system call ourselves, which os.File has no method for (recvmsg, writev)
// or would do differently (a broken pipe on descriptor 1 kills the program).
type end struct {
	file     *os.File
	raw      syscall.RawConn
	socket   bool
	blocking atomic.Bool
	closed   atomic.Bool
	refused  atomic.Bool // the peer has died with unread input

	// One read and one write at a time, so their state can live here instead
	// of being allocated for each.
	reading readCall
	writing writeCall

	arrived // open files that came with the bytes, see file_unix.go
}

func newEnd(f *os.File, socket bool) (*end, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	e := &end{file: f, raw: raw, socket: socket}
	e.reading.try = e.tryRead
	e.writing.try = e.tryWrite
	return e, nil
}

func newPipe() (in, out *end, err error) {
	r, w, err := os.Pipe() // both ends close-on-exec: no child gets them by accident
	if err != nil {
		return nil, nil, err
	}
	if in, err = newEnd(r, false); err == nil {
		out, err = newEnd(w, false)
	}
	return in, out, err
}

func newPair() (a, b *end, err error) {
	fds, err := socketpair()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	a, errA := descriptorEnd(fds[0], "front", false)
	b, errB := descriptorEnd(fds[1], "back", false)
	if err := errors.Join(errA, errB); err != nil {
		_ = a.close()
		_ = b.close()
		return nil, nil, err
	}
	return a, b, nil
}

// descriptorEnd takes over a bare descriptor. Whether it blocks is settled *before*
// NewFile, which asks once: a file that blocks then never gets deadlines.
func descriptorEnd(fd int, name string, blocking bool) (*end, error) {
	if err := unix.SetNonblock(fd, !blocking); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	e, err := newEnd(os.NewFile(uintptr(fd), name), isSocket(fd))
	if err == nil {
		e.blocking.Store(blocking)
	}
	return e, err
}

func fileEnd(f *os.File) (*end, error) {
	if f == nil {
		return nil, nil
	}
	e, err := newEnd(f, false)
	if err != nil {
		return nil, err
	}
	// A file that the poller does not know, such as stdin, blocks its thread
	// in the system call and has no deadlines.
	e.blocking.Store(errors.Is(f.SetDeadline(time.Time{}), os.ErrNoDeadline))
	return e, e.raw.Control(func(fd uintptr) { e.socket = isSocket(int(fd)) })
}

func isSocket(fd int) bool {
	_, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil
}

// explain gives an error of the system the name that this package documents.
func (e *end) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case e.closed.Load():
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		return fmt.Errorf("%w (%w)", ErrGone, err)
	}
	return err
}

func (e *end) setReadDeadline(t time.Time) error {
	if !e.hasDeadline() {
		return os.ErrNoDeadline
	}
	return e.explain(e.file.SetReadDeadline(t))
}

func (e *end) setWriteDeadline(t time.Time) error {
	if !e.hasDeadline() {
		return os.ErrNoDeadline
	}
	return e.explain(e.file.SetWriteDeadline(t))
}

func (e *end) hasDeadline() bool { return !e.blocking.Load() }

// setBlocking makes the descriptor a blocking one.
func (e *end) setBlocking() error {
	e.blocking.Store(true)
	if !e.socket {
		e.file.Fd() // its documented side effect; Close then does not wait for a read that sits in the kernel
		return nil
	}
	var err error
	if cerr := e.raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), false) }); cerr != nil {
		return e.explain(cerr)
	}
	return os.NewSyscallError("fcntl", err)
}

func (e *end) close() error {
	if e == nil || e.closed.Swap(true) {
		return nil
	}
	if e.blocking.Load() && e.socket {
		// A thread that sits in read(2) does not notice close(2). It notices
		// this. (Not done otherwise: a shutdown reaches the child as well, if
		// this end was given to one.)
		_ = e.shutdown(unix.SHUT_RDWR)
	}
	err := e.file.Close()
	e.arrived.close()
	return err
}

func (e *end) closeWrite() error {
	if !e.socket {
		return e.close()
	}
	if e.closed.Load() {
		return ErrClosed
	}
	err := e.shutdown(unix.SHUT_WR)
	if errors.Is(err, unix.ENOTCONN) {
		return nil // macOS: the other end is closed already
	}
	return err
}

func (e *end) closeRead() error {
	if e.closed.Load() {
		return ErrClosed
	}
	return e.shutdown(unix.SHUT_RD)
}

func (e *end) shutdown(how int) error {
	var err error
	if cerr := e.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), how) }); cerr != nil {
		return e.explain(cerr)
	}
	return os.NewSyscallError("shutdown", err)
}

// arrived are open files that came with the bytes and were not yet taken.
type arrived struct {
	mu    sync.Mutex
	files []int
	done  bool
}

func (e *end) syscallConn() (syscall.RawConn, error) {
	if e.closed.Load() {
		return nil, fmt.Errorf("pipe: descriptor: %w", ErrClosed)
	}
	return e.raw, nil
}
