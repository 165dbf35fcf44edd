// A program that has forgotten process.Main.
package main

import (
	"context"
	"fmt"
	"os"

	"example.com/multiprocessing/04-fork-order/process"
)

var square = process.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

func main() {
	fmt.Println("main runs")
	if len(os.Args) > 1 {
		_, err := square.Run(context.Background(), "", 3, process.Config{})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	task := square.New(3, process.Config{})
	if err := task.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, err := task.Result(context.Background())
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
