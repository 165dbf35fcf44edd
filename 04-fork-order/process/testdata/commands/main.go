// Functions that are commands, for the tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
)

// Address is a structure in an argument.
type Address struct {
	Host string `json:"host"`
	Port uint16 `json:"port"`
}

// Everything has an argument of every kind.
type Everything struct {
	Count         int
	Ratio         float64
	Name          string
	Loud          bool
	ServerAddress Address
	HTTPPort      int `json:",omitempty"`
	List          []int
	When          *time.Time
	Tag           string `json:"my_tag,omitempty"`
}

var recurse *process.Target[int, int]

func init() {
	process.Func("show", func(_ context.Context, in Everything) (string, error) {
		s := fmt.Sprintf("%d %g %q %t %v %d %v %q", in.Count, in.Ratio, in.Name, in.Loud, in.ServerAddress, in.HTTPPort, in.List, in.Tag)
		if in.When != nil {
			s += " " + in.When.Format(time.RFC3339)
		}
		return s, nil
	})
	process.Func("sqrt", func(_ context.Context, x float64) (float64, error) { return math.Sqrt(x), nil })
	process.Func("nothing", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	process.Func("fail", func(_ context.Context, why string) (int, error) {
		switch why {
		case "panic":
			panic("on purpose")
		case "exit":
			fmt.Println("half of an answer")
			os.Exit(7)
		}
		return 0, errors.New(why + "\nand a second line")
	})
	process.Func("long", func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil })
	recurse = process.Func("recurse", func(ctx context.Context, n int) (int, error) {
		fmt.Fprintln(os.Stderr, "depth", process.Current().Depth)
		return recurse.Run(ctx, "", n+1, process.Config{})
	})
	process.Func("wait", func(ctx context.Context, _ struct{}) (int, error) {
		fmt.Fprintln(os.Stderr, "waiting")
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
}

func main() {
	process.Main()
	process.Command()
	fmt.Println("main has run, with", os.Args[1:])
}
