package queue

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
)

// A broker has the items, and knows who waits. What makes it quick is in ahead.go.
type broker struct {
	hub      *hub.Hub
	capacity int // negative: no limit

	mu     sync.Mutex
	items  []*item
	leased map[*item]bool
	closed bool
	// Those who wait, in the order in which they have asked.
	putting, getting, joining []*peer
	ahead
}

type item struct {
	data       []byte
	file       *os.File // what a large one is in, instead
	deliveries int
}

func (i *item) drop() {
	if i.file != nil {
		_ = i.file.Close()
	}
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
	favours
}

func newBroker(capacity int) *broker {
	if capacity == 0 {
		capacity = DefaultCapacity
	}
	return &broker{capacity: capacity, leased: map[*item]bool{}}
}

func (b *broker) listen(path string) (h *hub.Hub, err error) {
	b.openIntake()
	if path == "" {
		h, err = hub.New(kind, b.serve)
	} else {
		h, err = hub.Listen(path, kind, b.serve)
	}
	if err != nil {
		b.end()
	}
	return h, err
}

// serve is the life of a connection. What it has leased comes back when it ends.
func (b *broker) serve(conn *pipe.Conn) {
	conn.SetLimit(frameLimit)
	_ = conn.SetWriteDeadline(expired)
	p := &peer{conn: conn}
	for {
		var pending *message
		m, err := receiveMessage(conn, &pending)
		if err == nil {
			err = b.hear(p, m)
		}
		if err != nil {
			b.leave(p)
			return
		}
	}
}

// expired is a moment that has passed: a write does what it can do at once, and no more.
var expired = time.Unix(1, 0)

func (b *broker) hear(p *peer, m message) (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drain() // what was put before this came before it
	switch {
	case m.what == sayTook:
		b.match()
		return nil
	case m.what == sayCancel && p.what == 0: // the answer is on its way
		return nil
	case m.what == sayCancel:
		b.forget(p)
		b.answer(p, sayCancelled, nil)
		return nil
	case p.what != 0:
		return errNonsense // one at a time
	}
	p.what, p.number = m.what&^sayNow, m.number
	switch p.what {
	case sayHello:
		return b.greet(p, m.payload)
	case sayPut:
		p.batch, err = partsOf(m)
		b.putting = append(b.putting, p)
	case sayGet:
		var most uint64
		most, _, err = readNumber(m.payload)
		p.most = int(min(most, 1<<30))
		b.takeBack(p)
		b.getting = append(b.getting, p)
	case sayLease:
		if p.lease != nil {
			return errNonsense
		}
		b.takeBack(p)
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
		b.answer(p, sayDone, state{b.length(), b.isFull()}.payload())
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

// match does what has become possible.
func (b *broker) match() {
	for again := true; again; again = b.wantsToKnow() {
		b.matchPuts()
		for len(b.getting) > 0 && len(b.items) > 0 {
			p := b.getting[0]
			b.getting = b.getting[1:]
			b.deliver(p)
			b.matchPuts() // there is room now
		}
	}
	if b.length() > 0 || len(b.leased) > 0 {
		return
	}
	if b.closed && b.reserved == 0 {
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

func (b *broker) matchPuts() {
	for len(b.putting) > 0 && (b.closed || b.room(len(b.putting[0].batch))) {
		p := b.putting[0]
		b.putting = b.putting[1:]
		if b.closed {
			p.dropBatch()
			b.answer(p, sayClosed, nil)
			continue
		}
		b.items = append(b.items, p.batch...)
		b.giveCredit(p)
		b.answer(p, sayDone, nil)
	}
}

// deliver gives p what it waits for.
func (b *broker) deliver(p *peer) {
	if p.what == sayLease {
		one := b.items[0]
		b.items = b.items[1:]
		p.lease = one
		b.leased[one] = true
		one.deliveries++
		payload := appendItem(nil, appendNumber(nil, uint64(one.deliveries)))
		if one.file != nil {
			b.answer(p, sayItems, appendMark(payload), one.file)
			return
		}
		b.answer(p, sayItems, appendItem(payload, one.data))
		return
	}
	n, limit := min(p.most, len(b.items)), large
	if p.most == 1 {
		n, limit = min(1+b.mayHaveAhead(p), len(b.items)), small/2
	}
	var payload []byte
	var files []*os.File
	for i, it := range b.items[:n] {
		if i > 0 && (len(payload)+lengthSize+len(it.data) > limit || it.file != nil || len(files) > 0) {
			n = i // the rest next time: one answer is not to be without bounds
			break
		}
		if it.file != nil {
			payload, files = appendMark(payload), append(files, it.file)
		} else {
			payload = appendItem(payload, it.data)
		}
	}
	taken := slices.Clone(b.items[:n])
	clear(b.items[:n]) // or the memory would be kept
	b.items = b.items[n:]
	if p.most == 1 {
		b.giveAhead(p, taken[1:])
	}
	b.answer(p, sayItems, payload, files...)
}

// answer answers the request of p. What is small goes into the kernel at once; a client
// that does not take it is cut off. For what is large there may be no room before the
// client reads it, and nobody else is to wait for that. What is not on lease is gone then.
func (b *broker) answer(p *peer, what byte, payload []byte, files ...*os.File) {
	leased := p.what == sayLease
	p.what, p.batch = 0, nil
	frame := append(message{what: what, number: p.number}.head(), payload...)
	if len(frame) <= small && len(files) == 0 {
		if errors.Is(p.conn.SendFrame(frame), pipe.ErrTimeout) {
			_ = p.conn.Close() // it does not read; serve hears of that, and takes back what was leased
		}
		return
	}
	if leased { // Nack may close the item's own one, and a second delivery may be on its way
		var err error
		if files, err = duplicates(files); err != nil {
			_ = p.conn.Close() // it would wait for a file that never comes
			return
		}
	}
	go func() {
		_ = p.conn.SetWriteDeadline(time.Time{})
		err := p.conn.SendFrame(frame)
		for _, file := range files {
			if err == nil {
				err = p.conn.SendFile(file)
			}
			_ = file.Close()
		}
		if err != nil {
			_ = p.conn.Close()
		}
		_ = p.conn.SetWriteDeadline(expired)
	}()
}

const small = 16 << 10

// forget takes p out of all queues.
func (b *broker) forget(p *peer) {
	p.dropBatch()
	is := func(other *peer) bool { return other == p }
	b.putting = slices.DeleteFunc(b.putting, is)
	b.getting = slices.DeleteFunc(b.getting, is)
	b.joining = slices.DeleteFunc(b.joining, is)
}

func (p *peer) dropBatch() {
	for _, it := range p.batch {
		it.drop()
	}
	p.batch = nil
}

func (b *broker) endLease(p *peer, back bool) {
	if back {
		b.items = slices.Insert(b.items, 0, p.lease)
	} else {
		p.lease.drop()
	}
	delete(b.leased, p.lease)
	p.lease = nil
}

// leave is the end of a connection.
func (b *broker) leave(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drain()
	b.forget(p)
	b.endFavours(p)
	if p.lease != nil {
		b.endLease(p, true)
	}
	b.match()
}

func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.drain()
	b.revoke()
	b.match()
}

// end is for the time after all connections.
func (b *broker) end() {
	b.closeIntake()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range b.items {
		it.drop()
	}
	b.items = nil
}
