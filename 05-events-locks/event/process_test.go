//go:build unix

package event_test

import (
	"context"
	"math"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/05-events-locks/lock"
)

type order struct {
	Event   *event.Event
	Waiters int
}

// wait waits, in so many goroutines, and says so before and after.
var wait = process.Service("wait", func(ctx context.Context, o order, front *pipe.Conn) error {
	defer o.Event.Close()
	// Connected: what comes now, it will see.
	if _, err := o.Event.IsSet(); err != nil {
		return err
	}
	if err := pipe.Send(front, "waits"); err != nil {
		return err
	}
	answers := make(chan error, o.Waiters)
	for range o.Waiters {
		go func() { answers <- o.Event.Wait(ctx) }()
	}
	for range o.Waiters {
		answer := "awake"
		if err := <-answers; err != nil {
			answer = err.Error()
		}
		if err := pipe.Send(front, answer); err != nil {
			return err
		}
	}
	return nil
})

func TestFiftyWaiters(t *testing.T) {
	e := newEvent(t)
	var all []processtest.Started
	for range 10 {
		all = append(all, processtest.Start(t, wait, order{e, 5}))
	}
	for _, s := range all {
		s.Says(t, "waits")
	}
	require.NoError(t, e.Set())
	for _, s := range all {
		for range 5 {
			s.Says(t, "awake")
		}
	}
	late := processtest.Start(t, wait, order{e, 1}) // born later, it sees the state as it is
	late.Says(t, "waits")
	late.Says(t, "awake")
}

// Who is dead or stopped does not matter: not to who sets it, not to the others.
func TestDeadAndStoppedWaiters(t *testing.T) {
	e := newEvent(t)
	dead, stopped, alive := processtest.Start(t, wait, order{e, 3}), processtest.Start(t, wait, order{e, 3}), processtest.Start(t, wait, order{e, 3})
	for _, s := range []processtest.Started{dead, stopped, alive} {
		s.Says(t, "waits")
	}
	require.NoError(t, dead.Kill())
	processtest.Freeze(t, stopped.PID())
	for range 100 {
		require.NoError(t, e.Set())
		require.NoError(t, e.Clear())
	}
	require.NoError(t, e.Set())
	for range 3 {
		alive.Says(t, "awake")
	}
	processtest.Thaw(t, stopped.PID())
	for range 3 {
		stopped.Says(t, "awake")
	}
}

// make makes an event in a process of its own and says where it is.
var makeEvent = process.Service("make", func(ctx context.Context, set bool, front *pipe.Conn) error {
	e, err := event.New()
	if err != nil {
		return err
	}
	defer e.Close()
	if set {
		if err := e.Set(); err != nil {
			return err
		}
	}
	if err := pipe.Send(front, e.Path()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func made(t *testing.T, set bool) (maker processtest.Started, path string) {
	t.Helper()
	maker = processtest.Start(t, makeEvent, set)
	path, err := pipe.Receive[string](maker.Conn)
	require.NoError(t, err)
	return maker, path
}

// Its maker is killed: everybody hears of it, and nobody waits for ever.
func TestTheMakerIsKilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // a killed process leaves its directory there
	maker, path := made(t, false)
	e := open(t, path)
	other := processtest.Start(t, wait, order{e, 3})
	other.Says(t, "waits")
	ended := make(chan error)
	go func() { ended <- e.Wait(context.Background()) }()
	require.NoError(t, maker.Kill())
	require.ErrorIs(t, <-ended, hub.ErrGone)
	for range 3 {
		other.Says(t, "event: wait for "+path+": "+hub.ErrGone.Error())
	}
	for _, err := range []error{e.Set(), e.Clear(), e.Wait(processtest.Within(t))} {
		require.ErrorIs(t, err, hub.ErrGone)
	}
	_, err := e.IsSet()
	require.ErrorIs(t, err, hub.ErrGone)
	_, err = event.Open(path)
	require.ErrorIs(t, err, hub.ErrGone)

	maker, path = made(t, true)
	e = open(t, path)
	require.NoError(t, maker.Kill())
	require.NoError(t, maker.Join(processtest.Within(t)))
	require.NoError(t, e.Wait(processtest.Within(t)), "it was set, that has happened")
}

// set sets it, from another process.
var set = process.Service("set", func(_ context.Context, o order, front *pipe.Conn) error {
	defer o.Event.Close()
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	if err := o.Event.Set(); err != nil {
		return err
	}
	return pipe.Send(front, "set")
})

// An event may be made before, between and after the processes that use it: its name
// is all that they need.
func TestMadeAtAnyTime(t *testing.T) {
	setter := processtest.Start(t, byName, struct{}{})
	before := newEvent(t)
	waiter := processtest.Start(t, wait, order{before, 1})
	waiter.Says(t, "waits")
	after := newEvent(t)
	for _, e := range []*event.Event{before, after} {
		require.NoError(t, pipe.Send(setter.Conn, e)) // to a process that was there first
		setter.Says(t, "set")
		require.NoError(t, e.Wait(processtest.Within(t)))
	}
	waiter.Says(t, "awake")
}

var byName = process.Service("by name", func(_ context.Context, _ struct{}, front *pipe.Conn) error {
	for range 2 {
		e, err := pipe.Receive[*event.Event](front)
		if err != nil {
			return err
		}
		defer e.Close()
		if err := e.Set(); err != nil {
			return err
		}
		if err := pipe.Send(front, "set"); err != nil {
			return err
		}
	}
	return nil
})

// A program that is no relative opens events and a lock by name.
func TestAStranger(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	program := filepath.Join(t.TempDir(), "stranger")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/stranger").CombinedOutput()
	require.NoError(t, err, "%s", out)
	dir := t.TempDir()
	first, second, path := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "lock")
	a, err := event.Listen(first)
	require.NoError(t, err)
	defer a.Close()
	b, err := event.Listen(second)
	require.NoError(t, err)
	defer b.Close()
	l, err := lock.ListenSocket(path)
	require.NoError(t, err)
	defer l.Close()
	_, err = l.Acquire(processtest.Within(t))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, first, path, second)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	require.NoError(t, a.Set())
	is(t, b, false)
	require.NoError(t, l.Release())
	require.NoError(t, b.Wait(processtest.Within(t)))
	require.NoError(t, cmd.Wait())
}

// Many processes set it, one of them is killed, over and over: it is set.
func TestSettersThatAreKilled(t *testing.T) {
	e := newEvent(t)
	for range 5 {
		setters := []processtest.Started{processtest.Start(t, set, order{e, 0}), processtest.Start(t, set, order{e, 0}), processtest.Start(t, set, order{e, 0})}
		for _, s := range setters {
			require.NoError(t, pipe.Send(s.Conn, "go"))
		}
		require.NoError(t, setters[0].Kill())
		require.NoError(t, e.Wait(processtest.Within(t)))
		setters[1].Says(t, "set")
		setters[2].Says(t, "set")
		require.NoError(t, e.Clear())
	}
}

// idle waits, in many goroutines, and says how often its threads have gone to sleep in
// a fifth of a second: the least often of many, since at first they only begin to wait.
var idle = process.Service("idle", func(ctx context.Context, o order, front *pipe.Conn) error {
	defer o.Event.Close()
	var wg sync.WaitGroup
	for range o.Waiters {
		wg.Go(func() { _ = o.Event.Wait(ctx) })
	}
	least := int64(math.MaxInt64)
	for n := 0; n < 100 && least > 20; n++ {
		var before, after syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		time.Sleep(200 * time.Millisecond)
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		least = min(least, after.Nvcsw-before.Nvcsw)
	}
	err := pipe.Send(front, least)
	wg.Wait()
	return err
})

// Nobody asks again and again: of a hundred who wait not even a fifth wakes in a fifth of
// a second.
func TestWaitingIsSleeping(t *testing.T) {
	e := newEvent(t)
	s := processtest.Start(t, idle, order{e, 100})
	woken, err := pipe.Receive[int64](s.Conn)
	require.NoError(t, err)
	require.LessOrEqual(t, woken, int64(20))
	require.NoError(t, e.Set())
	_, err = s.Result(processtest.Within(t))
	require.NoError(t, err)
}
