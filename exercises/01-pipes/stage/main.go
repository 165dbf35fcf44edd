// The stages of exercise 01's pipelines. Each plays the role that its first
// argument names. Try them by hand, with the driver around your answer:
//
//	go build -o stage ./exercises/01-pipes/stage
//	go run ./exercises/01-pipes/driver ./stage split '|' ./stage count < README.md
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/multiprocessing/exercises/01-pipes/script"
)

var roles = map[string]func(args []string) error{
	"split":   split,
	"count":   count,
	"pass":    pass,
	"first":   first,
	"endless": endless,
	"flood":   flood,
	"deaf":    deaf,
}

func main() {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		var names []string
		for name := range roles {
			names = append(names, name)
		}
		slices.Sort(names)
		fail(fmt.Errorf("usage: stage ROLE; the roles are %s", strings.Join(names, ", ")))
	}
	if os.Args[1] == "deaf" { // before anybody knows of it
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	}
	order := checkIn(os.Args[1])
	if err := roles[os.Args[1]](os.Args[2:]); err != nil {
		fail(err)
	}
	end(order)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "stage:", err)
	os.Exit(2)
}

// checkIn tells the suite, if there is one, that this process is alive, and
// waits for its order. So the suite knows who is alive at the same time, and
// nobody has to sleep or to measure time for it.
func checkIn(role string) script.Order {
	var order script.Order
	control := os.Getenv(script.ControlVariable)
	if control == "" {
		return order
	}
	number, err := strconv.Atoi(os.Getenv(script.NumberVariable))
	if err != nil {
		fail(err)
	}
	conn, err := net.Dial("unix", control)
	if err != nil {
		fail(err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(script.Hello{Stage: number, Role: role, PID: os.Getpid(), Parent: os.Getppid()}); err != nil {
		fail(err)
	}
	if err := json.NewDecoder(conn).Decode(&order); err != nil {
		os.Exit(2) // the suite has given up
	}
	return order
}

func end(order script.Order) {
	if order.Signal != 0 {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Signal(syscall.Signal(order.Signal))
		time.Sleep(time.Hour) // a signal to oneself may take a moment
	}
	os.Exit(order.Exit)
}

// split prints the words of its input, one a line.
func split([]string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for _, w := range script.Words(string(text)) {
		fmt.Fprintln(out, w)
	}
	return out.Flush()
}

// count prints how often each line occurs.
func count([]string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, script.Ranking(strings.Fields(string(text))))
	return err
}

// pass copies its input to its output.
func pass([]string) error {
	_, err := io.Copy(os.Stdout, os.Stdin)
	return err
}

// first copies some lines and leaves early, like head -n.
func first(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: stage first LINES")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	for range n {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if _, err := io.WriteString(os.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// endless prints lines until nobody can read them any more. Then the kernel ends
// it with SIGPIPE, as it does with yes(1).
func endless([]string) error {
	for i := 1; ; i++ {
		if _, err := fmt.Printf("line %d\n", i); err != nil {
			return err
		}
	}
}

// flood prints that many MiB.
func flood(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: stage flood MIB")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	block := []byte(strings.Repeat("0123456789abcde\n", 1<<20/16))
	for range n {
		if _, err := os.Stdout.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// deaf neither reads nor writes, and no polite signal ends it.
func deaf([]string) error {
	time.Sleep(time.Hour)
	return nil
}
