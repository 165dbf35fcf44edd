// Package hub is where processes meet that are not parent and child: one of them
// keeps something, an event or a lock, and the others find it by a name.
//
// The name is a path. A [Hub] is a socket at that path, see unix(7), and an accept
// loop behind it: each client that connects gets a goroutine. A connection is a
// lease. When the client ends, in whatever way, the kernel closes it, and the hub
// knows at once that what this client had is free again. When the hub's process
// ends, all its clients know in the same way. Nobody has to be asked whether he is
// still alive, and nobody waits for the dead.
//
// A [Handle] is the client's side: a path that travels to other processes as text,
// and connects at its first use.
//
// Guarantees. Only the user who has made a hub can connect to it. A client that does
// not read, is stopped or sends nonsense harms nobody but itself. The path exists
// only as long as the hub: Close removes it, and what a killed process has left
// behind is replaced ([Listen]) or removed ([New]) by the next one.
//
// Limits. A hub is on one machine. Windows: [errors.ErrUnsupported].
package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// ErrInUse: a living process has a hub at this path.
var ErrInUse = errors.New("another process listens there already")

// A Hub lets other processes in. All methods are safe for concurrent use.
type Hub struct {
	kind  string
	path  string
	serve func(*pipe.Conn)
	*listener
	private *private // its directory; nil: a path that was given

	mu      sync.Mutex
	closed  bool
	clients map[*pipe.Conn]bool
	wait    sync.WaitGroup
}

// New makes a hub in a private directory below [os.TempDir], which nobody but this
// user can enter. kind says what it keeps, such as "event"; a [Handle] of another
// kind is refused. serve is called for each client, in a goroutine of its own; the
// connection is closed when it returns. Close the hub when it is no longer needed.
func New(kind string, serve func(*pipe.Conn)) (*Hub, error) {
	p, err := newPrivate()
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	path := filepath.Join(p.dir, "s")
	l, err := bind(path)
	if err != nil {
		p.remove()
		return nil, fmt.Errorf("hub: listen at %s: %w", path, err)
	}
	return begin(path, kind, serve, l, p), nil
}

// Listen makes a hub at a path, so that programs which know nothing of each other
// can meet there. The directory must exist. The socket is for this user alone (mode
// 0600). If a living process listens there, it is [ErrInUse]; what a dead one has
// left is replaced. A file that is no socket is never touched.
//
// The path may be as long as any; the system's own limit for a socket, about 100
// bytes, is worked around on Linux, and an error elsewhere.
func Listen(path, kind string, serve func(*pipe.Conn)) (*Hub, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("hub: listen at %s: %w", path, err)
	}
	return begin(path, kind, serve, l, nil), nil
}

func begin(path, kind string, serve func(*pipe.Conn), l *listener, p *private) *Hub {
	h := &Hub{kind: kind, path: path, serve: serve, listener: l, private: p, clients: map[*pipe.Conn]bool{}}
	h.wait.Go(h.accept)
	return h
}

func absolute(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty")
	}
	return filepath.Abs(path) // the working directory may change
}

// Path returns the path, absolute. [Dial] and [Handle] take it.
func (h *Hub) Path() string { return h.path }

func (h *Hub) accept() {
	for pause := time.Millisecond; ; {
		conn, err := h.listener.accept()
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			// No descriptors left, say. Those who wait outside need not know: they
			// are let in as soon as there is room again.
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		h.mu.Lock()
		if h.closed {
			_ = conn.Close()
		} else {
			h.clients[conn] = true
			h.wait.Go(func() { h.welcome(conn) })
		}
		h.mu.Unlock()
	}
}

// welcome hears what the client wants to meet, and lets it in.
func (h *Hub) welcome(conn *pipe.Conn) {
	defer func() {
		h.mu.Lock()
		delete(h.clients, conn)
		h.mu.Unlock()
		_ = conn.Close()
	}()
	_ = conn.SetDeadline(time.Now().Add(patience))
	conn.SetLimit(1 << 10) // it says one word
	kind, err := conn.ReceiveFrame()
	if err != nil {
		return
	}
	answer := h.kind
	if string(kind) != h.kind {
		answer = "no"
	}
	if conn.SendFrame([]byte(answer)) != nil || answer != h.kind {
		return
	}
	_ = conn.SetDeadline(time.Time{})
	conn.SetLimit(pipe.DefaultLimit)
	h.serve(conn)
}

// patience is how long either side waits for the other's first word.
const patience = 15 * time.Second

// Close removes the path, closes all connections and waits until serve has returned
// for all of them. A second Close does nothing.
func (h *Hub) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	err := h.listener.close(h.path)
	for conn := range h.clients {
		_ = conn.Close()
	}
	h.mu.Unlock()
	h.wait.Wait()
	if h.private != nil {
		h.private.remove()
	}
	return err
}
