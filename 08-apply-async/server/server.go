package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
)

const (
	// DefaultGrace is for Config.Grace.
	DefaultGrace = 2 * time.Second
	// childGrace is how long a process has to go when it is told to: the requests have had
	// their time already.
	childGrace  = time.Second / 2
	defaultHost = "127.0.0.1"
	defaultPort = 5050
)

// A Config says what the server is to be. Its zero value is a spool on 127.0.0.1:5050.
type Config struct {
	// ServerAddress is where it listens. No host means 127.0.0.1, no port 5050.
	ServerAddress texture.Address
	// Mode is how a texture is computed: see modes. Empty means "spool".
	Mode string
	// Workers is how many processes work at the same time; 0 means one for each processor.
	// The modes process and delegate have one.
	Workers int
	// Queue is how many requests may wait for a worker; 0 means 16 for each.
	Queue int
	// Grace is how long running requests have when the server stops: 0 means DefaultGrace,
	// 2 s; negative means none.
	Grace time.Duration
	// Log logs processes and requests to stderr.
	Log bool
}

func (c Config) withDefaults() (Config, error) {
	if c.ServerAddress.Host == "" {
		c.ServerAddress.Host = defaultHost
	}
	if c.ServerAddress.Port == 0 {
		c.ServerAddress.Port = defaultPort
	}
	if c.Mode == "" {
		c.Mode = "spool"
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Queue == 0 {
		c.Queue = 16 * c.Workers
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	switch {
	case c.Workers < 0 || c.Queue < 0:
		return c, errors.New("the number of workers, or of requests that wait, is negative")
	case modes[c.Mode] == nil:
		return c, fmt.Errorf("there is no mode %q; there are %s", c.Mode, strings.Join(slices.Sorted(maps.Keys(modes)), ", "))
	}
	return c, nil
}

// A mode is a way to have a texture computed by another process.
type mode interface {
	// texture returns the rows, as JSON. It is called from many goroutines. When ctx ends,
	// nobody waits for the result any more.
	texture(ctx context.Context, size texture.Size) (json.RawMessage, error)
	// state is for /stats.
	state() state
	// close stops its processes, and waits until they have gone.
	close(ctx context.Context)
}

var modes = map[string]func(Config) (mode, error){
	"process":  newProcessPerRequest,
	"callback": newCallback,
	"delegate": newDelegate,
	"spool":    newSpool,

	"goroutine": newGoroutine, // to compare with
}

// Server is the server as a process: another program can start it, and Stop it at any time.
// It returns only then, or with what is wrong; stopped, it ends with process.ErrAborted.
var Server = process.Func("server", func(ctx context.Context, cfg Config) (struct{}, error) {
	return struct{}{}, Serve(ctx, cfg, io.Discard)
})

// Serve serves until ctx ends, and then stops in order: it accepts nothing new, lets running
// requests come to their end for the time of the grace, closes their connections, and ends
// its processes last. It returns why ctx has ended.
func Serve(ctx context.Context, cfg Config, stderr io.Writer) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if cfg.Log {
		process.SetLogger(process.NewLogger(stderr))
	}
	listener, err := listen(ctx, cfg.ServerAddress)
	if err != nil {
		return err // no process was started yet
	}
	s, err := newServer(cfg)
	if err != nil {
		_ = listener.Close()
		return err
	}
	return s.serve(ctx, listener, stderr)
}

// newServer starts the processes.
func newServer(cfg Config) (*server, error) {
	m, err := modes[cfg.Mode](cfg)
	if err != nil {
		return nil, err
	}
	s := &server{mode: m, cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if cfg.Log {
		s.log = process.Logger()
	}
	return s, nil
}

// serve serves on the listener, until ctx ends, and stops then.
func (s *server) serve(ctx context.Context, listener net.Listener, stderr io.Writer) (err error) {
	requests, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	h := &http.Server{
		Handler:           s.handler(),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 5 * time.Second, // who says nothing, or half of something, is dropped
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	if s.cfg.Log {
		(&connections{log: s.log}).logTo(h)
	}
	fmt.Fprintf(stderr, "listening on http://%s, mode %s, pid %d\n", listener.Addr(), s.cfg.Mode, process.Current().PID)
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	select {
	case err = <-served: // the listener has failed
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(s.cfg.Grace, 0))
	defer cancel()
	if h.Shutdown(within) != nil { // it closes the listener, and waits for the requests
		abort(errStopping) // they are told so
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/4)
		defer cancel()
		_ = h.Shutdown(after)
		_ = h.Close()
	}
	abort(errStopping)
	s.mode.close(context.WithoutCancel(ctx))
	return err
}

var errStopping = errors.New("the server stops")

// listen listens, or says who else does.
func listen(ctx context.Context, a texture.Address) (net.Listener, error) {
	address := net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	if pid := whoListens(a.Port); pid != 0 {
		return nil, fmt.Errorf("cannot listen on %s: pid %d does already; kill %d ends it, or choose another port with -server-address: %w", address, pid, pid, err)
	}
	return nil, fmt.Errorf("cannot listen on %s; another port can be chosen with -server-address: %w", address, err)
}
