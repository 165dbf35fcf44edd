// The program for those who do the exercises, and for those who mark them. In the folder of
// the course:
//
//	go run ./exercises                  where you stand
//	go run ./exercises next             what to do next, and what is wrong with it
//	go run ./exercises hint 03 [2]      hint 1, 2 or 3 of an exercise
//	go run ./exercises check 03 [NAME]  mark your answer, or one check of it
//	go run ./exercises watch [03]       mark your answer whenever you save it
//	go run ./exercises reset 03         begin again; your answer is kept beside it
//	go run ./exercises solution 03      the worked solution, and in what yours differs from it
//	go run ./exercises doctor           what will work on this machine, and how to mend the rest
//	go run ./exercises bench            the benchmarks, beside Python where it is found
//
//	go run ./exercises grade -submissions DIR
//	                                    mark the answers of a class; -h shows how
//	go run ./exercises export -o FOLDER make a copy to hand out, without solutions; -h shows how
//
// Where you stand is found out by running the checks, each time: there is no file that keeps
// it, so nothing can be wrong with that file.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
)

func main() {
	process.Main() // the answers are marked in processes of their own
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	defer stop()
	out := scene.NewOutput(stdout)
	c, err := newCourse(out, stderr)
	if err == nil {
		err = leaktest.AdoptOrphans() // what an answer leaves behind comes to us, and is ended
	}
	if err == nil {
		err = c.do(ctx, args)
	}
	if err == nil || errors.Is(err, errNotYet) {
		err = cmp.Or(out.Err(), err)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errNotYet): // it was said already
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "exercises: %v\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "exercises: %v\n", err)
	return 1
}

var (
	// errNotYet: the answer has not passed everything.
	errNotYet = errors.New("not yet")
	errUsage  = errors.New("go run ./exercises -h shows what there is")
)

// parse parses flags. What is wrong with them, the flag package has said already.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil && !errors.Is(err, flag.ErrHelp) {
		return errUsage
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s knows no %q; %s -h shows what there is: %w", flags.Name(), flags.Arg(0), flags.Name(), errUsage)
	}
	return nil
}

type command struct {
	name, args, says string
	do               func(c *course, ctx context.Context, args []string) error
}

var commands []command

func init() { // in a declaration, help would be an initialisation cycle
	commands = []command{
		{"status", "", "where you stand; the same without a word", (*course).status},
		{"next", "", "what to do next, and what is wrong with it", (*course).next},
		{"hint", "NN [1|2|3]", "a hint: what it is about, which call, which line", (*course).hint},
		{"check", "NN [CHECK]", "mark your answer, or one check of it", (*course).check},
		{"watch", "[NN]", "mark your answer whenever you save it, until Ctrl-C", (*course).watch},
		{"reset", "NN", "begin again; your answer is kept beside it", (*course).reset},
		{"solution", "NN [-show]", "the worked solution, and in what yours differs; when you have passed, or in any case", (*course).solution},
		{"doctor", "", "what will work on this machine, and how to mend the rest", (*course).doctor},
		{"bench", "[-only NN]", "the benchmarks, beside Python where it is found", (*course).bench},
		{"export", "-o FOLDER", "make a copy to hand out, without solutions; export -h shows how", (*course).export},
		{"grade", "-submissions DIR", "mark the answers of a class; grade -h shows how", (*course).grade},
	}
}

func (c *course) do(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return c.status(ctx, nil)
	}
	switch args[0] {
	case "-h", "--help", "help":
		for _, one := range commands {
			fmt.Fprintf(c.stdout, "go run ./exercises %-26s %s\n", one.name+" "+one.args, one.says)
		}
		return nil
	}
	for _, one := range commands {
		if one.name == args[0] {
			return one.do(c, ctx, args[1:])
		}
	}
	return fmt.Errorf("there is no %q: %w", args[0], errUsage)
}
