package kit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	pid    int    // of who has called, by what the kernel says; 0 where it does not
	runs   string // its program when it called; empty where that is not to be seen
}

// Genuine returns an error unless the caller is what it says that it is: this program, with
// this pid, started by the driver. A caller gets orders, and is believed; an answer must not be
// able to speak for it.
func (c *Caller[Hello]) Genuine(driver *Program, what, program string, pid, parent int) error {
	switch now := Executable(pid); {
	case c.pid != 0 && c.pid != pid, c.pid == 0 && !slices.Contains(driver.Descendants(), pid):
		return fmt.Errorf("somebody says that he is %s, with pid %d, and is not", what, pid)
	case c.runs != "" && c.runs != program, now != "" && now != program: // empty: it has ended
		return fmt.Errorf("pid %d says that it is %s, but it runs %s", pid, what, cmp.Or(now, c.runs))
	case pid == driver.PID || parent != driver.PID:
		return fmt.Errorf("%s (pid %d) is a child of pid %d, and not of the driver (pid %d)", what, pid, parent, driver.PID)
	}
	return nil
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
		// At once: it could become another program, with the same pid.
		pid := peer(conn)
		runs := Executable(pid)
		c.accepting.Go(func() {
			// What they say is short. Who never ends his sentence must not fill our memory.
			caller := &Caller[Hello]{conn: conn, decode: json.NewDecoder(io.LimitReader(conn, 1<<20)), pid: pid, runs: runs}
			if caller.decode.Decode(&caller.Hello) == nil { // or it has died, or was no such program
				arrivals <- caller
			}
		})
	}
}

// peer returns the pid of who has connected a Unix socket, or 0 if the kernel does not say.
func peer(conn net.Conn) (pid int) {
	if raw, err := conn.(*net.UnixConn).SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { pid = peerOf(int(fd)) })
	}
	return pid
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
