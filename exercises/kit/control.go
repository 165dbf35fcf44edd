package kit

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A Control is a socket at which the programs of an exercise report to the suite
// and get their orders. Hello is what each of them says first.
type Control[Hello any] struct {
	Path     string // of the socket
	Arrivals <-chan *Caller[Hello]

	listener  net.Listener
	accepting sync.WaitGroup
	mu        sync.Mutex
	conns     []net.Conn
}

var sockets atomic.Int64 // opened so far; each has a name of its own

// A Caller is a program that has reported.
type Caller[Hello any] struct {
	Hello  Hello
	conn   net.Conn
	decode *json.Decoder
}

// Listen opens a control socket, which is closed when the trial is over. Call it
// before the driver is started.
func Listen[Hello any](t *Trial) *Control[Hello] {
	dir := t.Dir
	if len(dir) > 90 { // the path of a socket has room for 107 bytes on Linux, 103 on macOS
		var err error
		if dir, err = os.MkdirTemp("/tmp", "kit"); err != nil {
			t.Failf("the suite cannot make a directory with a short path: %v", err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	arrivals := make(chan *Caller[Hello], 1000)
	c := &Control[Hello]{Path: filepath.Join(dir, fmt.Sprintf("s%d", sockets.Add(1))), Arrivals: arrivals}
	var err error
	if c.listener, err = net.Listen("unix", c.Path); err != nil {
		t.Failf("the suite cannot listen: %v", err)
	}
	t.Cleanup(c.stop)
	c.accepting.Go(func() { c.accept(arrivals) })
	return c
}

// accept takes the calls, each in a goroutine of its own: one that says nothing
// must not keep the others waiting.
func (c *Control[Hello]) accept(arrivals chan<- *Caller[Hello]) {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		c.accepting.Go(func() {
			caller := &Caller[Hello]{conn: conn, decode: json.NewDecoder(conn)}
			if caller.decode.Decode(&caller.Hello) == nil { // or it has died, or was no such program
				arrivals <- caller
			}
		})
	}
}

// Arrived reports whether somebody has reported and was not taken from Arrivals yet.
func (c *Control[Hello]) Arrived() bool { return len(c.Arrivals) > 0 }

// stop is called when the driver and all its descendants are dead.
func (c *Control[Hello]) stop() {
	c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.accepting.Wait()
}

// Order sends an order. A program that is gone shows soon enough.
func (c *Caller[Hello]) Order(order any) { _ = json.NewEncoder(c.conn).Encode(order) }

// Next waits for the next thing that the program says, and returns an error when
// it is gone.
func (c *Caller[Hello]) Next(event any) error { return c.decode.Decode(event) }
