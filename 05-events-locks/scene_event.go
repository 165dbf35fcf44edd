package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/05-events-locks/hub"
)

// runner waits for the event, and says so before and after.
var runner = process.Service("runner", func(ctx context.Context, start *event.Event, front *pipe.Conn) error {
	defer start.Close()
	if _, err := start.IsSet(); err != nil { // the first use connects
		return err
	}
	if err := pipe.Send(front, "ready"); err != nil {
		return err
	}
	err := start.Wait(ctx)
	switch {
	case errors.Is(err, hub.ErrGone):
		return pipe.Send(front, "hub.ErrGone: "+hub.ErrGone.Error())
	case err != nil:
		return err
	}
	return pipe.Send(front, "started")
})

type athlete struct {
	*process.Task[struct{}]
	*pipe.Conn
}

// ready starts n runners and waits until they are ready.
func ready(n int, start *event.Event) (all []athlete, stop func(), err error) {
	stop = func() {
		for _, a := range all {
			_ = a.Kill()
			_ = a.Join(context.Background())
			_ = a.Conn.Close()
		}
	}
	for range n {
		task := runner.New(start, process.Config{})
		if err := task.Start(); err != nil {
			stop()
			return nil, nil, err
		}
		all = append(all, athlete{task, task.Conn()})
	}
	for _, a := range all {
		if _, err := pipe.Receive[string](a.Conn); err != nil {
			stop()
			return nil, nil, err
		}
	}
	return all, stop, nil
}

// said prints what runners say next.
func said(out io.Writer, all ...athlete) error {
	for _, a := range all {
		word, err := pipe.Receive[string](a.Conn)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n", a.Name(), word)
	}
	return nil
}

func start(ctx context.Context, out io.Writer) error {
	gun, err := event.New()
	if err != nil {
		return err
	}
	defer gun.Close()
	runners, stop, err := ready(3, gun)
	if err != nil {
		return err
	}
	defer stop()
	set, err := gun.IsSet()
	fmt.Fprintf(out, "three processes are ready; the event is set: %t, error %v\n", set, err)
	if err := gun.Set(); err != nil {
		return err
	}
	if err := said(out, runners...); err != nil {
		return err
	}
	late, stop2, err := ready(1, gun)
	if err != nil {
		return err
	}
	defer stop2()
	fmt.Fprint(out, "born later: ")
	return said(out, late...)
}

func wait(ctx context.Context, out io.Writer) error {
	e, err := event.New()
	if err != nil {
		return err
	}
	defer e.Close()
	begin := time.Now()
	short, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	err = e.Wait(short)
	fmt.Fprintf(out, "Wait with a limit of %v: timed out: %t, after %.1f s\n", *limit, errors.Is(err, pipe.ErrTimeout), time.Since(begin).Seconds())
	if err := e.Set(); err != nil {
		return err
	}
	fmt.Fprintf(out, "it is set; Wait, although the limit has passed: %v\n", e.Wait(short))
	if err := e.Clear(); err != nil {
		return err
	}
	set, err := e.IsSet()
	fmt.Fprintf(out, "it is cleared; IsSet: %t\n", set)
	return err
}

func dead(ctx context.Context, out io.Writer) error {
	e, err := event.New()
	if err != nil {
		return err
	}
	defer e.Close()
	runners, stop, err := ready(3, e)
	if err != nil {
		return err
	}
	defer stop()
	if err := runners[0].Kill(); err != nil {
		return err
	}
	if err := runners[0].Join(ctx); err != nil {
		return err
	}
	begin := time.Now()
	if err := e.Set(); err != nil {
		return err
	}
	fmt.Fprintf(out, "of three who wait one is killed; Set has returned after %v\n", time.Since(begin).Round(time.Microsecond))
	if err := said(out, runners[1:]...); err != nil {
		return err
	}
	return pythonToo(ctx, out, "dead")
}

// maker makes an event, says where it is, and stays.
var maker = process.Service("maker", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	e, err := event.New()
	if err != nil {
		return err
	}
	defer e.Close()
	if err := pipe.Send(front, e); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func gone(ctx context.Context, out io.Writer) error {
	task := maker.New(struct{}{}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Conn().Close()
	defer task.Stop(context.WithoutCancel(ctx))
	e, err := pipe.Receive[*event.Event](task.Conn())
	if err != nil {
		return err
	}
	defer e.Close()
	runners, stop, err := ready(2, e)
	if err != nil {
		return err
	}
	defer stop()
	if err := task.Kill(); err != nil {
		return err
	}
	fmt.Fprintln(out, "the process that has made the event is killed; those who wait for it:")
	return said(out, runners...)
}
