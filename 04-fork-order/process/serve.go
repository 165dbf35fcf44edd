package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
)

// mayStart says no before a program can do harm with Start.
func mayStart(me Info) error {
	if !mainCalled.Load() {
		return errors.New("this program has not called process.Main: call it first in main, and first in TestMain. " +
			"The new process would run all of main a second time instead of the function, and start processes itself")
	}
	return notTooDeep(me)
}

func notTooDeep(me Info) error {
	if me.Depth >= MaxDepth {
		return fmt.Errorf("this process is at depth %d: processes that start processes that start processes, more than %d deep, look like a mistake", me.Depth, MaxDepth)
	}
	return nil
}

// serve is the life of a process, in place of main. It returns the exit code.
func serve(string) int {
	_ = os.Unsetenv(processVariable) // it is not meant for our children
	if err := child.WatchLifeline(); err != nil {
		return refuseOnStderr(err)
	}
	// The thread that listens has nothing else to do, so it may sit in read(2).
	control, err := pipe.InheritedBlocking()
	if err != nil {
		return refuseOnStderr(err)
	}
	o, in, err := receiveOrder(control)
	if err != nil {
		_ = control.SendFrame(append([]byte{sayRefuse}, err.Error()...))
		return ExitRefused
	}
	b := &backend{order: o, control: control}
	if o.Service != 0 {
		if b.front, err = pipe.InheritedAt(o.Service); err != nil {
			_ = control.SendFrame(append([]byte{sayRefuse}, err.Error()...))
			return ExitRefused
		}
	}
	return b.run(in)
}

func refuseOnStderr(err error) int {
	fmt.Fprintf(os.Stderr, "process: %s is set, but no process of this program has started this one: %v\n", processVariable, err)
	return ExitRefused
}

// receiveOrder receives what this process is to do, and checks that it can.
func receiveOrder(control *pipe.Conn) (o order, in []byte, err error) {
	head, err := control.ReceiveFrame()
	if err != nil {
		return o, nil, err
	}
	if o, err = readOrder(head); err != nil {
		return o, nil, fmt.Errorf("the order cannot be read: %w", err)
	}
	var build string
	if o.Build != "" {
		if build, err = buildID(); err != nil {
			return o, nil, err
		}
	}
	switch {
	case o.Protocol != protocol || o.Build != build:
		// They might understand each other, and might not: another argument type,
		// another meaning of a field. That would show much later.
		return o, nil, fmt.Errorf("refused: the program's file was replaced by another build while the program ran (protocol %d and %d, build %.20s… and %.20s…); start the program again",
			o.Protocol, protocol, o.Build, build)
	case lookUp(o.Target) == nil:
		return o, nil, fmt.Errorf("refused: %w", unknown(o.Target))
	}
	in, err = control.ReceiveFrame()
	return o, in, err
}

// A backend is a process from inside.
type backend struct {
	order
	control, front *pipe.Conn

	cancel  context.CancelCauseFunc
	telling sync.Once
}

func (b *backend) run(in []byte) int {
	me := Info{Name: b.Name, PID: os.Getpid(), Parent: b.Parent, Depth: b.Depth}
	current.Store(&me)
	if b.Log {
		logToStderr()
	}
	logger().Info("created", "object", b.Name, "target", b.Target, "by", b.Parent)
	ctx, cancel := context.WithCancelCause(context.Background())
	b.cancel = cancel
	b.listen()
	if err := b.control.SendFrame([]byte{sayReady}); err != nil {
		return ExitRefused // the parent is gone
	}
	value, err := apart(func() ([]byte, error) { return lookUp(b.Target).invoke(ctx, nil, in, b.front) })
	code := b.report(value, err, context.Cause(ctx) != nil)
	ours.endAll()
	logger().Info("destroyed", "object", b.Name, "exit", code)
	if code == ExitAborted {
		dieOfSIGTERM()
	}
	return code
}

// report sends what has become of the function, and returns the exit code.
func (b *backend) report(value []byte, err error, told bool) int {
	value, code, err := conclude(value, err, told)
	if err == nil {
		// If the parent is gone, so are we.
		_ = b.control.SendFrame(append([]byte{sayValue}, value...))
		return code
	}
	text, _ := json.Marshal(asFailure(err)) // strings and a bool
	_ = b.control.SendFrame(append([]byte{sayFailure}, text...))
	if code == ExitPanic {
		// As a panic that nobody catches: for the log, and for who has no result.
		fmt.Fprintf(os.Stderr, "%v\n", err)
	}
	return code
}

// listen waits for the word to stop: SIGTERM, or the parent closing its end.
// Ctrl-C is not one: the terminal sends it to everybody, and it is for the parent
// to decide what follows from it.
func (b *backend) listen() {
	signal.Ignore(os.Interrupt)
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		b.tell()
		// It had its warning. Half of the grace, so that the parent's ladder,
		// whose end is SIGKILL, comes after it.
		time.Sleep(b.Grace / 2)
		logger().Info("destroyed", "object", b.Name, "exit", ExitAborted, "why", "the function has not returned")
		ours.endAll()
		dieOfSIGTERM()
	}()
	go func() {
		_, _ = b.control.ReceiveFrame() // nothing comes any more but the end
		b.tell()
	}()
}

// tell tells the function to stop.
func (b *backend) tell() {
	b.telling.Do(func() {
		logger().Info("received", "object", b.Name, "what", "Stop", "from", b.Parent)
		b.cancel(ErrAborted)
		if b.front != nil {
			_ = b.front.SetDeadline(time.Unix(1, 0))
		}
	})
}
