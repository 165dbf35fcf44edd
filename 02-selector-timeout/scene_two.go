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

// two sends two messages with one write. One read of the kernel's buffer brings
// both of them.
func two(ctx context.Context, out io.Writer) error {
	const both = `{"args":[1],"kwargs":{}}` + "\n" + `{"args":[2],"kwargs":{}}` + "\n"

	file, feed, err := os.Pipe()
	if err != nil {
		return err
	}
	defer file.Close()
	defer feed.Close()
	feed.WriteString(both)
	reader := bufio.NewReader(file)
	for range 2 {
		if err := waitFor(ctx, file, 100*time.Millisecond); err != nil {
			fmt.Fprintf(out, "the recipe: %v, with %d bytes of work in its own buffer\n", err, reader.Buffered())
			break
		}
		line, err := reader.ReadString('\n')
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "the recipe: %s", line)
	}

	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	w.Write([]byte(both))
	for in, err := range selector.Inputs(r, 100*time.Millisecond) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Inputs:     args %v\n", in.Args)
	}
	return nil
}
