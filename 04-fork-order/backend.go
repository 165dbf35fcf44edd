package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// A backend is what runs in the process. It has nothing of the frontend: the
// compiler does not know a way from here to there, nor back.
type backend struct {
	front *pipe.Conn // to the frontend
}

// run is the life of the process.
func run(_ context.Context, name string, front *pipe.Conn) error {
	fmt.Println(name + ": run")
	b := &backend{front}
	if err := b.say("listening"); err != nil {
		return err
	}
	defer fmt.Println("bye from multiprocess!")
	return b.listenFront()
}

var myProcess = process.Service("my-process", run)

// listenFront answers messages until it is told to stop.
func (b *backend) listenFront() error {
	for {
		message, err := pipe.Receive[string](b.front)
		if err == io.EOF {
			return nil // the frontend has gone: as good as "stop"
		}
		if err != nil {
			return err
		}
		switch message {
		case "ping":
			err = b.ping()
		case "stop":
			return nil
		default:
			fmt.Printf("listenFront: unknown message %q\n", message)
		}
		if err != nil {
			return err
		}
	}
}

func (b *backend) ping() error {
	fmt.Println("backend: got ping from frontend")
	return b.say("pong")
}

func (b *backend) say(message string) error { return pipe.Send(b.front, message) }
