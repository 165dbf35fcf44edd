package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/01-pipes/pipe"
)

// inputs sends calls: arguments by position and by name.
func inputs(_ context.Context, out io.Writer) error {
	r, w, err := pipe.New()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()

	for _, call := range []pipe.Inputs{
		{Args: pipe.Args{1}, Kwargs: pipe.Kwargs{"test": "hello!"}},
		{Args: pipe.Args{1, 2}},
	} {
		// As it travels …
		if err := pipe.SendInputs(w, call.Args, call.Kwargs); err != nil {
			return err
		}
		line, err := r.ReceiveLine()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "on the wire: %s", line)

		// … and as it arrives.
		if err := pipe.SendInputs(w, call.Args, call.Kwargs); err != nil {
			return err
		}
		got, err := pipe.Receive[pipe.Inputs](r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "received:    args %v, kwargs %v\n", got.Args, got.Kwargs)
	}

	// A value keeps its type: the receiver says which it expects.
	if err := pipe.Send(w, map[string][]float64{"x": {1, 2.5}}); err != nil {
		return err
	}
	table, err := pipe.Receive[map[string][]float64](r)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "a typed one: %v, and its sum is %v\n", table, table["x"][0]+table["x"][1])
	return nil
}
