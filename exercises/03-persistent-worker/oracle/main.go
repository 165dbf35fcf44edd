// The oracle of exercise 03: a program that is hard to live with. It starts as
// slowly as the suite wants, prints what comes to its mind, and dies when it is
// told to. By hand it knows the lengths of words:
//
//	go run ./exercises/03-persistent-worker/oracle
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"example.com/multiprocessing/exercises/03-persistent-worker/script"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		for { // see leave; select {} is a deadlock to the runtime, without cgo
			time.Sleep(time.Hour)
		}
	}
	path := os.Getenv(script.ControlVariable)
	if path == "" {
		byHand()
		return
	}
	if err := play(path); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func byHand() {
	fmt.Println("The oracle wakes …")
	time.Sleep(2 * time.Second)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println("… it thinks …")
		fmt.Fprintln(os.Stderr, "(it mumbles)")
		if lines.Text() == "die" {
			fmt.Fprintln(os.Stderr, "as you wish")
			os.Exit(1)
		}
		fmt.Printf("answer: %d\n", len(lines.Text()))
	}
}

func play(path string) error {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	say, hear := json.NewEncoder(conn), json.NewDecoder(conn)
	stay := false
	input := bufio.NewReader(os.Stdin)
	obey := func() error {
		var order script.Order
		for {
			if err := hear.Decode(&order); err != nil {
				os.Exit(0) // the suite is gone
			}
			if !order.Peek {
				break
			}
			_ = say.Encode(script.Event{More: input.Buffered() > 0 || readable(0)})
			order.Peek = false
		}
		stay = stay || order.Stay
		if stay {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		}
		return do(order)
	}
	if err := say.Encode(script.Hello{PID: os.Getpid(), Parent: os.Getppid()}); err != nil {
		return err
	}
	if err := obey(); err != nil { // the slow start
		return err
	}
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			_ = say.Encode(script.Event{EOF: true})
			if stay {
				var order script.Order
				_ = hear.Decode(&order) // until the suite is gone, or it is killed
			}
			return nil
		}
		if err := say.Encode(script.Event{Question: strings.TrimSuffix(line, "\n")}); err != nil {
			return nil
		}
		if err := obey(); err != nil {
			return err
		}
	}
}

func do(order script.Order) error {
	for _, line := range order.Noise {
		fmt.Println(line)
	}
	fmt.Fprint(os.Stderr, order.Stderr)
	for line := strings.Repeat("x", 1023) + "\n"; order.Flood > 0; order.Flood -= len(line) {
		fmt.Fprint(os.Stderr, line)
	}
	if order.Answer != "" {
		fmt.Println("answer: " + order.Answer)
	}
	if order.Leave {
		if err := leave(); err != nil {
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

// leave starts a child that has all open that this process has, and does nothing.
func leave() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "child")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Start()
}
