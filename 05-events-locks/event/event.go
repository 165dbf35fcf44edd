// Package event lets one process tell any number of others that something has
// happened. An [Event] is set or it is not; those who wait sleep until it is.
//
// It is a counter in the kernel, see eventfd(2), of which every process that takes
// part has a descriptor. To set it is one system call. It does not wake anybody
// itself, it makes the descriptor readable, and the kernel wakes those who wait for
// that. So Set never waits for the waiters: whether one is dead, or stopped in the
// debugger, does not matter to anybody else. (A Python multiprocessing.Event is a
// condition: its set waits until each waiter has answered. If one of them was killed,
// that is for ever.)
//
// The descriptor is not inherited. An event has a path, and at the path is a hub
// (package hub) that hands the descriptor out. So it does not matter who was started
// when: an event can be made before or after the process that is to use it, and a
// program that is no relative can open it by name.
//
// Guarantees. A process born later sees the state as it is. When the process that has
// made the event ends, or closes it, all others get an error instead of waiting for
// ever. To wait costs no processor time and no thread.
//
// Limits. It is a state, not a message: if it is set and cleared again at once,
// somebody who was asleep may find it cleared and sleep on. Who must not miss
// anything needs a queue. Windows: [errors.ErrUnsupported].
package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/05-events-locks/hub"
)

// An Event is a handle of one. All methods are safe for concurrent use.
//
// It travels to another process as text, which is its path, and connects at its first
// use there.
type Event struct {
	hub    *hub.Hub // nil: another process has it
	handle hub.Handle

	mu     sync.Mutex
	signal *signal
	conn   *pipe.Conn // it ends with the process that has made the event; nil: that is this one
	all    []*waiter
	idle   []*waiter // those not in use at the moment
	source *waiter   // see SyscallConn
	closed bool
}

// A waiter waits for two things: the event, and the end of its maker.
type waiter = selector.Selector[news]

type news int

const (
	isSet news = iota
	isGone
)

const kind = "event"

// New makes an event that is not set, at a path that nobody can guess. Other
// processes get it as an argument. Close it when nobody needs it any more.
func New() (*Event, error) {
	return create(func(s *signal) (*hub.Hub, error) { return hub.New(kind, s.handOut) })
}

// Listen makes an event at a path, which programs that are no relatives open with
// [Open]. See [hub.Listen] for what is wrong with a path, and what is replaced.
func Listen(path string) (*Event, error) {
	return create(func(s *signal) (*hub.Hub, error) { return hub.Listen(path, kind, s.handOut) })
}

func create(listen func(*signal) (*hub.Hub, error)) (*Event, error) {
	s, err := newSignal()
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	h, err := listen(s)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("event: %w", err)
	}
	e := &Event{hub: h, signal: s}
	return e, e.handle.Name(h.Path(), kind)
}

// Open returns a handle of the event at this path, and connects at once, so that what
// is wrong is said here: [os.ErrNotExist] if there is none, [hub.ErrGone] if its
// process has ended.
func Open(path string) (*Event, error) {
	e := &Event{}
	if err := e.UnmarshalText([]byte(path)); err != nil {
		return nil, err
	}
	if _, _, err := e.connected(context.Background()); err != nil {
		return nil, fmt.Errorf("event: open: %w", err)
	}
	return e, nil
}

// MarshalText returns the path.
func (e *Event) MarshalText() ([]byte, error) {
	text, err := e.handle.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return text, nil
}

// UnmarshalText makes e the handle of the event at this path. It does not connect
// yet. It is for an Event that is not in use.
func (e *Event) UnmarshalText(path []byte) error {
	if err := e.handle.Name(string(path), kind); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	return nil
}

// Path returns the path, absolute.
func (e *Event) Path() string { return e.handle.Path() }

// connected returns the descriptor of the event, and the connection to the process
// that has made it, which is nil in that process itself.
func (e *Event) connected(ctx context.Context) (*signal, *pipe.Conn, error) {
	e.mu.Lock()
	s, conn, closed := e.signal, e.conn, e.closed
	e.mu.Unlock()
	switch {
	case closed:
		return nil, nil, pipe.ErrClosed
	case s != nil:
		return s, conn, nil
	}
	conn, err := e.handle.Conn(ctx, func(c *pipe.Conn) error {
		received, err := receiveSignal(c)
		if err == nil {
			e.mu.Lock()
			e.signal, e.conn = received, c
			e.mu.Unlock()
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, pipe.ErrClosed
	}
	return e.signal, conn, nil
}

// Set sets the event, and so wakes all who wait for it. It returns at once, whoever
// they are, and does nothing to an event that is set. [hub.ErrGone] says that the
// process that has made it has ended, or has closed it; [pipe.ErrClosed] that this
// handle is closed.
func (e *Event) Set() error { return e.change("set", (*signal).set) }

// Clear makes it not set. The errors are those of Set.
func (e *Event) Clear() error { return e.change("clear", (*signal).clear) }

func (e *Event) change(what string, do func(*signal) error) error {
	s, conn, err := e.connected(context.Background())
	if err == nil && ended(conn) {
		err = hub.ErrGone
	}
	if err == nil {
		err = do(s)
	}
	return e.explain(what, err)
}

// IsSet tells whether it is set, without waiting. The errors are those of Set; but
// what was set when its process ended stays set.
func (e *Event) IsSet() (bool, error) {
	s, conn, err := e.connected(context.Background())
	if err != nil {
		return false, e.explain("look at", err)
	}
	set, err := s.isSet()
	if err == nil && !set && ended(conn) {
		err = hub.ErrGone
	}
	return set, e.explain("look at", err)
}

// Wait waits until the event is set, and returns nil; at once if it is set already,
// also if ctx has ended. If ctx ends before, it returns [pipe.ErrTimeout] or the
// context's cause. If the process that has made the event ends, or closes it, it
// returns [hub.ErrGone].
func (e *Event) Wait(ctx context.Context) error {
	_, _, err := e.connected(ctx)
	if err != nil {
		return e.explain("wait for", err)
	}
	w, err := e.borrow()
	if err != nil {
		return e.explain("wait for", err)
	}
	found, err := w.Select(ctx)
	e.giveBack(w)
	if err != nil {
		return e.explain("wait for", selectError(ctx, err))
	}
	if found[0] == isGone { // only: they come in the order in which they are registered
		return e.explain("wait for", hub.ErrGone)
	}
	return nil
}

// selectError leaves out what the caller need not know: that there is a selector.
func selectError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, pipe.ErrClosed):
		return pipe.ErrClosed
	case ctx.Err() != nil:
		return pipe.Cause(ctx)
	}
	return err
}

// borrow returns a waiter. Each goroutine that waits has its own, and the next one
// uses it again: to make one is five system calls.
func (e *Event) borrow() (*waiter, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, pipe.ErrClosed
	}
	if n := len(e.idle); n > 0 {
		w := e.idle[n-1]
		e.idle = e.idle[:n-1]
		return w, nil
	}
	return e.newWaiter()
}

func (e *Event) newWaiter() (*waiter, error) {
	w, err := selector.New[news]()
	if err != nil {
		return nil, err
	}
	err = w.Register(e.signal, isSet)
	if err == nil && e.conn != nil {
		err = w.Register(e.conn, isGone)
	}
	if err != nil {
		_ = w.Close()
		return nil, err
	}
	e.all = append(e.all, w)
	return w, nil
}

func (e *Event) giveBack(w *waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = append(e.idle, w)
}

// SyscallConn makes an Event a [selector.Source]: it is ready when the event is set,
// and when its maker has gone; [Event.IsSet] tells which. (Where the selector has no
// descriptor of its own, which is elsewhere than on Linux, only when it is set.)
func (e *Event) SyscallConn() (syscall.RawConn, error) {
	if _, _, err := e.connected(context.Background()); err != nil {
		return nil, e.explain("register", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, e.explain("register", pipe.ErrClosed)
	}
	if e.source == nil {
		w, err := e.newWaiter()
		if err != nil {
			return nil, e.explain("register", err)
		}
		e.source = w
	}
	raw, err := e.source.SyscallConn()
	if errors.Is(err, errors.ErrUnsupported) {
		return e.signal.SyscallConn()
	}
	return raw, err
}

// Buffered returns 0; see [selector.Source].
func (e *Event) Buffered() int { return 0 }

func (e *Event) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if e.handle.Path() == "" {
		return fmt.Errorf("event: %s: %w; see New and Open", what, err)
	}
	return fmt.Errorf("event: %s %s: %w", what, e.handle.Path(), err)
}

// Close gives the handle up. Who has made the event ends it for all others, too, and
// its path is removed. Who waits with this handle gets [pipe.ErrClosed]. A second
// Close does nothing.
func (e *Event) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for _, w := range e.all {
		_ = w.Close() // wakes who waits
	}
	s := e.signal
	e.mu.Unlock()
	err := e.handle.Close()
	if e.hub != nil {
		err = errors.Join(err, e.hub.Close())
	}
	if s != nil {
		s.close()
	}
	return err
}
