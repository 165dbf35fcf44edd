//go:build unix && (!linux || selectorpoll)

package selector

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A waiter asks the kernel. This one does it with poll(2), which every Unix has:
// it hands over the whole list each time, so a wait costs more the more sources
// there are, and it blocks a thread.
//
// Nothing but a descriptor can wake poll, so there is a pipe among them whose
// only use is that: the "self-pipe trick".
type waiter struct {
	r, w *os.File

	mu     sync.Mutex
	raws   map[uint64]syscall.RawConn
	closed bool

	ids   []uint64
	looks atomic.Int64
}

func newWaiter() (*waiter, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &waiter{r: r, w: w, raws: map[uint64]syscall.RawConn{}}, nil
}

func (w *waiter) add(id uint64, source syscall.RawConn) (always bool, err error) {
	if err := source.Control(func(uintptr) {}); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.raws[id] = source
	return false, nil
}

func (w *waiter) remove(id uint64, _ syscall.RawConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.raws, id)
	w.poke() // or a wait that goes on now would report the number's next owner
}

func (w *waiter) wait(ctx context.Context, _ func() bool) error {
	if err := w.look(); err != nil || len(w.ids) > 0 {
		return err
	}
	if ctx.Err() != nil {
		return pipe.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, w.wake)
	defer stop()
	return w.poll(-1)
}

// wake makes a wait that goes on now, or the next one, return.
func (w *waiter) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.poke()
}

// poke is wake for who holds mu.
func (w *waiter) poke() {
	if !w.closed {
		// One byte for each call, and each wait takes all there are. If the pipe
		// is full, poll will return anyway.
		if raw, err := w.w.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _ = unix.Write(int(fd), []byte{0}) })
		}
	}
}

func (w *waiter) descriptor() (syscall.RawConn, error) { return nil, errors.ErrUnsupported }

func (w *waiter) look() error { return w.poll(0) }

func (w *waiter) poll(limit int) error {
	w.looks.Add(1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return pipe.ErrClosed
	}
	var fds []unix.PollFd
	var ids []uint64
	watch := func(id uint64, raw syscall.RawConn) {
		// Only the number is kept, not a hold on the descriptor: a Close of the
		// source would have to wait for us. If the number changes its owner
		// meanwhile, the worst is a source reported ready that is not.
		_ = raw.Control(func(fd uintptr) {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			ids = append(ids, id)
		})
	}
	self, err := w.r.SyscallConn()
	if err == nil {
		watch(0, self)
	}
	for id, raw := range w.raws {
		watch(id, raw)
	}
	w.mu.Unlock()
	if err != nil {
		return pipe.ErrClosed
	}
	n, err := unix.Poll(fds, limit)
	if err == unix.EINTR {
		n, err = 0, nil // the caller asks again
	}
	if err != nil {
		return os.NewSyscallError("poll", err)
	}
	w.ids = nil
	for i, p := range fds {
		if n > 0 && p.Revents != 0 && i > 0 {
			w.ids = append(w.ids, ids[i])
		}
	}
	if n > 0 && fds[0].Revents != 0 {
		return w.drain(self)
	}
	return nil
}

// drain takes what wake has written.
func (w *waiter) drain(self syscall.RawConn) error {
	err := self.Control(func(fd uintptr) {
		var b [256]byte
		for {
			if n, err := unix.Read(int(fd), b[:]); n < len(b) || err != nil {
				return
			}
		}
	})
	if errors.Is(err, os.ErrClosed) {
		return pipe.ErrClosed
	}
	return err
}

func (w *waiter) found() []uint64 {
	ids := w.ids
	w.ids = nil
	return ids
}

func (w *waiter) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.poke()
	w.closed = true
	return errors.Join(w.w.Close(), w.r.Close())
}
