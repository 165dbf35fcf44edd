package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const clients = 64

// compare loads each mode with 64 clients, for so long each, and shows what it can do.
func compare(ctx context.Context, cfg Config, out io.Writer, lasts time.Duration) error {
	fmt.Fprintf(out, "%d clients, each asks for a texture of 20 by 20 again and again\n", clients)
	fmt.Fprintln(out, "mode       answers in a second  half within  99 of 100  processes  errors")
	for _, name := range []string{"process", "callback", "delegate", "spool", "goroutine"} {
		cfg := cfg
		cfg.Mode, cfg.Queue = name, clients
		l, err := load(ctx, cfg, lasts)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-9s  %19.0f  %11v  %9v  %9d  %6d\n", name, float64(len(l.times))/l.took.Seconds(),
			l.part(0.5), l.part(0.99), l.started, l.errors)
	}
	return nil
}

// A loaded is what has come of a load.
type loaded struct {
	mu      sync.Mutex
	times   []time.Duration // of answers
	errors  int
	started int
	took    time.Duration
}

// part returns the time within which so large a part of the answers has come.
func (l *loaded) part(p float64) time.Duration {
	if len(l.times) == 0 {
		return 0
	}
	slices.Sort(l.times)
	return l.times[int(p*float64(len(l.times)))].Round(10 * time.Microsecond)
}

// load serves in one mode, and is its clients, too.
func load(ctx context.Context, cfg Config, lasts time.Duration) (*loaded, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // any port that is free
	if err != nil {
		return nil, err
	}
	s, err := newServer(cfg)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan struct{})
	go func() {
		_ = s.serve(serving, listener, io.Discard)
		close(served)
	}()
	l := new(loaded)
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	client := &http.Client{Transport: transport}
	url := fmt.Sprintf("http://%s/Xy?x=20&y=20", listener.Addr())
	loading, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	began := time.Now()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for loading.Err() == nil {
				start := time.Now()
				l.note(get(ctx, client, url), time.Since(start))
			}
		})
	}
	wg.Wait()
	l.took, l.started = time.Since(began), s.mode.state().Started
	transport.CloseIdleConnections()
	stop()
	<-served
	return l, ctx.Err()
}

// get tells whether there was an answer.
func get(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (l *loaded) note(good bool, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if good {
		l.times = append(l.times, took)
	} else {
		l.errors++
	}
}
