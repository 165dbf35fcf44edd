//go:build linux && !selectorpoll

package selector

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A waiter asks the kernel. On Linux that is epoll(7): the kernel keeps the list
// of descriptors, so a wait costs the same for ten sources and for a thousand.
//
// An epoll descriptor is itself readable when one of those that it watches is.
// Go's runtime waits for all its descriptors in one epoll of its own; ours is put
// into that one. So a goroutine that waits here costs no thread, and a deadline
// or Close can wake it like any other read.
type waiter struct {
	file   *os.File
	raw    syscall.RawConn
	awake  atomic.Bool // somebody has called wake
	gone   atomic.Bool // closed
	events []unix.EpollEvent
	n      int // how many of them were found
	looks  atomic.Int64
}

func newWaiter() (*waiter, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // before NewFile: it asks once
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &waiter{file: file, raw: raw, events: make([]unix.EpollEvent, 64)}, nil
}

// add makes the kernel watch a descriptor. always tells that it will not: for a
// regular file and for /dev/null there is nothing to wait for.
//
// The watch is level-triggered: a source that was not read to its end is
// reported again by the next wait. (Edge-triggered, which Go's own poller is, it
// would be reported once, and what the reader left would be forgotten.)
func (w *waiter) add(id uint64, source syscall.RawConn) (always bool, err error) {
	event := unix.EpollEvent{Events: unix.EPOLLIN}
	event.Fd, event.Pad = int32(id), int32(id>>32) // 64 bits that come back with the event
	err = w.control(source, unix.EPOLL_CTL_ADD, &event)
	switch {
	case errors.Is(err, unix.EPERM):
		return true, nil
	case errors.Is(err, unix.EEXIST):
		return false, errors.New("another source with the same descriptor is registered already")
	}
	return false, err
}

func (w *waiter) remove(_ uint64, source syscall.RawConn) {
	if source != nil {
		// An error means that the kernel does not watch it, and so be it.
		_ = w.control(source, unix.EPOLL_CTL_DEL, &unix.EpollEvent{})
	}
}

func (w *waiter) control(source syscall.RawConn, op int, event *unix.EpollEvent) error {
	var err error
	outer := source.Control(func(fd uintptr) {
		inner := w.raw.Control(func(epoll uintptr) {
			err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), op, int(fd), event))
		})
		if inner != nil {
			err = pipe.ErrClosed // this Selector
		}
	})
	if outer != nil {
		return outer
	}
	return err
}

// wait waits until the kernel reports a source, or somebody calls wake, or other
// becomes true, which is asked whenever there is news.
func (w *waiter) wait(ctx context.Context, other func() bool) error {
	if err := w.look(); err != nil || w.n > 0 || w.awake.Swap(false) {
		return err
	}
	if ctx.Err() != nil {
		return pipe.Cause(ctx)
	}
	// A deadline in the past ends the wait below.
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = w.file.SetReadDeadline(time.Unix(1, 0))
		close(fired)
	})
	err := w.raw.Read(func(fd uintptr) bool { return w.epollWait(fd) || other() })
	expired := errors.Is(err, os.ErrDeadlineExceeded)
	over := !stop()
	if over {
		<-fired // or it would end the next wait
	}
	if over || expired {
		_ = w.file.SetReadDeadline(time.Time{})
	}
	switch {
	case expired && !w.awake.Swap(false) && over:
		if err := w.look(); err != nil || w.n > 0 {
			return err // it came in the very last moment, and counts
		}
		return pipe.Cause(ctx)
	case expired:
		return nil
	}
	return w.explain(err)
}

// wake makes a wait that goes on now, or the next one, return.
func (w *waiter) wake() {
	w.awake.Store(true)
	_ = w.file.SetReadDeadline(time.Unix(1, 0))
}

// look asks without waiting.
func (w *waiter) look() error {
	return w.explain(w.raw.Control(func(fd uintptr) { w.epollWait(fd) }))
}

func (w *waiter) epollWait(fd uintptr) bool {
	w.looks.Add(1)
	for {
		n, err := unix.EpollWait(int(fd), w.events, 0)
		if err == unix.EINTR {
			continue
		}
		w.n = max(n, 0)
		return w.n > 0
	}
}

// found returns the ids that the last look or wait has found.
func (w *waiter) found() (ids []uint64) {
	for _, e := range w.events[:w.n] {
		ids = append(ids, uint64(uint32(e.Fd))|uint64(uint32(e.Pad))<<32)
	}
	if w.n == len(w.events) { // there may be more; next time there is room
		w.events = make([]unix.EpollEvent, 2*len(w.events))
	}
	w.n = 0
	return ids
}

func (w *waiter) descriptor() (syscall.RawConn, error) {
	return w.raw, w.explain(w.raw.Control(func(uintptr) {}))
}

// explain knows that an error after close is a consequence of it. (The runtime
// has an error for that too, but under a name that it keeps to itself.)
func (w *waiter) explain(err error) error {
	if err != nil && w.gone.Load() {
		return pipe.ErrClosed
	}
	return err
}

func (w *waiter) close() error {
	w.gone.Store(true)
	return w.file.Close()
}
