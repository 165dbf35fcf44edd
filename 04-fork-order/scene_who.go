package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/multiprocessing/04-fork-order/process"
)

var whoAmI = process.Func("who-am-i", func(context.Context, struct{}) (string, error) {
	me := process.Current()
	return fmt.Sprintf("%s: pid %d, started by %s (pid %d), processors: %s", me.Name, me.PID, me.Parent, os.Getppid(), plural(process.CPUCount())), nil
})

// who shows what a process knows about itself.
func who(ctx context.Context, out io.Writer) error {
	me := process.Current()
	fmt.Fprintf(out, "%s: pid %d\n", me.Name, me.PID)
	for _, cfg := range []process.Config{{}, {Name: "night watch", CPUs: []int{0}}} {
		task := whoAmI.New(struct{}{}, cfg)
		err := task.Start()
		if errors.Is(err, errors.ErrUnsupported) {
			fmt.Fprintln(out, err) // processors can be chosen on Linux only
			continue
		}
		if err != nil {
			return err
		}
		says, err := task.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, says)
		if err := task.Join(ctx); err != nil {
			return err
		}
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return "one"
	}
	return "several"
}
