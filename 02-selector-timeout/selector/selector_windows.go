package selector

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"example.com/multiprocessing/01-pipes/pipe"
)

// Windows has several kinds of handles and a wait of its own for each: sockets,
// pipes, consoles, processes. There is no wait for all of them. So this one looks
// at each in turn, and pauses in between, longer the longer nothing happens.
const (
	shortestPause = time.Millisecond
	longestPause  = 15 * time.Millisecond
)

type waiter struct {
	mu     sync.Mutex
	raws   map[uint64]syscall.RawConn
	closed bool
	poked  chan struct{}

	ids   []uint64
	looks atomic.Int64
}

func newWaiter() (*waiter, error) {
	return &waiter{raws: map[uint64]syscall.RawConn{}, poked: make(chan struct{}, 1)}, nil
}

func (w *waiter) add(id uint64, source syscall.RawConn) (always bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.raws[id] = source
	return false, nil
}

func (w *waiter) remove(id uint64, _ syscall.RawConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.raws, id)
}

func (w *waiter) wake() {
	select {
	case w.poked <- struct{}{}:
	default:
	}
}

func (w *waiter) wait(ctx context.Context, other func() bool) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		if err := w.look(); err != nil || len(w.ids) > 0 || other() {
			return err
		}
		select {
		case <-ctx.Done():
			return pipe.Cause(ctx)
		case <-w.poked:
			return nil
		case <-time.After(pause):
		}
	}
}

func (w *waiter) descriptor() (syscall.RawConn, error) { return nil, errors.ErrUnsupported }

func (w *waiter) look() error {
	w.looks.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return pipe.ErrClosed
	}
	w.ids = nil
	for id, raw := range w.raws {
		var ready bool
		err := raw.Control(func(handle uintptr) { ready = readyNow(windows.Handle(handle)) })
		if ready || err != nil {
			w.ids = append(w.ids, id)
		}
	}
	return nil
}

func (w *waiter) found() []uint64 { return w.ids }

func (w *waiter) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wake()
	return nil
}

var (
	kernel32      = windows.NewLazySystemDLL("kernel32.dll")
	peekNamedPipe = kernel32.NewProc("PeekNamedPipe")
	winsock       = windows.NewLazySystemDLL("ws2_32.dll")
	wsaPoll       = winsock.NewProc("WSAPoll")
)

// readyNow reports whether a read from the handle would return at once. In doubt
// it says yes: the read will tell.
func readyNow(handle windows.Handle) bool {
	kind, err := windows.GetFileType(handle)
	switch {
	case err == nil && kind == windows.FILE_TYPE_DISK:
		return true
	case err == nil && kind == windows.FILE_TYPE_PIPE: // sockets are of that type too
		var available uint32
		ok, _, err := peekNamedPipe.Call(uintptr(handle), 0, 0, 0, uintptr(unsafe.Pointer(&available)), 0)
		if ok != 0 {
			return available > 0
		}
		if errors.Is(err, windows.ERROR_BROKEN_PIPE) {
			return true // the end of the input
		}
		return socketReady(handle)
	default: // a console, a process
		event, err := windows.WaitForSingleObject(handle, 0)
		return err != nil || event == windows.WAIT_OBJECT_0
	}
}

func socketReady(handle windows.Handle) bool {
	poll := struct {
		socket          windows.Handle
		events, revents int16
	}{socket: handle, events: 0x0100} // POLLRDNORM
	n, _, _ := wsaPoll.Call(uintptr(unsafe.Pointer(&poll)), 1, 0)
	return int32(n) != 0
}

// waitReadable waits until a read from c would not wait, or until the time is
// over.
func waitReadable(c *pipe.Conn, until time.Time) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		var ready bool
		if err := raw.Control(func(handle uintptr) { ready = readyNow(windows.Handle(handle)) }); err != nil {
			return pipe.ErrClosed
		}
		left := time.Until(until)
		switch {
		case ready:
			return nil
		case left <= 0:
			return pipe.ErrTimeout
		}
		time.Sleep(min(pause, left))
	}
}
