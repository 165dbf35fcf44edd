package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// timeout waits one second for a message, and then reads one.
func timeout(_ context.Context, out io.Writer) error {
	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()

	begin, cpu := time.Now(), cpuTime()
	_, err = selector.ReadInputs(r, time.Second)
	fmt.Fprintf(out, "limit 1s:    %v   (%.1f s of waiting, %.1f ms of CPU)\n", err,
		time.Since(begin).Seconds(), (cpuTime()-cpu).Seconds()*1000)

	pipe.SendInputs(w, pipe.Args{1, 2}, nil)
	in, err := selector.ReadInputs(r, time.Second)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "same pipe:   args %v\n", in.Args)

	pipe.SendInputs(w, pipe.Args{3}, nil)
	in, err = selector.ReadInputs(r, 0) // no time at all, but it is there
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "limit 0:     args %v\n", in.Args)
	_, err = selector.ReadInputs(r, 0)
	fmt.Fprintf(out, "limit 0:     %v\n", err)

	w.Close()
	_, err = selector.ReadInputs(r, time.Hour)
	fmt.Fprintf(out, "after Close: %v, at once\n", err)
	return nil
}
