package selector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Source is what a Selector can wait for: a [*pipe.Conn], the end of a process
// ([Exit]), and in later lessons a worker, an event, a ring.
type Source interface {
	// SyscallConn gives access to a descriptor that becomes readable when there
	// is news. After the source was closed it returns an error.
	SyscallConn() (syscall.RawConn, error)
	// Buffered returns how much has left the kernel and was not yet looked at.
	// While it is not 0 the source is ready, whatever its descriptor says: the
	// read that brought one message may have brought the next one as well.
	Buffered() int
}

// A Selector waits for many sources at once, each registered with a key that
// means something to you. It costs one descriptor, made once and not for each
// wait. All methods are safe for concurrent use; Select calls take turns.
type Selector[K any] struct {
	turn chan struct{} // holds one token: who has it may wait
	*waiter

	mu      sync.Mutex
	closed  bool
	last    uint64
	sources map[Source]uint64 // the id under which it is registered
	entries map[uint64]entry[K]
}

type entry[K any] struct {
	source Source
	key    K
	always bool // the kernel cannot wait for it: it is always ready
}

// New returns a Selector without sources. Close it when it is no longer needed.
func New[K any]() (*Selector[K], error) {
	w, err := newWaiter()
	if err != nil {
		return nil, fmt.Errorf("selector: new: %w", err)
	}
	return &Selector[K]{
		turn:    make(chan struct{}, 1),
		waiter:  w,
		sources: map[Source]uint64{},
		entries: map[uint64]entry[K]{},
	}, nil
}

// Register adds a source, which from now on makes Select return its key. A
// Select that waits already takes notice.
//
// A regular file is always ready, which is what the kernel says of it too.
func (s *Selector[K]) Register(source Source, key K) error {
	raw, err := source.SyscallConn()
	if err != nil {
		return fmt.Errorf("selector: register: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("selector: register: %w", pipe.ErrClosed)
	}
	if _, ok := s.sources[source]; ok {
		return errors.New("selector: register: this source is registered already; Unregister it first to give it another key")
	}
	s.last++
	always, err := s.add(s.last, raw)
	if err != nil {
		return fmt.Errorf("selector: register: %w", err)
	}
	s.sources[source] = s.last
	s.entries[s.last] = entry[K]{source, key, always}
	s.wake() // it may be ready, in a way that the kernel does not know of
	return nil
}

// Unregister removes a source. Do it before you close the source: the kernel
// forgets a descriptor only when its last copy is closed, and a child may have
// one. Of a source that is not registered it does nothing.
func (s *Selector[K]) Unregister(source Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.sources[source]
	if !ok || s.closed {
		return
	}
	delete(s.sources, source)
	delete(s.entries, id)
	raw, err := source.SyscallConn()
	if err != nil {
		raw = nil // closed before
	}
	s.remove(id, raw)
}

// Len returns how many sources are registered.
func (s *Selector[K]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sources)
}

// Select waits until at least one source is ready and returns the keys of all
// that are, in the order in which they were registered. Ready means: a read will
// not wait. It may bring a message, a part of one, or the end of the input. A
// source stays ready until you have read what there is.
//
// When ctx ends it returns [pipe.ErrTimeout] if its time is over, and otherwise
// [context.Cause]; but with an ended ctx it still returns what is ready, so that
// it can be used to look without waiting. After Close it returns
// [pipe.ErrClosed].
func (s *Selector[K]) Select(ctx context.Context) ([]K, error) {
	select {
	case s.turn <- struct{}{}:
	default:
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("selector: select: %w", pipe.Cause(ctx))
		}
	}
	defer func() { <-s.turn }()
	for {
		ready := s.readyWithoutKernel()
		var err error
		if len(ready) > 0 {
			err = s.look()
		} else {
			err = s.wait(ctx, s.anyWithoutKernel)
		}
		if err != nil {
			return nil, fmt.Errorf("selector: select: %w", err)
		}
		if keys := s.keys(append(ready, s.found()...)); len(keys) > 0 {
			return keys, nil
		}
		// Somebody has woken us, or what was ready has been unregistered.
	}
}

// readyWithoutKernel returns the sources that are ready for other reasons than
// their descriptor.
func (s *Selector[K]) readyWithoutKernel() (ids []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.entries {
		if e.ready() {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Selector[K]) anyWithoutKernel() bool { return len(s.readyWithoutKernel()) > 0 }

func (e entry[K]) ready() bool {
	if e.always || e.source.Buffered() > 0 {
		return true
	}
	// Closed here, without Unregister: a read says so, and does not wait.
	raw, err := e.source.SyscallConn()
	return err != nil || raw.Control(func(uintptr) {}) != nil
}

// keys returns the keys for the ids that are still registered.
func (s *Selector[K]) keys(ids []uint64) (keys []K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if e, ok := s.entries[id]; ok {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// SyscallConn makes a Selector itself a [Source], which is ready when one of its
// sources is: so another Selector can wait for this one, and something that is two
// things to wait for can look like one. [errors.ErrUnsupported] elsewhere than on
// Linux, where a Selector is a descriptor.
func (s *Selector[K]) SyscallConn() (syscall.RawConn, error) { return s.descriptor() }

// Buffered returns how many of its sources are ready for other reasons than their
// descriptor, see [Source].
func (s *Selector[K]) Buffered() int { return len(s.readyWithoutKernel()) }

// Close frees the descriptor and wakes a Select that waits. The sources are not
// closed. A second Close does nothing.
func (s *Selector[K]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.close()
}
