// The guard of exercise 04: a program that is watched over. It does what the suite
// says. By hand it says that it is ready, and stays until it is told to go:
//
//	go run ./exercises/04-fork-order/guard gate
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"example.com/multiprocessing/exercises/04-fork-order/script"
)

func main() {
	// First thing: later descriptor 3 may be one of our own.
	lifeline := os.NewFile(3, "lifeline")
	info, err := lifeline.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		lifeline = nil
	}
	name := "guard"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	path := os.Getenv(script.ControlVariable)
	switch {
	case path == "":
		byHand(name, lifeline)
	case name == "child":
		child(path)
	default:
		if err := play(path, name, lifeline); err != nil {
			fmt.Fprintln(os.Stderr, "guard:", err)
			os.Exit(1)
		}
	}
}

func byHand(name string, lifeline *os.File) {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	fmt.Fprintf(os.Stderr, "%s (pid %d) has begun its watch\n", name, os.Getpid())
	fmt.Println("ready")
	alone := make(chan struct{})
	if lifeline != nil {
		go func() {
			_, _ = lifeline.Read(make([]byte, 1))
			close(alone)
		}()
	}
	select {
	case <-terminate:
		fmt.Fprintf(os.Stderr, "%s (pid %d) goes\n", name, os.Getpid())
	case <-alone:
		fmt.Fprintf(os.Stderr, "%s (pid %d) is alone, and goes\n", name, os.Getpid())
	}
}

// child says that it is there, and stays until the suite has gone.
func child(path string) {
	signal.Ignore(syscall.SIGTERM)
	conn, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	_ = json.NewEncoder(conn).Encode(script.Hello{Name: "child", PID: os.Getpid(), Parent: os.Getppid(), Child: true})
	_, _ = conn.Read(make([]byte, 1))
}

func play(path, name string, lifeline *os.File) error {
	terminate := make(chan os.Signal, 10)
	signal.Notify(terminate, syscall.SIGTERM)
	signal.Ignore(syscall.SIGINT, syscall.SIGPIPE)
	conn, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	encode := json.NewEncoder(conn)
	say := func(what any) {
		mu.Lock()
		defer mu.Unlock()
		_ = encode.Encode(what)
	}
	say(script.Hello{Name: name, PID: os.Getpid(), Parent: os.Getppid()})
	go func() {
		for range terminate {
			say(script.Event{Term: true})
		}
	}()
	if lifeline != nil {
		go func() {
			_, _ = lifeline.Read(make([]byte, 1))
			say(script.Event{Alone: true})
			os.Exit(0)
		}()
	}
	for hear := json.NewDecoder(conn); ; {
		var order script.Order
		if err := hear.Decode(&order); err != nil {
			return nil // the suite is gone
		}
		if order.Deaf {
			signal.Ignore(syscall.SIGTERM)
		}
		if err := do(order); err != nil {
			return err
		}
		say(script.Event{Done: true})
	}
}

func do(order script.Order) error {
	for _, line := range order.Lines {
		fmt.Println(line)
	}
	for line := strings.Repeat("x", 1023) + "\n"; order.Flood > 0; order.Flood -= len(line) {
		fmt.Print(line)
	}
	if order.Leave {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		cmd := exec.Command(self, "child")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			return err
		}
	}
	switch order.Exit {
	case 0:
	case -1:
		os.Exit(0)
	default:
		os.Exit(order.Exit)
	}
	return nil
}
