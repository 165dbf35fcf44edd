package pipe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
)

// channelVariable is the environment variable that tells a child which
// descriptor (on Windows: which handle) its channel is. It is 3 unless the
// parent gave the child other files first; 0, 1 and 2 are stdin, stdout and
// stderr, which belong to the program and not to us.
const channelVariable = "MULTIPROCESSING_CHANNEL"

// given says that this end now belongs to a child program.
type given struct{ atomic.Bool }

var errGiven = errors.New("this end was given to a child program; all that is left to do with it here is Close")

func (c *Conn) isGiven() bool { return c.given.Load() }

// Give makes this end the channel of the program that cmd will start. Call it
// once, before cmd.Start, and Close this end right after Start: as long as this
// process has it open too, the other end never learns that the child is gone.
//
//	front, back, err := pipe.Pair()
//	cmd := exec.Command(…)
//	back.Give(cmd)
//	err = cmd.Start()
//	back.Close()
//
// A Go program takes it with [Inherited]. Any other program opens file
// descriptor 3, which is a blocking one, as such programs expect:
// socket.socket(fileno=3) in Python, read line <&3 in sh.
//
// What goes wrong here is reported by cmd.Start.
func (c *Conn) Give(cmd *exec.Cmd) {
	if c.given.Swap(true) {
		cmd.Err = errors.Join(cmd.Err, fmt.Errorf("pipe: give: %w", errGiven))
		return
	}
	e := c.in
	if e == nil {
		e = c.out
	}
	if c.in != nil && c.out != nil && c.in != c.out {
		cmd.Err = errors.Join(cmd.Err, errors.New("pipe: give: this Conn is made of two files; set them as Stdin and Stdout of the command"))
		return
	}
	number, err := e.give(cmd)
	if err != nil {
		cmd.Err = errors.Join(cmd.Err, fmt.Errorf("pipe: give: %w", err))
		return
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ() // nil means the parent's environment
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", channelVariable, number))
}

// Inherited returns the channel that this program's parent gave it with
// [Conn.Give]. It can be called once. The programs that this one starts do not
// inherit the channel by accident.
func Inherited() (*Conn, error) { return inherited(false) }

// InheritedBlocking is [Inherited] and [Conn.SetBlocking] in one: the runtime's poller
// never hears of the channel, which a program that has just begun does not have to set
// up then. Where there is no such mode, on Windows, it is Inherited.
func InheritedBlocking() (*Conn, error) { return inherited(true) }

func inherited(blocking bool) (*Conn, error) {
	value := os.Getenv(channelVariable)
	if value == "" {
		return nil, fmt.Errorf("pipe: no channel inherited: %s is not set; this program is meant to be started by another one, with Conn.Give, and the channel can be taken only once", channelVariable)
	}
	// Take it away, or a grandchild would believe that it is meant.
	if err := os.Unsetenv(channelVariable); err != nil {
		return nil, fmt.Errorf("pipe: take the inherited channel: %w", err)
	}
	number, err := strconv.ParseUint(value, 10, 63)
	if err != nil || number < 3 {
		return nil, fmt.Errorf("pipe: no channel inherited: %s=%q is not the number of a descriptor above 2", channelVariable, value)
	}
	c, err := inheritedAt(uintptr(number), blocking)
	if err != nil {
		return nil, fmt.Errorf("%w (the number is from %s)", err, channelVariable)
	}
	return c, nil
}

// InheritedAt returns the Conn for a descriptor (on Windows: a handle) that this
// program's parent has opened for it, and that both know by its number. Call it
// once for each: the Conn owns the descriptor from now on. The programs that this
// one starts do not inherit it by accident.
func InheritedAt(number uintptr) (*Conn, error) { return inheritedAt(number, false) }

func inheritedAt(number uintptr, blocking bool) (*Conn, error) {
	in, out, err := inheritedEnds(number, blocking)
	if err != nil {
		return nil, fmt.Errorf("pipe: no channel inherited: descriptor %d: %w", number, err)
	}
	return newConn(in, out), nil
}
