package queue

import (
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
)

// A broker has the items, and knows who waits.
type broker struct {
	hub      *hub.Hub
	capacity int // negative: no limit

	mu     sync.Mutex
	items  []*item
	leased int
	closed bool
	// Those who wait, in the order in which they have asked.
	putting, getting, joining []*peer
}

type item struct {
	data       []byte
	deliveries int
}

// A peer is a connection, as the broker sees it. It waits for one thing at a time, and has
// one lease at a time.
type peer struct {
	conn   *pipe.Conn
	what   byte // it waits for; 0: nothing
	number uint64
	batch  []*item // put
	most   int     // get
	lease  *item
}

func newBroker(capacity int) *broker {
	if capacity == 0 {
		capacity = DefaultCapacity
	}
	return &broker{capacity: capacity}
}

func (b *broker) listen(path string) (*hub.Hub, error) {
	if path == "" {
		return hub.New(kind, b.serve)
	}
	return hub.Listen(path, kind, b.serve)
}

// serve is the life of a connection. What it has leased comes back when it ends.
func (b *broker) serve(conn *pipe.Conn) {
	conn.SetLimit(frameLimit)
	_ = conn.SetWriteDeadline(expired)
	p := &peer{conn: conn}
	for {
		frame, err := conn.ReceiveFrame()
		if err == nil {
			err = b.hear(p, frame)
		}
		if err != nil {
			b.leave(p)
			return
		}
	}
}

// expired is a moment that has passed: a write does what it can do at once, and no more.
var expired = time.Unix(1, 0)

func (b *broker) hear(p *peer, frame []byte) error {
	m, err := readMessage(frame)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.what == sayCancel {
		if p.what != 0 { // or the answer is on its way
			b.forget(p)
			b.answer(p, sayCancelled, nil)
		}
		return nil
	}
	if p.what != 0 {
		return errNonsense // one at a time
	}
	p.what, p.number = m.what&^sayNow, m.number
	switch p.what {
	case sayPut:
		p.batch = nil
		err = splitItems(m.payload, func(data []byte) error {
			p.batch = append(p.batch, &item{data: data})
			return nil
		})
		b.putting = append(b.putting, p)
	case sayGet:
		var most uint64
		most, _, err = readNumber(m.payload)
		p.most = int(min(most, 1<<30))
		b.getting = append(b.getting, p)
	case sayLease:
		if p.lease != nil {
			return errNonsense
		}
		b.getting = append(b.getting, p)
	case sayJoin:
		b.joining = append(b.joining, p)
	case sayAck, sayNack:
		if p.lease == nil {
			return errNonsense
		}
		b.endLease(p, p.what == sayNack)
		b.answer(p, sayDone, nil)
	case sayState:
		b.answer(p, sayDone, state{len(b.items), !b.room(1)}.payload())
	default:
		return errNonsense
	}
	if err != nil {
		return err
	}
	b.match()
	if m.what&sayNow != 0 && p.what != 0 {
		b.forget(p)
		b.answer(p, sayNotNow, nil)
	}
	return nil
}

// room tells whether a batch of n may come in. One that is larger than the capacity comes
// in when there is nothing else.
func (b *broker) room(n int) bool {
	return b.capacity < 0 || len(b.items)+n <= b.capacity || len(b.items) == 0
}

// match does what has become possible.
func (b *broker) match() {
	for again := true; again; {
		again = false
		for len(b.putting) > 0 && (b.closed || b.room(len(b.putting[0].batch))) {
			p := b.putting[0]
			b.putting = b.putting[1:]
			if b.closed {
				b.answer(p, sayClosed, nil)
				continue
			}
			b.items = append(b.items, p.batch...)
			b.answer(p, sayDone, nil)
		}
		for len(b.getting) > 0 && len(b.items) > 0 {
			p := b.getting[0]
			b.getting = b.getting[1:]
			b.deliver(p)
			again = len(b.putting) > 0 // there is room now
		}
	}
	if len(b.items) > 0 || b.leased > 0 {
		return
	}
	if b.closed {
		for _, p := range b.getting {
			b.answer(p, sayClosed, nil)
		}
		b.getting = nil
	}
	for _, p := range b.joining {
		b.answer(p, sayDone, nil)
	}
	b.joining = nil
}

// deliver gives p what it waits for.
func (b *broker) deliver(p *peer) {
	if p.what == sayLease {
		p.lease = b.items[0]
		b.items = b.items[1:]
		b.leased++
		p.lease.deliveries++
		b.answer(p, sayDone, append(appendNumber(nil, uint64(p.lease.deliveries)), p.lease.data...))
		return
	}
	n := min(p.most, len(b.items))
	var payload []byte
	for i, it := range b.items[:n] {
		if i > 0 && len(payload)+lengthSize+len(it.data) > 1<<20 {
			n = i // the rest next time: one answer is not to be without bounds
			break
		}
		payload = appendItem(payload, it.data)
	}
	clear(b.items[:n]) // or the memory would be kept
	b.items = b.items[n:]
	b.answer(p, sayDone, payload)
}

// answer answers the request of p. What is small goes into the kernel at once; a client
// that does not take it is cut off. For what is large there may be no room before the
// client reads it, and nobody else is to wait for that.
func (b *broker) answer(p *peer, what byte, payload []byte) {
	p.what, p.batch = 0, nil
	frame := append(message{what: what, number: p.number}.head(), payload...)
	if len(frame) <= small {
		if errors.Is(p.conn.SendFrame(frame), pipe.ErrTimeout) {
			_ = p.conn.Close() // it does not read; serve hears of that, and takes back what was leased
		}
		return
	}
	go func() {
		_ = p.conn.SetWriteDeadline(time.Time{})
		if p.conn.SendFrame(frame) != nil {
			_ = p.conn.Close()
		}
		_ = p.conn.SetWriteDeadline(expired)
	}()
}

const small = 16 << 10

// forget takes p out of all queues.
func (b *broker) forget(p *peer) {
	is := func(other *peer) bool { return other == p }
	b.putting = slices.DeleteFunc(b.putting, is)
	b.getting = slices.DeleteFunc(b.getting, is)
	b.joining = slices.DeleteFunc(b.joining, is)
}

func (b *broker) endLease(p *peer, back bool) {
	if back {
		b.items = slices.Insert(b.items, 0, p.lease)
	}
	p.lease = nil
	b.leased--
}

// leave is the end of a connection.
func (b *broker) leave(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(p)
	if p.lease != nil {
		b.endLease(p, true)
	}
	b.match()
}

func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.match()
}
