package child

import (
	"context"
	"errors"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// watch waits for the end of the program and then does what has to be done, in
// the only order that is right:
//
//  1. notice the end, without taking it: the zombie stays. As long as it is
//     there, its number and that of its group cannot be given to anyone else;
//  2. kill the group, so that nobody is left who could still write;
//  3. take what it has written. An answer that it has sent before it died counts.
//     (Done the other way round, wait first, the last answer was lost in 10 of
//     200 runs: os/exec closes its pipes when it has waited);
//  4. wait, which ends the zombie and gives the exit status;
//  5. tell.
func (c *Child) watch() {
	if c.exited != nil {
		_ = c.exited.Wait(context.Background())
	} else {
		_ = c.cmd.Wait() // a system where the end cannot be noticed otherwise
	}
	c.kill()
	if c.o.Gone != nil {
		c.o.Gone()
	}
	c.stdout.finish()
	c.stderr.finish()

	c.mu.Lock()
	c.reaped = true // before it is true: no signal may come in between
	c.mu.Unlock()
	if c.exited != nil {
		_ = c.cmd.Wait() // what it says is in ProcessState too
	}
	c.group.end()
	c.removeTempDir()
	if c.exited != nil {
		_ = c.exited.Close()
	}
	c.died = c.newDiedError()
	close(c.done)
}

// Stop tells the program to go, and waits until it has gone. It is polite first:
// the end of its input (Options.HangUp), after a tenth of the grace SIGTERM to
// its group, and when the grace is over SIGKILL. A program that is stopped
// (SIGSTOP) or deaf is gone when the grace is over, then.
//
// It returns nil when the program has ended, however; [Child.Died] tells how. If
// ctx ends before, it returns [pipe.ErrTimeout] or the context's cause, and the
// ladder goes on without you. Calling it again, at any time, does no harm.
func (c *Child) Stop(ctx context.Context) error {
	c.stopping.Do(func() { go c.ladder() })
	return pipe.Await(ctx, c.done)
}

func (c *Child) ladder() {
	grace := c.o.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	if grace > 0 {
		over := time.After(grace)
		if c.o.HangUp != nil {
			c.o.HangUp()
			// Who reads its input to the end leaves in peace, with its work done
			// and exit status 0. It needs a moment for that.
			if c.goneAfter(time.After(grace / 10)) {
				return
			}
		}
		c.Terminate()
		if c.goneAfter(over) {
			return
		}
	}
	c.kill()
}

func (c *Child) goneAfter(over <-chan time.Time) bool {
	select {
	case <-c.done:
		return true
	case <-over:
		return false
	}
}

// Kill ends the program and its group at once, with SIGKILL. It does not wait;
// see Done.
func (c *Child) Kill() { c.kill() }

// Terminate asks the program and its group to end, with SIGTERM, and does no more:
// see Stop. On Windows it does nothing.
func (c *Child) Terminate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		c.group.terminate(c.cmd.Process)
	}
}

func (c *Child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		c.group.kill(c.cmd.Process)
	}
}

// ErrNotWatched is what [WatchLifeline] returns in a program that was not
// started with Options.WatchesLifeline.
var ErrNotWatched = errors.New("no lifeline inherited")
