package queue

import (
	"errors"
	"slices"
	"sync/atomic"

	"example.com/multiprocessing/06-queue/shm"
)

// If each Put and each Get were a journey to the broker and back, most of the time would go
// into waking processes up. Two favours save most of the journeys, and change nothing of
// what the queue promises:
//
// Credit. Who puts may get leave to put some more items without asking: there is room kept
// for them. They go into the intake, a socket to which all have an end and that keeps what
// comes in one piece in one piece, in the order in which it came, also after the death of
// whom it came from. The broker empties it before it does anything else. So an item is in
// the queue as soon as Put has returned.
//
// Ahead. Who gets, and gets again, receives some more items than he has asked for. They
// are still in the queue: they count, and if somebody else asks, they are his.
//
// Both favours can be taken back at any time, also from a process that is stopped, and
// end with its death. For that, each connection has a cell of memory that both sides see
// (package shm): what a client uses up it counts there, with one atomic operation.
type cell struct {
	credits atomic.Int64 // how many items may be put
	_       [56]byte
	ahead   atomic.Uint64 // how many of those that came ahead were taken, and how many may be
	_       [56]byte
	wants   atomic.Uint32 // the broker wants to know of the next one that is taken
	_       [60]byte
}

const (
	maxCredit = 256
	maxAhead  = 64
)

func counts(taken, limit uint32) uint64 { return uint64(taken)<<32 | uint64(limit) }

func fromCounts(n uint64) (taken, limit uint32) { return uint32(n >> 32), uint32(n) }

// spend uses n credits, if there are so many.
func (c *cell) spend(n int) bool {
	for {
		has := c.credits.Load()
		if has < int64(n) {
			return false
		}
		if c.credits.CompareAndSwap(has, has-int64(n)) {
			return true
		}
	}
}

// takeOne takes the next of the items that came ahead, if it was not taken back.
func (c *cell) takeOne() bool {
	for {
		old := c.ahead.Load()
		taken, limit := fromCounts(old)
		if taken >= limit {
			return false
		}
		if c.ahead.CompareAndSwap(old, counts(taken+1, limit)) {
			return true
		}
	}
}

// ahead is the part of the broker that has to do with it.
type ahead struct {
	intake   *intake // nil: this system has none, and there is no credit
	peers    map[uint64]*peer
	last     uint64 // id
	reserved int    // the sum of what the peers have
	getter   *peer  // who has asked last
	holder   *peer  // who has items ahead: one at most, so that the order is kept
}

// favours are what the broker has granted to a peer.
type favours struct {
	id       uint64
	memory   *shm.Memory
	cell     *cell // nil: none
	reserved int   // for how many items there is room kept: credits, and those on their way
	streak   int   // how many it may have ahead, if it goes on like that
	items    []*item
}

// length is how many items there are for whoever asks.
func (b *broker) length() int { return len(b.items) + b.untaken() }

func (b *broker) untaken() int {
	if b.holder == nil {
		return 0
	}
	taken, limit := fromCounts(b.holder.cell.ahead.Load())
	return min(max(int(limit)-int(taken), 0), len(b.holder.items))
}

// room tells whether a batch of n may come in. One that is larger than the capacity comes
// in when there is nothing else.
func (b *broker) room(n int) bool {
	if b.capacity < 0 {
		return true
	}
	fits := func() bool {
		used := b.length() + b.reserved
		return used+n <= b.capacity || used == 0
	}
	if !fits() && b.reserved > 0 {
		b.revoke()
	}
	return fits()
}

// isFull tells whether somebody who asks now would have to wait. Credits that nobody has
// used do not count: they can be revoked.
func (b *broker) isFull() bool {
	used := b.length() + b.reserved
	for _, p := range b.peers {
		used -= p.unspent()
	}
	return b.capacity >= 0 && used >= b.capacity
}

// unspent is at most what there is: the client could have written anything there.
func (p *peer) unspent() int {
	if p.cell == nil {
		return 0
	}
	return int(min(max(p.cell.credits.Load(), 0), int64(p.reserved)))
}

// giveCredit is for somebody who has put something, if nobody waits for room.
func (b *broker) giveCredit(p *peer) {
	if p.cell == nil || len(b.putting) > 0 {
		return
	}
	n := maxCredit - p.unspent()
	if b.capacity >= 0 {
		n = min(n, b.capacity-b.length()-b.reserved)
	}
	if n > 0 {
		p.reserved += n
		b.reserved += n
		p.cell.credits.Add(int64(n))
	}
}

// revoke takes all credits back. What is on its way stays reserved.
func (b *broker) revoke() {
	for _, p := range b.peers {
		if p.reserved > 0 {
			n := int(min(max(p.cell.credits.Swap(0), 0), int64(p.reserved)))
			p.reserved -= n
			b.reserved -= n
		}
	}
}

// drain takes in what has come into the intake.
func (b *broker) drain() {
	if b.intake == nil {
		return
	}
	for {
		packet := b.intake.next()
		if packet == nil {
			return
		}
		b.takeIn(packet)
	}
}

func (b *broker) takeIn(packet []byte) {
	id, rest, err := readNumber(packet)
	if err != nil {
		return
	}
	var items []*item
	if splitItems(rest, func(data []byte, _ bool) error {
		items = append(items, &item{data: slices.Clone(data)})
		return nil
	}) != nil {
		return
	}
	b.items = append(b.items, items...)
	if p := b.peers[id]; p != nil {
		n := min(len(items), p.reserved)
		p.reserved -= n
		b.reserved -= n
	}
}

// mayHaveAhead tells how many more items p gets. It grows with each time that nobody else
// has asked in between; two who take turns get nothing ahead.
func (b *broker) mayHaveAhead(p *peer) int {
	if p.cell == nil || len(b.getting) > 0 || b.getter != p {
		return 0
	}
	p.streak = min(max(2*p.streak, 1), maxAhead)
	return p.streak - 1
}

func (b *broker) giveAhead(p *peer, items []*item) {
	if len(items) > 0 {
		b.holder, p.items = p, items
		p.cell.wants.Store(0)
		p.cell.ahead.Store(counts(0, uint32(len(items))))
	}
}

// takeBack is for somebody who asks: what is ahead elsewhere, and was not taken, comes
// first.
func (b *broker) takeBack(asks *peer) {
	if b.getter != asks {
		b.getter = asks
		asks.streak = 0
	}
	h := b.holder
	if h == nil {
		return
	}
	var taken uint32
	for {
		old := h.cell.ahead.Load()
		taken, _ = fromCounts(old)
		if h.cell.ahead.CompareAndSwap(old, counts(taken, taken)) {
			break
		}
	}
	left := h.items[min(int(taken), len(h.items)):]
	b.items = slices.Insert(b.items, 0, left...)
	b.holder, h.items = nil, nil
}

// wantsToKnow tells whether it is worth looking once more: somebody waits for items to be
// taken, and just now the one who takes them was told to say so. What he has taken before
// he saw that is visible now.
func (b *broker) wantsToKnow() bool {
	return b.holder != nil && len(b.putting)+len(b.joining) > 0 && b.holder.cell.wants.Swap(1) == 0
}

// greet gives p its cell, and the intake if it has not got it yet.
func (b *broker) greet(p *peer, payload []byte) error {
	if p.memory != nil || len(payload) != 1 {
		return errNonsense
	}
	var memory *shm.Memory
	err := errors.ErrUnsupported
	if b.intake != nil {
		memory, err = newCell()
	}
	if err != nil { // it works without
		b.answer(p, sayDone, nil)
		return nil
	}
	b.last++
	p.id, p.memory, p.cell = b.last, memory, shm.At[cell](memory, 0)
	if b.peers == nil {
		b.peers = map[uint64]*peer{}
	}
	b.peers[p.id] = p
	b.answer(p, sayDone, appendNumber(nil, p.id))
	err = p.conn.SendFile(memory.File())
	if err == nil && payload[0] == 1 {
		err = b.intake.sendTo(p.conn)
	}
	_ = memory.CloseFile()
	return err
}

// endFavours is the end of the peer. Its credits are over, what it has put is there (drain
// comes before this), and what it has ahead and has not taken comes back.
func (b *broker) endFavours(p *peer) {
	if b.holder == p {
		b.takeBack(p)
	}
	if b.getter == p {
		b.getter = nil
	}
	b.reserved -= p.reserved
	p.reserved = 0
	delete(b.peers, p.id)
	if p.memory != nil {
		p.cell = nil
		_ = p.memory.Close()
	}
}
