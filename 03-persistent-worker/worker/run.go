package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// A run is one life of the program, from a start to its end.
type run struct {
	config            *Config
	child             *child.Child
	requests, answers *pipe.Conn    // the same Conn, if that is descriptor 3
	stdin             *os.File      // the program's end of stdin, kept open: see wasRead
	gone              atomic.Bool   // it is dead; set when its channel has nothing new to come
	killed            atomic.Bool   // it will be
	over              chan struct{} // closed when our ends are closed too
	lastUse           atomic.Int64
	noiseMu           sync.Mutex
	draining          sync.Mutex

	// The rest belongs to who has the turn.
	announced  bool
	startLimit time.Time
	proven     bool         // has answered once
	calls      int          // answered ones
	owed       int          // answers to callers that gave up
	noise      int          // bytes printed in vain
	firstNoise bytes.Buffer // the beginning of it, for the error
}

var (
	// errNotRead: the program has gone, and the request was never read, so it can
	// be made again. It comes together with a *child.DiedError.
	errNotRead = errors.New("it has gone before it read the request")

	errNotAWorker = errors.New("this program is no worker")
)

// call sends one request and waits for its answer.
func (r *run) call(ctx context.Context, line []byte) (json.RawMessage, error) {
	defer r.used()
	if err := r.collectOwed(ctx); err != nil {
		return nil, err
	}
	result := r.send(line)
	answer, err := r.nextAnswer(ctx, line)
	sent := result()
	_, remote := errors.AsType[*RemoteError](err)
	switch {
	case err == nil || remote:
		return answer, r.answered(sent, err)
	case (errors.Is(sent, pipe.ErrGone) || errors.Is(sent, pipe.ErrClosed)) && r.endedWell():
		err = errors.Join(err, errNotRead) // it was gone, or told to go, before we spoke
	case errors.Is(sent, pipe.ErrCutShort):
		r.kill() // half a request is in the pipe, and can neither be taken back nor completed
	case ctx.Err() != nil && !r.isGone():
		if sent == nil {
			r.owed++ // the answer will come, some time
		}
		err = fmt.Errorf("no answer yet: %w", err)
	}
	return nil, err
}

// answered checks that the program had read the question, and returns err.
func (r *run) answered(sent, err error) error {
	r.calls++
	// Now and then: one look costs a system call, and as many requests as come
	// between two looks fit into the pipe.
	if sent == nil && r.stdin != nil && r.calls%8 == 1 && unread(r.stdin) > 0 {
		sent = errNotRead
	}
	if sent != nil {
		r.kill()
		return fmt.Errorf("%w: it answers without reading what it is sent", errNotAWorker)
	}
	return err
}

// collectOwed waits for the answers that earlier callers did not wait for, and
// throws them away. Only then is the program free for the next request: it has
// never more than one, and so nobody gets the answer of another.
func (r *run) collectOwed(ctx context.Context) error {
	for r.owed > 0 {
		_, err := r.nextAnswer(ctx, nil)
		_, remote := errors.AsType[*RemoteError](err)
		switch {
		case err == nil || remote:
		case r.isGone():
			return errors.Join(err, errNotRead) // that was the end of the earlier call, not of this one
		default:
			return fmt.Errorf("it is still busy with an earlier call: %w", err)
		}
		r.owed--
	}
	return nil
}

// send sends the request, and returns a function that says how that went. A long
// one is sent while the caller reads: the program may print so much before it
// reads that both pipes are full, and then each would wait for the other.
func (r *run) send(line []byte) (result func() error) {
	const alwaysFits = 4 << 10 // the smallest pipe there is
	if len(line) <= alwaysFits {
		err := r.requests.SendLine(line)
		return func() error { return err }
	}
	sent := make(chan error, 1)
	go func() { sent <- r.requests.SendLine(line) }()
	return func() error {
		select {
		case err := <-sent:
			return err
		default:
		}
		// The answer is here, or nobody waits for it, and the request is still
		// leaving. Then it will not be read.
		_ = r.requests.SetWriteDeadline(time.Unix(1, 0))
		err := <-sent
		_ = r.requests.SetWriteDeadline(time.Time{})
		return err
	}
}

// nextAnswer reads until there is an answer.
func (r *run) nextAnswer(ctx context.Context, request []byte) (answer json.RawMessage, err error) {
	err = r.within(ctx, func() error {
		for {
			line, err := r.answers.ReceiveLine()
			if err != nil {
				return err
			}
			if request != nil && bytes.Equal(line, request) {
				r.kill()
				return fmt.Errorf("%w: it repeats what it is sent, word for word", errNotAWorker)
			}
			if !r.proven {
				if ready, err := r.isAnnouncement(line); err != nil {
					return err
				} else if ready {
					continue
				}
			}
			value, isAnswer, err := r.config.parse(line)
			if isAnswer {
				r.proven = true
				answer = value
				return err
			}
			if err := r.addNoise(line); err != nil {
				return err
			}
		}
	})
	return answer, r.explain(ctx, err)
}

// within gives up when ctx ends.
func (r *run) within(ctx context.Context, read func() error) error {
	err := r.answers.Within(ctx, read)
	if !errors.Is(err, os.ErrNoDeadline) {
		return err
	}
	// Windows: a read from stdout cannot be ended, other than by ending who writes.
	stop := context.AfterFunc(ctx, r.kill)
	err = read()
	if !stop() {
		return fmt.Errorf("it was killed: %w", pipe.Cause(ctx))
	}
	return err
}

func (r *run) isAnnouncement(line []byte) (bool, error) {
	ready, err := isAnnouncement(line)
	if err != nil {
		r.kill()
	}
	return ready, err
}

// addNoise passes on a line that is no answer.
func (r *run) addNoise(line []byte) error {
	r.passOn(line)
	if room := 200 - r.firstNoise.Len(); room > 0 {
		r.firstNoise.Write(line[:min(room, len(line))])
	}
	r.noise += len(line)
	if r.config.MaxNoise >= 0 && !r.proven && r.noise > r.config.MaxNoise {
		r.kill()
		return fmt.Errorf("%w: it has printed %d bytes and no answer among them; they begin with %q", errNotAWorker, r.noise, r.firstNoise.Bytes())
	}
	return nil
}

// explain finds out what an error of the channel means.
func (r *run) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pipe.ErrTooLarge):
		r.kill()
		return fmt.Errorf("%w: it prints a line that does not end within %d bytes (Config.MaxAnswer)", errNotAWorker, r.config.MaxAnswer)
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pipe.ErrGone), errors.Is(err, pipe.ErrClosed):
	case errors.Is(err, pipe.ErrTimeout) && r.gone.Load(): // the limit was set by its death
	default:
		return err
	}
	return r.died(ctx)
}

// died says how the program has ended, now that its channel has.
func (r *run) died(ctx context.Context) error {
	// The end of the channel comes a little before the end of the process.
	select {
	case <-r.child.Done():
	case <-time.After(time.Second):
		r.kill()
		<-r.child.Done()
		return fmt.Errorf("%w: it has closed its output and went on; it was killed", errNotAWorker)
	}
	died := r.child.Died()
	if r.endedWell() && !r.wasRead() {
		return errors.Join(died, errNotRead)
	}
	return died
}

func (r *run) endedWell() bool {
	died := r.child.Died()
	return died != nil && died.ExitCode == 0
}

// wasRead reports whether the program, which is dead, has read all that was sent
// to it. Nobody else knows: a program that goes because it was idle and one that
// ends in the middle of a call both leave with status 0, and only the first call
// may be made again.
//
// For stdin we have kept the reading end too, lesson 01's mistake put to use: what
// was not read is still in the pipe. A socket tells by itself, on Linux.
func (r *run) wasRead() bool {
	if r.stdin == nil {
		// The first end of input came when the program shut its end down, and that
		// it left something unread shows only when it has closed it. Ask again.
		_, _ = r.answers.ReceiveLine()
		return !r.answers.LeftUnread()
	}
	return unread(r.stdin) == 0
}

// ready waits until the program has announced itself, if it does.
func (r *run) ready(ctx context.Context) error {
	if !r.config.Announces || r.announced {
		return nil
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if !r.startLimit.IsZero() {
		limited, cancel = context.WithDeadline(ctx, r.startLimit)
	}
	defer cancel()
	defer r.used()
	err := r.within(limited, func() error {
		for {
			line, err := r.answers.ReceiveLine()
			if err != nil {
				return err
			}
			if ready, err := r.isAnnouncement(line); ready || err != nil {
				return err
			}
			if err := r.addNoise(line); err != nil {
				return err
			}
		}
	})
	if errors.Is(err, pipe.ErrTimeout) && ctx.Err() == nil && !r.isGone() {
		r.kill()
		return fmt.Errorf("%w: it has not announced itself within %v: %w; it has printed %q", errNotAWorker, r.config.StartTimeout, pipe.ErrTimeout, r.firstNoise.Bytes())
	}
	if err = r.explain(ctx, err); err != nil {
		if !r.isGone() {
			return fmt.Errorf("not ready yet: %w", err)
		}
		return err
	}
	r.announced = true
	return nil
}

// drain reads what the program still prints, until its end.
func (r *run) drain() {
	r.draining.Lock() // free waits for this
	defer r.draining.Unlock()
	for {
		line, err := r.answers.ReceiveLine()
		if err != nil {
			return
		}
		r.passOn(line)
	}
}

// passOn gives the caller's writer a line that is no answer, one at a time.
func (r *run) passOn(line []byte) {
	if r.config.Noise != nil {
		r.noiseMu.Lock()
		defer r.noiseMu.Unlock()
		_, _ = r.config.Noise.Write(line)
	}
}

func (r *run) kill() {
	r.killed.Store(true)
	r.child.Kill()
}

// isGone reports whether the program is dead, or was killed and will be.
func (r *run) isGone() bool { return r.gone.Load() || r.killed.Load() }

func (r *run) used() { r.lastUse.Store(time.Now().UnixNano()) }

func (r *run) idleFor() time.Duration { return time.Duration(time.Now().UnixNano() - r.lastUse.Load()) }

// free closes our ends. The program is dead.
func (r *run) free() {
	r.draining.Lock()
	defer r.draining.Unlock()
	_ = r.requests.Close()
	_ = r.answers.Close()
	if r.stdin != nil {
		_ = r.stdin.Close()
	}
}
