package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// noise asks a program that prints all sorts of things besides its answer, in
// each of the ways in which an answer can be told from them.
func noise(ctx context.Context, out io.Writer) error {
	for _, way := range []struct {
		title string
		c     worker.Config
	}{
		{"a bare value on stdout", worker.Config{Dialect: worker.Bare}},
		{"behind a flag on stdout", worker.Config{Dialect: worker.Flagged, Flag: "result 7f3a:"}},
		{"in an envelope on stdout", worker.Config{Dialect: worker.Envelope}},
		{"a bare value on descriptor 3", worker.Config{Dialect: worker.Bare, Channel: worker.Descriptor3}},
	} {
		c := program("noisy")
		c.Dialect, c.Flag, c.Channel = way.c.Dialect, way.c.Flag, way.c.Channel
		var skipped lineCount
		c.Noise = &skipped
		w := worker.New(c)
		answer, err := worker.Call[int](ctx, w, 6, 7)
		if err == nil {
			err = w.Close(ctx)
		}
		if err != nil {
			return err
		}
		verdict := "right"
		if answer != 42 {
			verdict = "WRONG, that was a line of its log"
		}
		fmt.Fprintf(out, "%-29s 6 × 7 = %d, %s; %d lines were skipped\n", way.title+":", answer, verdict, skipped)
	}
	return nil
}

type lineCount int

func (n *lineCount) Write(p []byte) (int, error) {
	*n++
	return len(p), nil
}

// noisy is the program. It does not use worker.Serve, which would keep its
// output apart; it was written by somebody who knows nothing of us.
func noisy() error {
	requests, err := pipe.Files(os.Stdin, nil)
	answers := io.Writer(os.Stdout)
	if os.Getenv("MULTIPROCESSING_CHANNEL") != "" {
		requests, err = pipe.Inherited()
		answers = requests
	}
	if err != nil {
		return err
	}
	for {
		in, err := pipe.Receive[pipe.Inputs](requests)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		a, _ := pipe.Arg[int](in, 0)
		b, _ := pipe.Arg[int](in, 1)
		fmt.Println("multiplying …")
		fmt.Println(a) // left over from debugging
		switch os.Getenv("MULTIPROCESSING_DIALECT") {
		case "bare":
			fmt.Fprintln(answers, a*b)
		case "flagged":
			fmt.Fprintf(answers, "%s%d\n", os.Getenv("MULTIPROCESSING_FLAG"), a*b)
		case "envelope":
			fmt.Fprintf(answers, `{"ok":true,"value":%d}`+"\n", a*b)
		}
	}
}
