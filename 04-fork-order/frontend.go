package main

import (
	"context"
	"fmt"
	"io"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// MyProcess is the frontend: what the rest of the program sees. It starts, pings
// and stops, and does not show that there is another process.
type MyProcess struct {
	*process.Task[struct{}]
	out io.Writer
}

func newMyProcess(out io.Writer) *MyProcess {
	return &MyProcess{myProcess.New("MyProcess", process.Config{}), out}
}

// Start starts the backend and waits until it listens.
func (p *MyProcess) Start() error {
	if err := p.Task.Start(); err != nil {
		return err
	}
	_, err := p.hear()
	return err
}

// Ping sends a ping and waits for the pong.
func (p *MyProcess) Ping() error {
	if err := p.say("ping"); err != nil {
		return err
	}
	message, err := p.hear()
	if err == nil {
		fmt.Fprintf(p.out, "frontend: got a message from backend: %s\n", message)
	}
	return err
}

// Stop tells the backend to end, and waits for it. One that does not listen is
// stopped all the same, see process.Stop.
func (p *MyProcess) Stop(ctx context.Context) error {
	defer p.Conn().Close()
	_ = p.say("stop") // if it is dead already, that is what we want
	return p.Task.Stop(ctx)
}

func (p *MyProcess) say(message string) error { return pipe.Send(p.Conn(), message) }
func (p *MyProcess) hear() (string, error)    { return pipe.Receive[string](p.Conn()) }
