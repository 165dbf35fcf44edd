package selector_test

import (
	"context"
	"fmt"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

// A worker's loop: it ends when nothing has come for a while.
func ExampleInputs() {
	r, w, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	defer w.Close()
	pipe.SendInputs(w, pipe.Args{1, 2}, nil)
	pipe.SendInputs(w, nil, pipe.Kwargs{"test": "hello!"})
	for in, err := range selector.Inputs(r, 50*time.Millisecond) {
		fmt.Println(in.Args, in.Kwargs, err)
	}
	fmt.Println("idle")
	// Output:
	// [1 2] map[] <nil>
	// [] map[test:hello!] <nil>
	// idle
}

// One wait for two pipes.
func ExampleSelector() {
	s, err := selector.New[string]()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	for _, name := range []string{"left", "right"} {
		r, w, err := pipe.New()
		if err != nil {
			fmt.Println(err)
			return
		}
		defer r.Close()
		defer w.Close()
		if err := s.Register(r, name); err != nil {
			fmt.Println(err)
			return
		}
		if name == "right" {
			pipe.Send(w, "hello")
		}
	}
	ready, err := s.Select(context.Background())
	fmt.Println(ready, err)
	// Output: [right] <nil>
}
