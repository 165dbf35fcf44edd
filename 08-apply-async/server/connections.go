package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// connections gives each connection a name, for the log: who asks twice on one connection is
// the same client, and a connection lives longer than a request.
type connections struct {
	log *slog.Logger

	mu    sync.Mutex
	count int
	names map[net.Conn]string
}

type connectionKey struct{}

// logTo has h log its connections.
func (c *connections) logTo(h *http.Server) {
	c.names = map[net.Conn]string{}
	h.ConnContext = c.created
	h.ConnState = c.changed
}

func (c *connections) created(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	c.count++
	name := fmt.Sprint("connection-", c.count)
	c.names[conn] = name
	c.mu.Unlock()
	c.log.Info("created", "object", name, "by", conn.RemoteAddr())
	return context.WithValue(ctx, connectionKey{}, name)
}

func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	c.mu.Lock()
	name := c.names[conn]
	delete(c.names, conn)
	c.mu.Unlock()
	c.log.Info("destroyed", "object", name)
}

// whoAsks is the connection of a request, if connections are logged, or the client's address.
func whoAsks(r *http.Request) string {
	if name, ok := r.Context().Value(connectionKey{}).(string); ok {
		return name
	}
	return r.RemoteAddr
}
