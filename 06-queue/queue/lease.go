package queue

import (
	"context"
	"fmt"
)

// A Lease is an item that was handed out, and not given away: as long as it is neither
// acknowledged nor given back, the broker keeps it for the case that this process ends.
// It is not safe for concurrent use: one goroutine says Ack or Nack, once.
type Lease[T any] struct {
	Value T
	// Deliveries is how often it was handed out by now, this time included. More than
	// once means that somebody has given it back, or has died with it.
	Deliveries int

	q   *Queue[T]
	one *client // the connection is the lease
}

// Lease hands out the first item, and waits as long as there is none. The errors are those
// of Get; what cannot be decoded is acknowledged. Say Ack when it is done. If this process
// ends before, in whatever way, the item goes to the front of the queue again.
func (q *Queue[T]) Lease(ctx context.Context) (*Lease[T], error) {
	const op = "lease"
	one, err := q.take(ctx)
	if err != nil {
		return nil, q.explain(op, err)
	}
	a, err := one.request(ctx, sayLease, nil)
	if why := q.judge(ctx, sayLease, a, err); why != nil {
		q.give(one, err)
		return nil, q.explain(op, why)
	}
	l := &Lease[T]{q: q, one: one}
	parts, err := partsOf(a)
	if err == nil && len(parts) != 2 {
		err = errNonsense
	}
	if err == nil {
		var n uint64
		n, _, err = readNumber(parts[0].data)
		l.Deliveries = int(n)
	}
	if err == nil {
		l.Value, err = decodePart[T](parts[1])
	}
	dropParts(parts)
	if err != nil {
		return nil, q.explain(op, fmt.Errorf("%w (acknowledged: %v)", err, l.Ack()))
	}
	return l, nil
}

// Ack says that it is done. The item is gone, and Join need not wait for it any more. A
// second Ack, or one after Nack, is an error.
func (l *Lease[T]) Ack() error { return l.end("acknowledge", sayAck) }

// Nack gives it back: it goes to the front of the queue, for whoever comes next.
func (l *Lease[T]) Nack() error { return l.end("give back", sayNack) }

func (l *Lease[T]) end(op string, what byte) error {
	if l.one == nil {
		return fmt.Errorf("queue: %s: this lease has ended already", op)
	}
	one := l.one
	l.one = nil
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := one.request(ctx, what, nil)
	l.q.give(one, err)
	return l.q.explain(op, l.q.judge(ctx, what, a, err))
}
