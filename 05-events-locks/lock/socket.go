package lock

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
)

// A Socket is a handle of a lock that a process keeps for others, see [Lock]: the one
// that has made it, with [NewSocket]. When that process ends, or closes its handle, all
// others get [hub.ErrGone], and whoever had the lock has lost it: its next call says so,
// and the token tells it to others.
//
// It is fair: who has asked first gets it first. (With a [File] the kernel decides, and
// whoever is awake has the better chance.) It costs some thirty times as much.
//
// A handle travels to another process as text, which is its path; it connects at its
// first use there.
type Socket struct {
	hub    *hub.Hub // nil: another process keeps it, and has these two
	keeper *keeper
	handle hub.Handle
	turn   turn

	mu     sync.Mutex
	held   bool
	closed bool
	conn   *pipe.Conn // nil: not connected yet
	number uint64     // of the last request
}

const socketKind = "lock"

// NewSocket makes a lock at a path that nobody can guess. Other processes get it as an
// argument. Close it when nobody needs it any more. Windows: [errors.ErrUnsupported].
func NewSocket() (*Socket, error) {
	k := &keeper{}
	h, err := hub.New(socketKind, k.serve)
	return newSocket(h, k, err)
}

// ListenSocket makes a lock at a path, which programs that are no relatives open with
// [OpenSocket]. See [hub.Listen] for what is wrong with a path, and what is replaced.
func ListenSocket(path string) (*Socket, error) {
	k := &keeper{}
	h, err := hub.Listen(path, socketKind, k.serve)
	return newSocket(h, k, err)
}

func newSocket(h *hub.Hub, k *keeper, err error) (*Socket, error) {
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	s := &Socket{hub: h, keeper: k}
	return s, s.UnmarshalText([]byte(h.Path()))
}

// OpenSocket returns a handle of the lock at this path, and connects at once, so that
// what is wrong is said here: [os.ErrNotExist] if there is none, [hub.ErrGone] if its
// process has ended.
func OpenSocket(path string) (*Socket, error) {
	s := &Socket{}
	if err := s.UnmarshalText([]byte(path)); err != nil {
		return nil, err
	}
	if err := s.connect(context.Background()); err != nil {
		return nil, explain("open", path, err)
	}
	return s, nil
}

// UnmarshalText makes s the handle of the lock at this path. It does not connect yet.
// It is for a Socket that is not in use.
func (s *Socket) UnmarshalText(path []byte) error {
	if err := s.handle.Name(string(path), socketKind); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	s.turn = newTurn()
	return nil
}

// MarshalText returns the path.
func (s *Socket) MarshalText() ([]byte, error) {
	text, err := s.handle.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return text, nil
}

// Path returns the path, absolute.
func (s *Socket) Path() string { return s.handle.Path() }

func (s *Socket) connect(ctx context.Context) error {
	conn, err := s.handle.Conn(ctx, func(*pipe.Conn) error { return nil })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	return nil
}

// Acquire waits until it has the lock. If ctx ends before, it returns
// [pipe.ErrTimeout] or the context's cause; a lock that is free is given also when
// ctx has ended.
func (s *Socket) Acquire(ctx context.Context) (Grant, error) {
	return s.acquire(ctx, "acquire", sayExclusive)
}

// AcquireShared is Acquire for those who only look. It does not overtake those who wait
// for the lock alone.
func (s *Socket) AcquireShared(ctx context.Context) (Grant, error) {
	return s.acquire(ctx, "acquire shared", sayShared)
}

// TryAcquire takes the lock if it is free, and otherwise returns [ErrHeld]. It waits for
// nothing but the keeper's answer, and for that at most 15 s: the keeper may be stopped.
func (s *Socket) TryAcquire() (Grant, error) {
	if s.turn == nil {
		return Grant{}, errNotOpened
	}
	if !s.turn.try() {
		return Grant{}, explain("try to acquire", s.Path(), ErrHeld)
	}
	return s.ask(context.Background(), "try to acquire", sayExclusive, true)
}

func (s *Socket) acquire(ctx context.Context, op string, what byte) (Grant, error) {
	if s.turn == nil {
		return Grant{}, errNotOpened
	}
	if err := s.turn.take(ctx); err != nil {
		return Grant{}, explain(op, s.Path(), err)
	}
	if ctx.Err() == nil {
		return s.ask(ctx, op, what, false)
	}
	grant, err := s.ask(context.WithoutCancel(ctx), op, what, true)
	if errors.Is(err, ErrHeld) {
		err = explain(op, s.Path(), pipe.Cause(ctx))
	}
	return grant, err
}

// ask asks the keeper, for a caller who has the turn.
func (s *Socket) ask(ctx context.Context, op string, what byte, try bool) (grant Grant, err error) {
	defer func() {
		if err != nil {
			s.turn.pass()
			err = explain(op, s.Path(), err)
		}
	}()
	if try {
		what |= sayNow
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	if err := s.connect(ctx); err != nil {
		return Grant{}, err
	}
	answer, err := s.request(ctx, what)
	if err != nil {
		// The grant may be on its way. This takes it back, in good order.
		_ = s.say(sayCancel)
		return Grant{}, err
	}
	switch answer.what {
	case sayGranted:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = true
		return answer.grant, nil
	case sayHeld:
		return Grant{}, ErrHeld
	}
	return Grant{}, fmt.Errorf("an answer of kind %q", answer.what)
}

// patience is how long the keeper may take to answer what it can answer at once.
const patience = 15 * time.Second

// request says something and waits for the answer to it. Other answers are to requests
// that were given up.
func (s *Socket) request(ctx context.Context, what byte) (a answer, err error) {
	s.mu.Lock()
	s.number++
	number, conn := s.number, s.conn
	s.mu.Unlock()
	err = conn.Within(ctx, func() error {
		if err := s.say(what); err != nil {
			return err
		}
		for {
			frame, err := conn.ReceiveFrame()
			if err != nil {
				return err
			}
			if a, err = readAnswer(frame); err != nil || a.number == number {
				return err
			}
		}
	})
	if err != nil && s.handle.Closed() {
		err = pipe.ErrClosed
	}
	return a, hub.Explain(err)
}

func (s *Socket) say(what byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return pipe.ErrClosed // Close has said the last word
	}
	return s.conn.SendFrame(binary.BigEndian.AppendUint64([]byte{what}, s.number))
}

// Release gives the lock back, and waits until the keeper has it, so that whoever asks
// from now on finds it free; at most 15 s, if the keeper is stopped, and then it is
// [pipe.ErrTimeout], and free as soon as the keeper goes on. It returns [ErrNotHeld] if this handle does not have it,
// [pipe.ErrClosed] after Close, and [hub.ErrGone] if the keeper has ended meanwhile: then
// it may be that somebody else has it already, from a new keeper.
func (s *Socket) Release() error {
	s.mu.Lock()
	closed, held := s.closed, s.held
	s.held = false
	s.mu.Unlock()
	switch {
	case closed:
		return explain("release", s.Path(), pipe.ErrClosed)
	case !held:
		return explain("release", s.Path(), ErrNotHeld)
	}
	defer s.turn.pass()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := s.request(ctx, sayRelease)
	return explain("release", s.Path(), err)
}

// With acquires the lock, calls do, and releases it, also when do returns an error
// or panics.
func (s *Socket) With(ctx context.Context, do func(Grant) error) error { return with(ctx, s, do) }

// Close gives the handle up, and the lock if it has it. Who has made the lock ends it
// for all others, too, and its path is removed. Whoever waits in Acquire with this handle
// gets [pipe.ErrClosed]. A second Close does nothing.
func (s *Socket) Close() error {
	if s.turn == nil {
		return nil
	}
	_ = s.Release() // if it is held; if the keeper has gone, so has the lock
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.conn != nil {
		// If a grant is on its way to somebody who waits here: he will not have it,
		// and has not died with it.
		_ = s.conn.SendFrame(binary.BigEndian.AppendUint64([]byte{sayCancel}, s.number))
	}
	s.mu.Unlock()
	err := s.handle.Close()
	if s.hub != nil {
		err = errors.Join(err, s.hub.Close())
	}
	return err
}
