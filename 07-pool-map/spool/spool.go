// Package spool puts several copies of a program behind one function call.
//
// A [worker.Worker] (lesson 03) is one program, in any language, that serves one call at a
// time. A [Spool] has some of them, and gives each call to one that has time:
//
//	s, err := spool.New(spool.Config{Worker: worker.Config{Program: "python3", Args: []string{"square.py"}}})
//
// Guarantees. Those of package worker: each call gets its own answer or an error, and is
// executed at most once. A worker that dies costs the call that it was serving, and is
// replaced at once, also if it was idle. Nobody waits behind a worker that is busy while
// another one has time. Who waits longest is the next.
//
// Limits. There is nothing in it for functions of this program; package pool has less to
// pay for those. It starts a process for each worker, and keeps it.
package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/07-pool-map/pool"
)

// DefaultPatience is for Config.Patience.
const DefaultPatience = 5 * time.Second

// A Config says which program the workers are, and how many. Only Worker.Program must be set.
type Config struct {
	// Worker is the config of each. Its Name gets a number. Its Idle is not used: they stay.
	Worker worker.Config

	// Workers is how many there are. 0 means one for each processor that this process may
	// use (runtime.GOMAXPROCS(0)).
	Workers int

	// QueueLimit is how many calls may wait for a worker that has time; one more gets
	// [pool.ErrFull], at once. 0 means that there is no limit, negative that nobody waits.
	QueueLimit int

	// Patience is how long a worker may go on with a call whose caller has given up. Then
	// it is killed, and a new one takes its place. 0 means DefaultPatience, 5 s; negative
	// means for ever.
	Patience time.Duration
}

// A Spool is a number of workers. All methods are safe for concurrent use.
type Spool struct {
	cfg     Config
	closing context.Context // ends with Close
	close   context.CancelFunc
	keepers sync.WaitGroup
	ended   chan struct{} // all have gone

	mu       sync.Mutex
	slots    []*slot
	free     []*slot      // which have a program, and no call; the one that has waited longest first
	waiting  []chan *slot // calls; nil is for those that wait in vain
	restarts int
	deaths   pool.Deaths
	why      error // it is closed, or broken
}

// A slot is the place of a worker. Its program may die; then a new one is started in it.
type slot struct {
	*worker.Worker
	up   bool // it has a program that can be called
	busy bool // with a call, or with one that nobody waits for any more
}

// New makes a spool and starts its programs, without waiting for them. Close it.
func New(cfg Config) (*Spool, error) {
	if cfg.Workers < 0 {
		return nil, fmt.Errorf("spool: new: %d workers", cfg.Workers)
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Patience == 0 {
		cfg.Patience = DefaultPatience
	}
	like := worker.New(cfg.Worker)
	if err := like.Check(); err != nil {
		return nil, fmt.Errorf("spool: new: %w", err)
	}
	s := &Spool{cfg: cfg, ended: make(chan struct{})}
	s.closing, s.close = context.WithCancel(context.Background())
	for i := range cfg.Workers {
		one := cfg.Worker
		one.Idle = -1
		one.Name = fmt.Sprintf("%s-%d", like.Config().Name, i+1)
		s.slots = append(s.slots, &slot{Worker: worker.New(one)})
	}
	for _, one := range s.slots {
		s.keepers.Go(func() { s.keep(one) })
	}
	go func() {
		s.keepers.Wait()
		close(s.ended)
	}()
	return s, nil
}

// Call gives the call to a worker and returns its answer, as it came. It waits for a worker
// that has time, and for the answer, until ctx ends. The errors are those of
// [worker.Worker.Call], and
//
//	pool.ErrFull    as many calls wait as Config.QueueLimit allows
//	pool.ErrBroken  worker after worker has died without having answered anything
func (s *Spool) Call(ctx context.Context, args pipe.Args, kwargs pipe.Kwargs) (json.RawMessage, error) {
	one, err := s.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("spool: call: %w", err)
	}
	answer, err := one.Call(ctx, args, kwargs)
	if ctx.Err() == nil || err == nil {
		s.put(one, err == nil)
	} else {
		go s.settle(one) // it may be at it still
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.why != nil && !errors.Is(err, s.why) {
			err = fmt.Errorf("spool: call: %w: %w", s.why, err) // whatever it is, it is a consequence
		}
	}
	return answer, err
}

// Call is [Spool.Call] with the answer decoded into an Out, see [worker.Call].
func Call[Out any](ctx context.Context, s *Spool, args ...any) (Out, error) {
	byPosition, byName := worker.Arguments(args...)
	answer, err := s.Call(ctx, byPosition, byName)
	if err != nil {
		var zero Out
		return zero, err
	}
	out, err := pipe.Decode[Out](answer)
	if err != nil {
		return out, fmt.Errorf("spool: call: %w", err)
	}
	return out, nil
}

// take takes a worker that has time, and waits for one if there is none.
func (s *Spool) take(ctx context.Context) (*slot, error) {
	s.mu.Lock()
	switch {
	case s.why != nil:
		defer s.mu.Unlock()
		return nil, s.why
	case len(s.free) > 0:
		one := s.free[0]
		s.free = s.free[1:]
		one.busy = true
		s.mu.Unlock()
		return one, nil
	case s.cfg.QueueLimit != 0 && len(s.waiting) >= max(s.cfg.QueueLimit, 0):
		n := len(s.waiting)
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: all workers are busy, and %d calls wait", pool.ErrFull, n)
	}
	turn := make(chan *slot, 1)
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	select {
	case one := <-turn:
		return s.given(one)
	case <-ctx.Done():
	}
	s.mu.Lock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.mu.Unlock()
		return nil, fmt.Errorf("all workers are busy: %w", pipe.Cause(ctx))
	}
	return s.given(<-turn) // it has come in this moment
}

// given is what came to a call that has waited.
func (s *Spool) given(one *slot) (*slot, error) {
	if one != nil {
		return one, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, s.why
}

// put is called when a worker has nothing to do any more.
func (s *Spool) put(one *slot, worked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.busy = false
	if worked {
		s.deaths.Worked()
	}
	s.offer(one)
}

// offer gives a worker that has time to the call that has waited longest. The caller has
// s.mu.
func (s *Spool) offer(one *slot) {
	switch {
	case !one.up || one.busy || slices.Contains(s.free, one):
	case len(s.waiting) > 0:
		one.busy = true
		s.waiting[0] <- one
		s.waiting = s.waiting[1:]
	default:
		s.free = append(s.free, one)
	}
}

// settle waits until a worker has done what nobody waits for any more.
func (s *Spool) settle(one *slot) {
	ctx, cancel := s.closing, context.CancelFunc(func() {})
	if s.cfg.Patience > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Patience)
	}
	defer cancel()
	if one.Settle(ctx) != nil {
		one.Kill() // its keeper starts another one
	}
	s.put(one, false)
}

// Restarts returns how many programs were started in the place of one that has died.
func (s *Spool) Restarts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts
}

// PIDs returns the numbers of the workers' processes. They are for messages.
func (s *Spool) PIDs() (pids []int) {
	for _, one := range s.slots {
		if pid := one.PID(); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Close tells the workers to go, all at once, and waits until they have gone, each at most
// its Grace and a moment. Calls that wait, or are being served, get [pipe.ErrClosed], and so
// does every later one. If ctx ends before, Close returns why, and the workers are stopped
// without you. A second Close waits too.
func (s *Spool) Close(ctx context.Context) error {
	s.abandon(pipe.ErrClosed)
	if err := pipe.Await(ctx, s.ended); err != nil {
		return fmt.Errorf("spool: close: %w", err)
	}
	return nil
}

// abandon ends everything, for this reason.
func (s *Spool) abandon(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = why
	}
	for _, turn := range s.waiting {
		turn <- nil
	}
	s.waiting, s.free = nil, nil
	s.close()
}
