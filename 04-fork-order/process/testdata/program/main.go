// A small program for the tests and the benchmark: it starts its function as a
// process, in whatever way it is told.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
)

var version = "one" // the linker sets another

var square = process.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

var idle = process.Func("idle", func(ctx context.Context, _ struct{}) (struct{}, error) {
	<-ctx.Done()
	return struct{}{}, nil
})

func main() {
	if len(os.Args) > 1 && os.Args[1] == "late" && os.Getenv("MULTIPROCESSING_PROCESS") != "" {
		time.Sleep(time.Hour) // a main that has other things to do first
	}
	if len(os.Args) == 1 && os.Getenv("LATE") != "" && os.Getenv("MULTIPROCESSING_PROCESS") != "" {
		time.Sleep(time.Hour)
	}
	process.Main()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	what := "start"
	if len(args) > 0 {
		what = args[0]
	}
	switch what {
	case "start": // once, and print the square of 12
		return start(process.Config{})
	case "late": // its process does not come to call Main
		return start(process.Config{StartTimeout: 200 * time.Millisecond, Env: []string{"LATE=1"}})
	case "gone": // its own file and directory do not exist any more
		if err := os.RemoveAll(args[1]); err != nil {
			return err
		}
		return start(process.Config{})
	case "closed": // nothing is open on 0, 1 and 2
		for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
			if err := f.Close(); err != nil {
				return err
			}
		}
		err := start(process.Config{})
		result := "144"
		if err != nil {
			result = err.Error()
		}
		return os.WriteFile(args[1], []byte(result), 0o600)
	case "bench": // n starts to the first reply, one after the other, each time a line comes
		return bench()
	case "pss":
		return pss()
	}
	return fmt.Errorf("what is %q?", what)
}

func start(cfg process.Config) error {
	task := square.New(12, cfg)
	if err := task.Start(); err != nil {
		return err
	}
	y, err := task.Result(context.Background())
	if err != nil {
		return err
	}
	if err := task.Join(context.Background()); err != nil {
		return err
	}
	fmt.Println(y, version)
	return nil
}

func bench() error {
	var before *process.Process
	for {
		var n int
		if _, err := fmt.Scan(&n); err != nil {
			return nil // the end
		}
		for i := range n {
			task := square.New(i, process.Config{})
			if err := task.Start(); err != nil {
				return err
			}
			if y, err := task.Result(context.Background()); err != nil || y != i*i {
				return fmt.Errorf("%d² = %d, %v", i, y, err)
			}
			// The one before ends meanwhile; more than one must not pile up.
			if before != nil {
				if err := before.Join(context.Background()); err != nil {
					return err
				}
			}
			before = task.Process
		}
		fmt.Println("done " + strconv.Itoa(n))
	}
}

// pss prints the number of an idle process, and ends it when a line comes.
func pss() error {
	task := idle.New(struct{}{}, process.Config{})
	if err := task.Start(); err != nil {
		return err
	}
	if err := task.Ready(context.Background()); err != nil {
		return err
	}
	fmt.Println(task.PID())
	var line string
	_, _ = fmt.Scanln(&line)
	return task.Stop(context.Background())
}
