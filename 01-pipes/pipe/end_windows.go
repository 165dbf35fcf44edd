package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// Windows has no socketpair, and its pipes have no deadlines. A TCP connection
// over the loopback has both ends and deadlines, so it serves as pipe and pair.

// stream is a connection, or a file such as stdin.
type stream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

// An end begins as a bare socket and becomes a stream when it is first used
// here. A child that inherits a socket must find it unused: what Go's poller (an
// I/O completion port) has taken in one process, none can take in another.
type end struct {
	closed  atomic.Bool
	refused atomic.Bool
	mu      sync.Mutex
	socket  windows.Handle // 0 if it is a file
	stream  stream

	deadlines             bool      // whether the stream has any
	readLimit, writeLimit time.Time // set before the first use
}

func newPipe() (in, out *end, err error) { return newPair() }

func newPair() (a, b *end, err error) {
	front, back, err := connect()
	if err != nil {
		return nil, nil, err
	}
	return &end{socket: front}, &end{socket: back}, nil
}

// use returns the stream.
func (e *end) use() (stream, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return nil, ErrClosed
	}
	if e.stream != nil {
		return e.stream, nil
	}
	e.stream = takeSocket(e.socket, "pipe")
	e.deadlines = hasDeadlines(e.stream)
	if e.deadlines {
		_ = e.stream.SetReadDeadline(e.readLimit)
		_ = e.stream.SetWriteDeadline(e.writeLimit)
	}
	return e.stream, nil
}

// takeSocket makes a file of a socket. Windows can read and write one like any
// other handle that was opened for overlapped I/O, and such files have deadlines.
func takeSocket(socket windows.Handle, name string) stream {
	return os.NewFile(uintptr(socket), name)
}

func fileEnd(f *os.File) (*end, error) {
	if f == nil {
		return nil, nil
	}
	return &end{stream: f, deadlines: hasDeadlines(f)}, nil
}

func hasDeadlines(s stream) bool {
	return !errors.Is(s.SetReadDeadline(time.Time{}), os.ErrNoDeadline)
}

func (e *end) read(p []byte) (int, error) {
	stream, err := e.use()
	if err != nil {
		return 0, err
	}
	n, err := stream.Read(p)
	if isGone(err) {
		err = io.EOF // the peer died with unread input: the same event by another name
	}
	if n > 0 {
		return n, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if n, err = e.tryBriefly(stream.SetReadDeadline, stream.Read, p); n > 0 {
			return n, nil
		}
	}
	return 0, e.explain(err)
}

// readAfter calls wait before it reads: whether it will wait is not known here.
func (e *end) readAfter(wait func() error, p []byte) (int, error) {
	if err := wait(); err != nil {
		return 0, err
	}
	return e.read(p)
}

// tryBriefly reads or writes although the deadline has passed. What is already
// there counts, however late the caller is, so look once: for a moment as short
// as a deadline can be that still lets it look.
func (e *end) tryBriefly(setDeadline func(time.Time) error, do func([]byte) (int, error), p []byte) (int, error) {
	_ = setDeadline(time.Now().Add(time.Millisecond))
	defer func() { _ = setDeadline(time.Unix(1, 0)) }()
	return do(p)
}

func (e *end) write(parts [][]byte) (int, error) {
	stream, err := e.use()
	if err != nil {
		return 0, err
	}
	sent := 0
	for _, p := range parts {
		for chunk := range slices.Chunk(p, 64<<10) { // Wine cannot take 64 MiB at once
			for len(chunk) > 0 {
				n, err := stream.Write(chunk)
				if n == 0 && sent == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
					n, err = e.tryBriefly(stream.SetWriteDeadline, stream.Write, chunk)
				}
				sent += n
				chunk = chunk[n:]
				if err != nil && !(n > 0 && errors.Is(err, windows.ERROR_MORE_DATA)) {
					return sent, e.explain(err)
				}
			}
		}
	}
	return sent, nil
}

func (e *end) explain(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case e.closed.Load():
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case isGone(err):
		return fmt.Errorf("%w (%w)", ErrGone, err)
	}
	return err
}

// isGone knows the names that Windows has for a peer that is gone.
func isGone(err error) bool {
	for _, name := range []error{windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN,
		windows.ERROR_NETNAME_DELETED, windows.ERROR_PIPE_NOT_CONNECTED, windows.ERROR_BROKEN_PIPE, windows.ERROR_NO_DATA} {
		if errors.Is(err, name) {
			return true
		}
	}
	return false
}

func (e *end) setReadDeadline(t time.Time) error {
	return e.setLimit(&e.readLimit, t, stream.SetReadDeadline)
}

func (e *end) setWriteDeadline(t time.Time) error {
	return e.setLimit(&e.writeLimit, t, stream.SetWriteDeadline)
}

// setLimit sets a deadline, or remembers it: to set it would be a use, and a
// used end cannot be given to a child.
func (e *end) setLimit(limit *time.Time, t time.Time, set func(stream, time.Time) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed.Load():
		return ErrClosed
	case e.stream == nil:
		*limit = t
		return nil
	}
	return e.explain(set(e.stream, t))
}

func (e *end) hasDeadline() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stream == nil || e.deadlines
}

func (e *end) setBlocking() error { return errors.ErrUnsupported }

func (e *end) close() error {
	if e == nil || e.closed.Swap(true) {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stream == nil {
		return windows.Closesocket(e.socket)
	}
	return e.stream.Close()
}

func (e *end) closeWrite() error {
	if e.socket == 0 {
		return e.close()
	}
	if e.closed.Load() {
		return ErrClosed
	}
	return windows.Shutdown(e.socket, windows.SHUT_WR)
}

// closeRead: shutdown does not wake who waits here.
func (e *end) closeRead() error {
	return fmt.Errorf("pipe: close for reading: %w", errors.ErrUnsupported)
}

func (e *end) syscallConn() (syscall.RawConn, error) {
	stream, err := e.use()
	if err != nil {
		return nil, err
	}
	return stream.SyscallConn()
}

// Open files do not travel here.
func (e *end) writeWithFile([][]byte, *os.File) (int, error) { return 0, errors.ErrUnsupported }
func (e *end) takeFile(string) (*os.File, error)             { return nil, errors.ErrUnsupported }
func (e *end) dropFile()                                     {}
