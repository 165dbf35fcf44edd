package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/06-queue/ring"
)

// A film is what a camera is to shoot.
type film struct {
	Ring           *ring.Ring // nil: the pictures go through the pipe
	Pictures, Size int
}

// shoot is a camera: it sends pictures, and half way through it says something.
var shoot = process.Service("camera", func(ctx context.Context, f film, front *pipe.Conn) error {
	send := front.SendFrame
	if f.Ring != nil {
		w, err := f.Ring.Writer(ctx)
		if err != nil {
			return err
		}
		defer w.Close()
		send = func(picture []byte) error { return w.Write(ctx, picture) }
	}
	picture := make([]byte, f.Size)
	for n := range f.Pictures {
		if f.Ring != nil && n == f.Pictures/2 {
			if err := pipe.Send(front, "battery low"); err != nil {
				return err
			}
		}
		picture[0] = byte(n) // a real one would look through its lens
		if err := send(picture); err != nil {
			return err
		}
	}
	return nil
})

// camera lets a camera send megabytes, through a pipe and through a ring.
func camera(ctx context.Context, out io.Writer) error {
	f := film{Pictures: 500, Size: 1 << 20}
	if err := throughPipe(ctx, out, f); err != nil {
		return err
	}
	if err := throughRing(ctx, out, f); err != nil {
		return err
	}
	return tooSlow(ctx, out)
}

func throughPipe(ctx context.Context, out io.Writer, f film) error {
	task := shoot.New(f, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	conn := task.Conn()
	defer conn.Close()
	var err error
	buf := make([]byte, f.Size)
	if buf, err = conn.ReceiveFrameInto(buf); err != nil { // it is at work
		return err
	}
	start := time.Now()
	for range f.Pictures - 1 {
		if buf, err = conn.ReceiveFrameInto(buf); err != nil {
			return err
		}
	}
	report(out, "pipe", f, time.Since(start))
	return task.Join(ctx)
}

func throughRing(ctx context.Context, out io.Writer, f film) error {
	r, err := ring.New(ring.Config{Slots: 8, MaxFrame: f.Size})
	if err != nil {
		return err
	}
	defer r.Close()
	reader, err := r.Reader(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	f.Ring = r
	task := shoot.New(f, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	conn := task.Conn()
	defer conn.Close()
	// One wait for both: what the camera says, and what it sees.
	s, err := selector.New[string]()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := errors.Join(s.Register(reader, "picture"), s.Register(conn, "message")); err != nil {
		return err
	}
	buf, n := make([]byte, f.Size), 0
	var start time.Time
	var said string
	for {
		ready, err := s.Select(ctx)
		if err != nil {
			return err
		}
		for _, what := range ready {
			if what == "message" {
				if said, err = pipe.Receive[string](conn); err != nil {
					return err
				}
				s.Unregister(conn)
			}
			if what == "picture" {
				buf, err = reader.Read(ctx, buf)
				if err == io.EOF {
					report(out, "ring", f, time.Since(start))
					fmt.Fprintf(out, "      and in between the camera has said %q\n", said)
					return task.Join(ctx)
				}
				if err != nil {
					return err
				}
				if n++; n == 1 {
					start = time.Now()
				}
			}
		}
	}
}

func report(out io.Writer, how string, f film, took time.Duration) {
	bytes := float64(f.Pictures-1) * float64(f.Size)
	fmt.Fprintf(out, "%s: %d pictures of %d bytes in %v: %.1f GB/s\n", how, f.Pictures, f.Size, took.Round(time.Millisecond), bytes/took.Seconds()/1e9)
}

// tooSlow looks at a ring that overwrites only when the camera has shot all its film.
func tooSlow(ctx context.Context, out io.Writer) error {
	r, err := ring.New(ring.Config{Slots: 4, MaxFrame: 1 << 20, Overwrite: true})
	if err != nil {
		return err
	}
	defer r.Close()
	reader, err := r.Reader(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	task := shoot.New(film{Ring: r, Pictures: 100, Size: 1 << 20}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	defer task.Conn().Close()
	if err := task.Join(ctx); err != nil { // it does not wait for us
		return err
	}
	fmt.Fprint(out, "a ring of 4 that overwrites, after 100 pictures:")
	for {
		picture, err := reader.Read(ctx, nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, " %d", picture[0])
	}
	fmt.Fprintf(out, "; missed: %d\n", reader.Lost())
	return nil
}
