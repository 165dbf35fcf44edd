package pool

import "sync/atomic"

// progress is memory that a worker and the pool both see (package shm of lesson 06). It is
// there after the worker's death, when nobody can be asked any more.
//
// Each task that a worker is given has a number, one more than the task before. The worker
// may begin those from one number up to another, and says so, before it begins one, by
// changing the first of the two. The pool can take back what was not begun, by changing the
// second: of two atomic operations on one word, one is the first.
type progress struct {
	allowed atomic.Uint64 // from, to: 32 bits each, and they may wrap around
	done    atomic.Uint64 // how many tasks have come to their end
}

func span(from, to uint32) uint64 { return uint64(from)<<32 | uint64(to) }

func fromSpan(s uint64) (from, to uint32) { return uint32(s >> 32), uint32(s) }

// before tells whether number a comes before b.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// begin begins the task with this number, if it was not taken back.
func (p *progress) begin(n uint32) bool {
	for {
		old := p.allowed.Load()
		from, to := fromSpan(old)
		if before(n, from) || !before(n, to) {
			return false
		}
		if p.allowed.CompareAndSwap(old, span(n+1, to)) {
			return true
		}
	}
}

// allow allows n tasks more, the first of which has this number.
func (p *progress) allow(first uint32, n int) {
	for {
		old := p.allowed.Load()
		from, to := fromSpan(old)
		if from == to { // all was begun, or taken back
			from = first
		}
		if p.allowed.CompareAndSwap(old, span(from, first+uint32(n))) {
			return
		}
	}
}

// takeBack takes back what was not begun, and returns the number from which on that is.
func (p *progress) takeBack() uint32 {
	for {
		old := p.allowed.Load()
		from, _ := fromSpan(old)
		if p.allowed.CompareAndSwap(old, span(from, from)) {
			return from
		}
	}
}

// begun returns the number from which on nothing was begun.
func (p *progress) begun() uint32 {
	from, _ := fromSpan(p.allowed.Load())
	return from
}
