package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// ping is the tutorial's demonstration: start, wait, ping, wait, stop.
func ping(ctx context.Context, out io.Writer) error {
	p := newMyProcess(out)
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Stop(ctx)
	sleep(ctx, out)
	if err := p.Ping(); err != nil {
		return err
	}
	if err := p.say("dance"); err != nil { // what it does not know
		return err
	}
	if err := p.Ping(); err != nil { // and it goes on
		return err
	}
	sleep(ctx, out)
	if err := p.Stop(ctx); err != nil {
		return err
	}
	code, _ := p.ExitCode()
	fmt.Fprintf(out, "frontend: stopped, exit code %d\n", code)
	return nil
}

func sleep(ctx context.Context, out io.Writer) {
	fmt.Fprintf(out, "frontend: sleeping %g secs\n", pause.Seconds())
	select {
	case <-time.After(*pause):
	case <-ctx.Done():
	}
}

// killed shows that a dead backend is an error, and no silence.
func killed(ctx context.Context, out io.Writer) error {
	p := newMyProcess(out)
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Stop(ctx)
	if err := p.Ping(); err != nil {
		return err
	}
	if err := p.Kill(); err != nil {
		return err
	}
	if err := p.Join(ctx); err != nil {
		return err
	}
	err := p.Ping()
	if !errors.Is(err, pipe.ErrGone) {
		return fmt.Errorf("a ping to the dead: %w", err)
	}
	fmt.Fprintf(out, "ping: %v\n", err)
	_, err = p.Result(ctx)
	fmt.Fprintf(out, "why:  %v; ErrAborted: %t\n", err, errors.Is(err, process.ErrAborted))
	return nil
}
