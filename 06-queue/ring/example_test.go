//go:build unix

package ring_test

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/06-queue/ring"
)

func Example() {
	ctx := context.Background()
	r, err := ring.New(ring.Config{Slots: 4, MaxFrame: 64})
	if err != nil {
		panic(err)
	}
	defer r.Close()
	w, err := r.Writer(ctx) // most often in another process, which got r as an argument
	if err != nil {
		panic(err)
	}
	for _, picture := range []string{"sunrise", "noon", "sunset"} {
		if err := w.Write(ctx, []byte(picture)); err != nil {
			panic(err)
		}
	}
	_ = w.Close()

	reader, err := r.Reader(ctx)
	if err != nil {
		panic(err)
	}
	defer reader.Close()
	var buf []byte
	for {
		buf, err = reader.Read(ctx, buf)
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", buf)
	}
	// Output:
	// sunrise
	// noon
	// sunset
}
