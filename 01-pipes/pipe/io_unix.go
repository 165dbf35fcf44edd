//go:build unix

package pipe

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

type readCall struct {
	p       []byte
	control [32]byte // for what comes beside the bytes; room for one descriptor
	n       int
	err     error
	try     func(fd uintptr) (done bool)
	wait    func() error // not nil: called once before the wait begins
}

type writeCall struct {
	parts [][]byte
	file  *os.File // goes along with the first byte
	n     int
	err   error
	try   func(fd uintptr) (done bool)
}

// read waits until something is there and reads at most len(p) bytes of it.
func (e *end) read(p []byte) (int, error) {
	call := &e.reading
	call.p, call.n, call.err = p, 0, unix.EAGAIN
	err := e.raw.Read(call.try)
	if errors.Is(err, os.ErrDeadlineExceeded) && call.err == unix.EAGAIN {
		// The poller refuses to look once the deadline has passed. We look:
		// what is already there counts, however late the caller is.
		err = e.lookOnce(call.try)
		if err == nil && call.err == unix.EAGAIN {
			err = ErrTimeout
		}
	}
	call.p = nil
	switch {
	case err != nil:
		return 0, e.explain(err)
	case errors.Is(call.err, unix.ECONNRESET):
		// A peer that dies with unread input resets the connection: the same
		// event as end of input, under another name. See unix(7).
		e.refused.Store(true)
		return 0, io.EOF
	case call.err != nil:
		return 0, e.explain(syscallError("read", call.err))
	case call.n == 0 && e.closed.Load():
		return 0, ErrClosed // our own Close has ended it, see close
	case call.n == 0:
		return 0, io.EOF
	}
	return call.n, nil
}

// readAfter is read that calls wait before it would wait. A descriptor that
// blocks gives no chance for that once the system call has begun.
func (e *end) readAfter(wait func() error, p []byte) (int, error) {
	if !e.hasDeadline() {
		if err := wait(); err != nil {
			return 0, err
		}
		return e.read(p)
	}
	e.reading.wait = wait
	defer func() { e.reading.wait = nil }()
	return e.read(p)
}

// lookOnce tries without waiting. That is safe only on a descriptor that does
// not block, and only such a one has deadlines at all.
func (e *end) lookOnce(try func(uintptr) bool) error {
	return e.raw.Control(func(fd uintptr) { try(fd) })
}

func (e *end) tryRead(fd uintptr) bool {
	call := &e.reading
	for {
		if e.socket {
			call.n, call.err = e.receiveMessage(int(fd), call.p)
		} else {
			call.n, call.err = unix.Read(int(fd), call.p)
		}
		switch call.err {
		case unix.EINTR: // a signal came in between; nothing is lost
			continue
		case unix.EAGAIN:
			return call.cannotWait()
		}
		return true
	}
}

// cannotWait is asked when nothing is there.
func (call *readCall) cannotWait() bool {
	wait := call.wait
	if wait == nil {
		return false
	}
	call.wait = nil
	if err := wait(); err != nil {
		call.err = err
		return true
	}
	return false
}

// write hands all bytes to the kernel and returns how many it took.
func (e *end) write(parts [][]byte) (int, error) { return e.writeWithFile(parts, nil) }

func (e *end) writeWithFile(parts [][]byte, f *os.File) (int, error) {
	call := &e.writing
	call.parts, call.file, call.n, call.err = parts, f, 0, unix.EAGAIN
	err := e.raw.Write(call.try)
	if errors.Is(err, os.ErrDeadlineExceeded) && call.n == 0 {
		err = e.lookOnce(call.try)
		if err == nil && call.err == unix.EAGAIN {
			err = ErrTimeout
		}
	}
	call.parts, call.file = nil, nil
	if err == nil && call.err != nil {
		err = os.NewSyscallError("write", call.err)
	}
	return call.n, e.explain(err)
}

// tryWrite writes until everything has left or the kernel's buffer is full.
func (e *end) tryWrite(fd uintptr) bool {
	call := &e.writing
	for len(call.parts) > 0 {
		var n int
		n, call.err = e.writeOnce(int(fd))
		switch {
		case call.err == unix.EINTR:
			continue
		case call.err == unix.EAGAIN:
			return false // wait until there is room, then again
		case call.err != nil:
			return true
		}
		call.n += n
		call.parts = skip(call.parts, n)
	}
	call.err = nil
	return true
}

func (e *end) writeOnce(fd int) (int, error) {
	switch parts := e.writing.parts; {
	case e.writing.file != nil:
		return e.sendMessage(fd)
	case len(parts) == 1:
		return unix.Write(fd, parts[0])
	default:
		return unix.Writev(fd, parts) // header and body in one system call, without a copy
	}
}

// skip removes the first n bytes, and with them the parts that are used up.
// It shortens the caller's parts in place.
func skip(parts [][]byte, n int) [][]byte {
	for len(parts) > 0 && n >= len(parts[0]) {
		n -= len(parts[0])
		parts = parts[1:]
	}
	if len(parts) > 0 {
		parts[0] = parts[0][n:]
	}
	return parts
}

// syscallError names the system call whose error this is, if it is one.
func syscallError(name string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(name, errno)
	}
	return err
}
