package pool

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
)

// callbacks are what is called when a task has ended, by who wants to do something with its
// result. A Call's Result must not wait, because it is called where the results come in. What
// may wait is given to Later.
type callbacks struct {
	later  []func()
	caller int64 // the number of the goroutine that calls them; 0: there is none
	errs   map[int]error
	number int // of the last one of errs
}

// Later has f called, after everything that was given to Later before, one after the other,
// in a goroutine that belongs to the pool. f may take its time, and may use the pool, also
// Close, Terminate and Join. If it panics, Join says so. Join waits for it.
func (p *Pool) Later(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.later = append(p.later, f)
	if p.caller == 0 {
		p.caller = -1 // until it knows its number
		go p.callLater()
	}
}

// callLater calls what there is, and ends.
func (p *Pool) callLater() {
	p.mu.Lock()
	p.caller = goroutine()
	for len(p.later) > 0 {
		f := p.later[0]
		p.later[0] = nil
		p.later = p.later[1:]
		p.mu.Unlock()
		if !p.call(f) {
			return // this goroutine is over, and the next one has begun
		}
		p.mu.Lock()
	}
	p.caller = 0
	p.settle()
	p.mu.Unlock()
}

// call calls f. It does not return if that has called runtime.Goexit: nothing can stop the
// end of a goroutine, so another one goes on.
func (p *Pool) call(f func()) (returned bool) {
	defer func() {
		switch r := recover(); {
		case r != nil:
			p.Report(fmt.Errorf("a callback has panicked: %v\n\n%s", r, debug.Stack()))
			returned = true
		case !returned:
			p.Report(errors.New("a callback has called runtime.Goexit"))
			go p.callLater()
		}
	}()
	f()
	return true
}

// inLater tells whether it is called in a function that was given to Later. Go gives
// goroutines no names, on purpose. But in such a function Join would wait for itself, and
// that it must not.
func (p *Pool) inLater() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caller > 0 && p.caller == goroutine()
}

// goroutine returns the number of this goroutine, as a panic shows it.
func goroutine() int64 {
	buf := make([]byte, 64)
	text, _ := bytes.CutPrefix(buf[:runtime.Stack(buf, false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return -2 // nobody
	}
	return n
}

// Report has Join return err, too, until forget is called. It is for the error of a task
// that nobody has asked for yet.
func (p *Pool) Report(err error) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	n := p.number
	if p.errs == nil {
		p.errs = map[int]error{}
	}
	p.errs[n] = err
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.errs, n)
	}
}

// reported returns what was reported, or the first of it if it is much.
func (p *Pool) reported() error {
	const most = 10
	var errs []error
	numbers := slices.Sorted(maps.Keys(p.errs))
	for _, n := range numbers[:min(most, len(numbers))] {
		errs = append(errs, p.errs[n])
	}
	if more := len(numbers) - most; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
