// Package queue carries items from processes that make them to processes that use them,
// any number of both, each item to one of them.
//
// A [Queue] is kept by the process that has made it, the broker; the others find it by
// its path (package hub). When Put has returned, the item is there: in the broker's
// memory, in its place in the order, and whoever has put it may exit or be killed. (In
// Python it is in the memory of the one who has put it, and a thread will send it some
// time; if nobody takes it, the process cannot end, and if it is killed, it is lost.)
//
// Guarantees. First in, first out. An item is delivered once; whole or not at all. What
// cannot be encoded is an error of Put. Somebody who is killed in the middle of anything
// blocks nobody. When the broker ends, all others get [hub.ErrGone].
//
// Who takes an item with [Queue.Get] and is killed before it has used it, has taken it
// along. Who takes it with [Queue.Lease] has it until it says that it is done: if it is
// killed before, the item goes to somebody else.
//
// Limits. An item may have up to [MaxItem] bytes when encoded. What is in the queue is in
// the broker's memory (an item of more than 1 MiB: in shared memory, for which the broker
// has a descriptor), and ends with it. Windows: [errors.ErrUnsupported].
package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

const (
	// DefaultCapacity is how many items a queue holds.
	DefaultCapacity = 1000
	// MaxItem is how many bytes an item may have when it is encoded.
	MaxItem = 256 << 20
)

var (
	// ErrClosed: Close was called, by the process that has made the queue. Nothing can
	// be put any more; what is in it can still be taken, and then Get returns this too.
	ErrClosed = errors.New("the queue is closed")
	// ErrFull is what TryPut returns instead of waiting.
	ErrFull = errors.New("the queue is full")
	// ErrEmpty is what TryGet returns instead of waiting.
	ErrEmpty = errors.New("the queue is empty")
)

// A Config says how a queue is to be. The zero value is useful.
type Config struct {
	// Capacity is how many items it holds; 0 means DefaultCapacity, negative means as
	// many as there is memory for.
	Capacity int

	// Path, if not empty, is where programs that are no relatives find it, with Open.
	// See hub.Listen for what is wrong with a path, and what is replaced.
	Path string
}

// A Queue is a handle of one. All methods are safe for concurrent use: goroutines that
// share a handle do not wait for each other.
//
// It travels to another process as text, which is its path, and connects at its first use
// there. That process must use the same T.
type Queue[T any] struct {
	clients
	broker *broker // nil: in another process
}

// New makes a queue. Close it when nothing more is to be put, and Destroy it when nobody
// needs it any more.
func New[T any](cfg Config) (*Queue[T], error) {
	b := newBroker(cfg.Capacity)
	h, err := b.listen(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q := &Queue[T]{broker: b}
	b.hub = h
	return q, q.UnmarshalText([]byte(h.Path()))
}

// Open returns a handle of the queue at this path, and connects at once, so that what is
// wrong is said here: [os.ErrNotExist] if there is none, [hub.ErrGone] if its process has
// ended.
func Open[T any](path string) (*Queue[T], error) {
	q := &Queue[T]{}
	if err := q.UnmarshalText([]byte(path)); err != nil {
		return nil, err
	}
	if _, err := q.Len(); err != nil {
		return nil, err
	}
	return q, nil
}

// Put puts items at the end, in this order and with nothing in between, and waits as long
// as there is no room for all of them; a batch larger than the capacity waits until the
// queue is empty. When it has returned nil, they are there. If ctx ends before, it
// returns [pipe.ErrTimeout] or the context's cause, and nothing was put. [ErrClosed]
// after Close.
func (q *Queue[T]) Put(ctx context.Context, items ...T) error {
	return q.putItems(ctx, "put", 0, items)
}

// TryPut is Put that returns [ErrFull] instead of waiting.
func (q *Queue[T]) TryPut(items ...T) error {
	return q.putItems(context.Background(), "try to put", sayNow, items)
}

func (q *Queue[T]) putItems(ctx context.Context, op string, how byte, items []T) error {
	if len(items) == 0 {
		return nil
	}
	payload, files, err := encodeItems(items)
	defer dropFiles(files)
	if err != nil {
		return fmt.Errorf("queue: %s: %w", op, err)
	}
	return q.clients.put(ctx, op, how, payload, len(items), files)
}

// Get takes the first item, and waits as long as there is none. If ctx ends before, it
// returns [pipe.ErrTimeout] or the context's cause. [ErrClosed] when the queue is closed
// and empty. What cannot be decoded as a T is an error, and taken.
func (q *Queue[T]) Get(ctx context.Context) (T, error) { return q.one(q.get(ctx, "get", 0, 1)) }

// TryGet is Get that returns [ErrEmpty] instead of waiting.
func (q *Queue[T]) TryGet() (T, error) {
	return q.one(q.get(context.Background(), "try to get", sayNow, 1))
}

// GetMany takes up to n items, as many as there are, and waits as long as there is none:
// one journey for all of them. The errors are those of Get.
func (q *Queue[T]) GetMany(ctx context.Context, n int) ([]T, error) {
	if n <= 0 {
		return nil, nil
	}
	return q.get(ctx, "get", 0, n)
}

func (q *Queue[T]) one(items []T, err error) (item T, _ error) {
	if err != nil {
		return item, err
	}
	return items[0], nil
}

func (q *Queue[T]) get(ctx context.Context, op string, how byte, n int) ([]T, error) {
	parts, err := q.clients.get(ctx, op, how, n)
	if err != nil {
		return nil, err
	}
	defer dropParts(parts)
	items := make([]T, len(parts))
	for i, part := range parts {
		if items[i], err = decodePart[T](part); err != nil {
			return nil, fmt.Errorf("queue: %s: %w", op, err)
		}
	}
	return items, nil
}

// All returns the items, one after the other, until the queue is closed and empty, or ctx
// ends, or something goes wrong: then it yields the error, which [ErrClosed] is not, and
// stops. Each item is taken when the loop comes to it.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] { return all(ctx, q.Get) }

func all[T any](ctx context.Context, get func(context.Context) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := get(ctx)
			if errors.Is(err, ErrClosed) {
				return
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Len returns how many items are in the queue. Leased ones are not.
func (q *Queue[T]) Len() (int, error) {
	s, err := q.state()
	return s.length, err
}

// Empty tells whether there is nothing to get. What was put before, by anybody whose Put
// has returned, counts.
func (q *Queue[T]) Empty() (bool, error) {
	s, err := q.state()
	return s.length == 0, err
}

// Full tells whether Put would wait.
func (q *Queue[T]) Full() (bool, error) {
	s, err := q.state()
	return s.full, err
}

func (q *Queue[T]) state() (state, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := q.request(ctx, "look at", sayState, nil)
	if err != nil {
		return state{}, err
	}
	return readState(a.payload)
}

// Join waits until the queue is empty and all leases are done: everything that was put
// has been taken, and what was leased is acknowledged. If ctx ends before, it returns
// [pipe.ErrTimeout] or the context's cause.
func (q *Queue[T]) Join(ctx context.Context) error {
	_, err := q.request(ctx, "join", sayJoin, nil)
	return err
}

// Close closes the queue, if this process has made it: from now on Put returns
// [ErrClosed], and so does Get when nothing is left. It does not wait. The handle is as
// good as before, to get what is left, or to Join.
//
// In any other process it gives up the handle; those that wait with it get
// [pipe.ErrClosed]. A second Close does nothing.
func (q *Queue[T]) Close() error {
	if q.broker != nil {
		q.broker.close()
		return nil
	}
	return q.clients.close()
}

// Destroy ends the queue for all, with what is in it: they get [hub.ErrGone]. In a process
// that has not made it, it does what Close does.
func (q *Queue[T]) Destroy() error {
	err := q.clients.close()
	if q.broker != nil {
		err = errors.Join(err, q.broker.hub.Close())
		q.broker.end()
	}
	return err
}

const kind = "queue"
