package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// partial sends half a line, to a reader that waits for the descriptor and to
// one that waits for the message.
func partial(ctx context.Context, out io.Writer) error {
	const half, rest = `{"args":[2`, `5],"kwargs":{}}` + "\n"

	// The usual recipe: wait until there is something to read, then read a line.
	file, feed, err := os.Pipe()
	if err != nil {
		return err
	}
	defer file.Close()
	feed.WriteString(half)
	if err := waitFor(ctx, file, 100*time.Millisecond); err != nil {
		return err
	}
	fmt.Fprintln(out, "the recipe, limit 100ms: there is something to read, so read a line …")
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(file).ReadString('\n')
		line <- text
	}()
	select {
	case <-line:
		return fmt.Errorf("half a line was taken for one")
	case <-time.After(400 * time.Millisecond):
		fmt.Fprintln(out, "… still waiting after 400 ms: the limit was for the first byte")
	}
	feed.Close()
	fmt.Fprintf(out, "the writer goes away, and half a line looks like one: %q\n", <-line)

	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	w.Write([]byte(half))
	_, err = selector.ReadInputs(r, 100*time.Millisecond)
	fmt.Fprintf(out, "ReadInputs, limit 100ms: %v\n", err)
	w.Write([]byte(rest))
	in, err := selector.ReadInputs(r, time.Second)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "then the rest comes:     args %v, whole\n", in.Args)
	return nil
}

// waitFor waits until the file is readable: what select and poll can tell.
func waitFor(ctx context.Context, file *os.File, limit time.Duration) error {
	s, err := selector.New[string]()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Register(descriptor{file}, "file"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err = s.Select(ctx)
	return err
}

// A descriptor is a Source that hides what its reader has in a buffer.
type descriptor struct{ *os.File }

func (descriptor) Buffered() int { return 0 }
