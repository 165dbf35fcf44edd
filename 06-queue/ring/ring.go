// Package ring streams frames of up to megabytes from one process to another through
// memory that both see.
//
// A pipe copies each byte twice and is asked for each 64 KiB: the kernel carries it from
// one process to the other. Here the writer puts a frame into a slot of shared memory and
// then counts up one number; the reader sees the number. As long as neither has to wait
// for the other, there is no system call at all. Who has to wait sleeps on an event of
// lesson 05, which is an eventfd; so one [selector.Selector] can wait for a message pipe
// and for a [Reader]. (POSIX semaphores would do for the sleep, but nothing can wait for
// one of those and for something else, and they need cgo.)
//
//	slots    [ 8 ][ 9 ][ 6 ][ 7 ]     frame n is in slot n modulo 4
//	               ^head = 6      the reader takes this one next
//	          ^tail = 10 → slot 2 the writer fills this one next, when 6 has been taken
//
// There is one writer and one reader at a time, in any processes. When one of them ends,
// another can take its place, and goes on where it was.
//
// Guarantees. Only whole frames can be seen: one whose writer was killed in the middle of
// it is not there. A slow reader makes the writer wait, or, with [Config.Overwrite], misses
// the oldest frames and knows how many. When the other side dies, who waits for it is told
// ([ErrDied]). The memory is gone when the last process that uses it is.
//
// Limits. When the process that has made the ring ends, Read and Write that would have to
// wait return [hub.ErrGone]. The two sides trust each other with the memory: who writes
// nonsense there makes the other one return errors, or read nonsense, but not crash.
// Windows: [errors.ErrUnsupported].
package ring

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/shm"
)

// ErrDied: the process on the other side has ended without Close. It is said once; who
// calls again waits for the one that takes its place.
var ErrDied = errors.New("the process on the other side has ended without Close; another may take its place")

// Config says how large a ring is. Its zero value is useful.
type Config struct {
	// Slots is how many frames it holds; 0 means 8.
	Slots int
	// MaxFrame is how many bytes a frame may have; 0 means 1 MiB. The memory is about
	// Slots times MaxFrame, but pages that no frame has reached cost nothing.
	MaxFrame int
	// Overwrite lets the writer go on when all slots are full: the oldest frame is lost.
	// It is for a camera, of which the newest picture is the one that matters.
	Overwrite bool
}

// A Ring is a handle of one. It travels to another process as text, which is its path,
// and connects when a [Writer] or [Reader] is asked for. All methods are safe for
// concurrent use.
type Ring struct {
	hub    *hub.Hub // nil: another process has made it
	handle hub.Handle
	keeper
}

const kind = "ring"

// New makes a ring. Close it when nobody needs it any more.
func New(c Config) (*Ring, error) {
	r := &Ring{}
	if err := r.begin(c); err != nil {
		return nil, fmt.Errorf("ring: new: %w", err)
	}
	h, err := hub.New(kind, r.serve)
	if err != nil {
		r.end()
		return nil, fmt.Errorf("ring: new: %w", err)
	}
	r.hub = h
	return r, r.handle.Name(h.Path(), kind)
}

// MarshalText returns the path.
func (r *Ring) MarshalText() ([]byte, error) {
	text, err := r.handle.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	return text, nil
}

// UnmarshalText makes r the handle of the ring at this path. It does not connect yet.
func (r *Ring) UnmarshalText(path []byte) error {
	if err := r.handle.Name(string(path), kind); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	return nil
}

// Close ends the ring, if this process has made it: who waits with it gets
// [hub.ErrGone]. The frames that are in it can still be read by a [Reader] that is there.
func (r *Ring) Close() error {
	if r.hub == nil {
		return nil
	}
	r.closed.Store(true)
	err := r.hub.Close()
	r.end()
	return err
}

// A state is what both sides write to, at the beginning of the memory. What one side
// writes often lies 64 bytes apart from what the other does: a cache line goes back and
// forth between two processors each time that both use it.
type state struct {
	slots, maxFrame uint64 // written once, before anybody else has the memory
	overwrite       uint64
	_               [40]byte
	// tail is how many frames have been written, ever. Only the writer writes it.
	tail atomic.Uint64
	_    [56]byte
	// head is how many have been taken. The reader counts it up, or the writer that
	// overwrites.
	head          atomic.Uint64
	_             [56]byte
	readerSleeps  atomic.Uint32
	_             [60]byte
	writerSleeps  atomic.Uint32
	_             [60]byte
	finished      atomic.Uint32 // the writer has closed
	writersKilled atomic.Uint32 // how many; the process that has made the ring counts
	readersKilled atomic.Uint32
	_             [52]byte
}

const (
	headSize   = int(unsafe.Sizeof(state{}))
	lengthSize = 8 // before the bytes of each frame, in its slot
)

// A side is what Writer and Reader have in common.
type side struct {
	path       string
	conn       *pipe.Conn
	memory     *shm.Memory
	state      *state
	slotSize   int
	data, room *event.Event // there is a frame; there is room

	mu     sync.Mutex // for one call at a time, and never while the memory goes away
	closed atomic.Bool
	deaths uint32 // how many deaths of the other side are known here
}

// A greeting is what the hub answers, before it sends the memory.
type greeting struct {
	Data, Room *event.Event
}

// join takes part, as soon as nobody else has this role.
func (r *Ring) join(ctx context.Context, role string) (*side, error) {
	path := r.handle.Path()
	if path == "" {
		return nil, errors.New("this handle was not made with New")
	}
	conn, err := hub.Dial(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	s := &side{path: path, conn: conn}
	err = conn.Within(ctx, func() error {
		if err := conn.SendFrame([]byte(role)); err != nil {
			return err
		}
		g, err := pipe.Receive[greeting](conn)
		if err != nil {
			return err
		}
		s.data, s.room = g.Data, g.Room
		for _, e := range []*event.Event{g.Data, g.Room} {
			if _, err := e.IsSet(); err != nil { // it connects now: later they might be gone
				return err
			}
		}
		file, err := conn.ReceiveFile()
		if err != nil {
			return err
		}
		s.memory, err = shm.Map(file)
		return err
	})
	if err == nil {
		err = s.look()
	}
	if err != nil {
		s.giveUp()
		return nil, hub.Explain(err)
	}
	return s, s.memory.CloseFile()
}

// look believes nothing of what it finds in the memory that would lead outside of it.
func (s *side) look() error {
	size := len(s.memory.Bytes())
	if size < headSize {
		return fmt.Errorf("a memory of %d bytes is no ring", size)
	}
	s.state = shm.At[state](s.memory, 0)
	slots, frame := s.state.slots, s.state.maxFrame
	if slots == 0 || frame == 0 || slots > uint64(size) || frame > uint64(size) ||
		uint64(headSize)+slots*uint64(slotSize(int(frame))) > uint64(size) {
		return fmt.Errorf("a memory of %d bytes is no ring of %d frames of %d bytes", size, slots, frame)
	}
	s.slotSize = slotSize(int(frame))
	return nil
}

// slotSize is a multiple of a cache line.
func slotSize(maxFrame int) int { return (lengthSize + maxFrame + 63) &^ 63 }

func (s *side) slot(n uint64) []byte {
	i := headSize + int(n%s.state.slots)*s.slotSize
	return s.memory.Bytes()[i : i+s.slotSize]
}

// used returns which frame is next, and how many there are. head is read first, so that if
// there are any, the next one is among them: the tail that is read later can only have
// gone on. If the writer has overwritten some between the two, it looks again.
func (s *side) used() (head, n uint64, err error) {
	for {
		head = s.state.head.Load()
		n = s.state.tail.Load() - head
		if n <= s.state.slots {
			return head, n, nil
		}
		if s.state.head.Load() == head {
			return 0, 0, fmt.Errorf("its memory was written to by somebody else: %d frames in %d slots", n, s.state.slots)
		}
	}
}

// sleep waits for e. First it says so, and then it looks once more whether it still has
// to: the other side first counts up and then looks whether somebody sleeps. Of two who do
// that, at least one sees what the other has written, because atomic operations of Go are
// sequentially consistent: there is one order of all four, and whichever comes last in it
// sees the others. Nobody sleeps while there is something to do.
func (s *side) sleep(ctx context.Context, e *event.Event, asleep *atomic.Uint32, still func() bool, killed *atomic.Uint32) error {
	for range spins() {
		if !still() {
			return nil
		}
	}
	asleep.Store(1)
	if !still() {
		return nil
	}
	if n := killed.Load(); n != s.deaths {
		s.deaths = n
		return ErrDied
	}
	err := e.Wait(ctx)
	if err == nil {
		err = e.Clear() // before the next look: what is set after this will be seen by the next Wait
	}
	switch {
	case err == nil, !still():
		return nil // what is there beats why we would not wait
	case errors.Is(err, hub.ErrGone):
		return hub.ErrGone // of the ring, which says more than that of an event
	case errors.Is(err, pipe.ErrTimeout):
		return pipe.ErrTimeout
	}
	return err
}

// wake wakes the other side if it sleeps. To ask costs no system call. If the event is
// gone, the other side knows that as well.
func wake(e *event.Event, asleep *atomic.Uint32) {
	if asleep.Load() != 0 && asleep.Swap(0) != 0 {
		_ = e.Set()
	}
}

// spins is how often a side looks again before it goes to sleep: for about as long as a
// sleep and a wake cost, some ten microseconds. If it has something by then, it has
// gained; if not, it has lost at most as much again. Where there is one processor, or this
// process uses only one, the other side could not do anything meanwhile.
func spins() int {
	if min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) < 2 {
		return 0
	}
	return 10_000
}

// copyFrame is copy, but never with a megabyte at once: from that size on Go's memmove
// writes past the caches, since it takes the data to be more than they hold. The other
// side, which reads it at once, would have to fetch it from memory again.
func copyFrame(to, from []byte) {
	for len(from) > 0 {
		n := copy(to, from[:min(len(from), 256<<10)])
		to, from = to[n:], from[n:]
	}
}

func (s *side) explain(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		err = pipe.ErrClosed
	}
	return fmt.Errorf("ring: %s: %s: %w", op, s.path, err)
}

// close ends the side, and wakes who waits in it.
func (s *side) close(before func()) error {
	if s.closed.Swap(true) {
		return nil
	}
	_ = s.data.Close() // the handles: who waits with them stops
	_ = s.room.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	before()
	// That this is no accident; see keeper.serve.
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_ = s.conn.SendFrame(nil)
	return s.giveUp()
}

func (s *side) giveUp() error {
	err := s.conn.Close()
	for _, e := range []*event.Event{s.data, s.room} {
		if e != nil {
			_ = e.Close()
		}
	}
	if s.memory != nil {
		err = errors.Join(err, s.memory.Close())
	}
	return err
}
