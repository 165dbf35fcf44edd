// The server of lesson 08: HTTP in front of processes, four ways.
//
//	go run ./08-apply-async/server                      a spool of workers, on 127.0.0.1:5050
//	go run ./08-apply-async/server -mode process        a process per request
//	go run ./08-apply-async/server -mode callback       the same, many at once
//	go run ./08-apply-async/server -mode delegate       one worker that stays
//	go run ./08-apply-async/server -compare             all four under load, in turn
//	go run ./08-apply-async/server -server-address '{"host":"127.0.0.1","port":8080}' -workers 4
//
// Then, in another terminal:
//
//	curl 'http://127.0.0.1:5050/Xy?x=2&y=3'
//	curl -d '{"x":2,"y":3}' http://127.0.0.1:5050/Xy
//
// Ctrl-C ends it in order; a second Ctrl-C at once. The four ways stand in the files
// mode_*.go; what they have in common, in server.go and handler.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
)

func main() {
	process.Main()
	process.Command() // -mode process and callback start this program as a command
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run returns the exit code.
func run(args []string, stderr io.Writer) int {
	cfg, all, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "server:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	defer stop()
	do := Serve
	if all {
		do = func(ctx context.Context, cfg Config, _ io.Writer) error {
			return compare(ctx, cfg, os.Stdout, 2*time.Second)
		}
	}
	if err := do(ctx, cfg, stderr); err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "server:", err)
		return 1
	}
	return 0
}

// parse returns what the arguments say, and whether all modes are to be compared.
func parse(args []string, stderr io.Writer) (cfg Config, all bool, err error) {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // we say it ourselves, in one line
	flags.StringVar(&cfg.Mode, "mode", "spool", "process, callback, delegate or spool")
	flags.IntVar(&cfg.Workers, "workers", 0, "how many processes work at the same time; 0: one for each processor")
	flags.DurationVar(&cfg.Grace, "grace", DefaultGrace, "how long running requests have when the server stops")
	flags.BoolVar(&all, "compare", false, "load all modes in turn, and show what they can do")
	flags.BoolVar(&cfg.Log, "log", false, "log what happens to processes and requests")
	flags.Func("server-address", `where to listen, as JSON (default {"host":"127.0.0.1","port":5050})`, func(text string) error {
		return json.Unmarshal([]byte(text), &cfg.ServerAddress)
	})
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return cfg, all, err
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	if err != nil {
		return cfg, all, fmt.Errorf("%w; -h shows what there is", err)
	}
	return cfg, all, nil
}
