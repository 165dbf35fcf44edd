package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/lock"
)

// holder takes the lock and keeps it until it is told to go.
var holder = process.Service("holder", func(ctx context.Context, l *lock.File, front *pipe.Conn) error {
	return l.With(ctx, func(g lock.Grant) error {
		if err := pipe.Send(front, g); err != nil {
			return err
		}
		<-ctx.Done() // in the middle of something
		return nil
	})
})

// held starts a process that has the lock.
func held(l *lock.File) (*process.Task[struct{}], lock.Grant, error) {
	task := holder.New(l, process.Config{Name: "holder"})
	if err := task.Start(); err != nil {
		return nil, lock.Grant{}, err
	}
	defer task.Conn().Close()
	g, err := pipe.Receive[lock.Grant](task.Conn())
	return task, g, err
}

func withLock(do func(l *lock.File) error) error {
	return inDir(func(dir string) error {
		l, err := lock.Open(filepath.Join(dir, "lock"))
		if err != nil {
			return err
		}
		defer l.Close()
		return do(l)
	})
}

func timed(ctx context.Context, out io.Writer) error {
	return withLock(func(l *lock.File) error {
		task, _, err := held(l)
		if err != nil {
			return err
		}
		defer task.Stop(context.WithoutCancel(ctx))
		_, err = l.TryAcquire()
		fmt.Fprintf(out, "TryAcquire: taken: %t\n", errors.Is(err, lock.ErrHeld))
		begin := time.Now()
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, err = l.Acquire(short)
		fmt.Fprintf(out, "Acquire with a limit of 0.5 s: timed out: %t, after %.1f s\n", errors.Is(err, pipe.ErrTimeout), time.Since(begin).Seconds())
		if err := task.Stop(ctx); err != nil {
			return err
		}
		g, err := l.Acquire(short) // the limit has passed long ago, but the lock is free
		fmt.Fprintf(out, "when it is free: %+v, error %v\n", g, err)
		return err
	})
}

func killed(ctx context.Context, out io.Writer) error {
	err := withLock(func(l *lock.File) error {
		task, g, err := held(l)
		if err != nil {
			return err
		}
		defer task.Stop(context.WithoutCancel(ctx))
		fmt.Fprintf(out, "a process has it: token %d\n", g.Token)
		if err := task.Kill(); err != nil {
			return err
		}
		begin := time.Now()
		g, err = l.Acquire(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "it is killed; the next one has it after %v: token %d, the one before has died: %t\n", time.Since(begin).Round(10*time.Microsecond), g.Token, g.PrevDied)
		if err := l.Release(); err != nil {
			return err
		}
		g, err = l.Acquire(ctx)
		fmt.Fprintf(out, "and the one after that: token %d, the one before has died: %t\n", g.Token, g.PrevDied)
		return err
	})
	if err != nil {
		return err
	}
	return pythonToo(ctx, out, "killed")
}
