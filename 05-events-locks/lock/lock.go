// Package lock keeps processes out of each other's way: of all that want something
// at the same time, one has it.
//
// There are two kinds, with the same methods ([Lock]). A [File] is a lock that any
// program can open by its path; the kernel keeps it, see flock(2). A [Socket] is kept
// by the process that has made it; that one knows who waits, so it can be fair. Both
// are freed by the kernel when their holder ends, in whatever way. So nobody waits for
// the dead. The one who gets it next is told that the last one has died with it
// ([Grant].PrevDied): what it was about to change may be half changed.
//
// Guarantees. At most one holder, or any number of shared ones. A lock whose holder
// was killed is free at once. Every exclusive grant has a number, the token, that
// is higher than all before it, so whoever keeps the data can refuse the late word
// of one who has lost the lock without noticing.
//
// Limits. A lock is a promise among those who ask for it: it keeps nobody from the
// data who does not. It is not recursive: who has it and asks again waits for
// himself. On network file systems a File is what flock is there; see nfs(5).
package lock

import (
	"context"
	"encoding"
	"errors"
	"fmt"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Lock is a handle of one, a [*File] or a [*Socket]. It can hold the lock once:
// goroutines that share a handle take turns, and two handles exclude each other like
// two processes do. All methods are safe for concurrent use.
type Lock interface {
	// Acquire waits until it has the lock. If ctx ends before, it returns
	// [pipe.ErrTimeout] or the context's cause; a lock that is free is given also
	// when ctx has ended.
	Acquire(ctx context.Context) (Grant, error)
	// AcquireShared is Acquire for those who only look: any number of handles may
	// have the lock so at the same time, while nobody has it alone.
	AcquireShared(ctx context.Context) (Grant, error)
	// TryAcquire takes the lock if it is free, and otherwise returns [ErrHeld].
	TryAcquire() (Grant, error)
	// Release gives the lock back; [ErrNotHeld] if this handle does not have it.
	Release() error
	// With acquires the lock, calls do, and releases it, also when do returns an
	// error or panics.
	With(ctx context.Context, do func(Grant) error) error
	// Close gives the handle up, and the lock if it has it.
	Close() error
	// MarshalText returns the path: so a handle travels to another process.
	encoding.TextMarshaler
}

// A Grant comes with a lock.
type Grant struct {
	// Token is a number that grows with each exclusive grant of this lock, whoever
	// gets it. It is called a fencing token: send it along with what you write, and
	// let the receiver refuse a lower one than it has seen. (See Martin Kleppmann,
	// How to do distributed locking, 2016.) A shared grant has the last one's.
	Token uint64

	// PrevDied says that the last exclusive holder did not release the lock: it was
	// killed, or has crashed. Look at what the lock protects before you use it. A
	// shared grant says it too, and leaves it for the next exclusive one.
	PrevDied bool
}

var (
	// ErrHeld: the lock is taken. TryAcquire returns it.
	ErrHeld = errors.New("the lock is held by somebody else")
	// ErrNotHeld: it is not yours to release.
	ErrNotHeld = errors.New("the lock is not held here")
)

var errNotOpened = errors.New("lock: this handle was not opened; see Open and OpenSocket")

// with is With for every kind.
func with(ctx context.Context, l Lock, do func(Grant) error) (err error) {
	grant, err := l.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	return do(grant)
}

// A turn is what the goroutines that share a handle pass on to each other: it holds
// one token, and who has it may use the handle.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// try tells whether it was free.
func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// take waits for it. What is free is given also when ctx has ended.
func (t turn) take(ctx context.Context) error {
	if t.try() {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return pipe.Cause(ctx)
	}
}

func (t turn) pass() { <-t }

// explain says what was tried, and where.
func explain(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("lock: %s %s: %w", op, path, err)
}
