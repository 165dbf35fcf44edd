// The driver of exercise 08: a room with workers, and your lab over it. The suite talks to it
// over a pipe. By hand it makes twelve pictures and has them made small:
//
//	go run ./exercises/08-apply-async/driver [FOLDER]
//
// With a folder, the thumbnails are written into it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/exercises/08-apply-async/answer"
	"example.com/multiprocessing/exercises/08-apply-async/darkroom"
	"example.com/multiprocessing/exercises/08-apply-async/picture"
)

func main() {
	process.Main()
	suite, err := pipe.Inherited()
	if err == nil {
		err = serve(suite)
	} else {
		err = byHand(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// byHand makes thumbnails of twelve pictures, and of something that is none.
func byHand(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	room, err := darkroom.Open(2)
	if err != nil {
		return err
	}
	defer room.Close()
	var files [][]byte
	for n := range 12 {
		file, err := picture.Make(n, 640, 480)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	files = append(files, []byte("this is no picture"))
	lab := answer.New(room)
	for n, file := range files {
		r, err := lab.Apply(file)
		if err != nil {
			return err
		}
		r.OnDone(func(thumbnail []byte) {
			fmt.Printf("picture %d: %d bytes have become %d\n", n, len(file), len(thumbnail))
			if len(args) > 0 {
				if err := os.WriteFile(filepath.Join(args[0], fmt.Sprintf("thumbnail-%d.png", n)), thumbnail, 0o644); err != nil {
					fmt.Println(err)
				}
			}
		})
		r.OnError(func(err error) { fmt.Printf("picture %d: %v\n", n, err) })
	}
	fmt.Println("all are on their way")
	lab.Close()
	return lab.Join(ctx)
}
