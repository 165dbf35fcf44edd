package main

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// stats counts requests.
type stats struct {
	mu       sync.Mutex
	begun    int
	ended    int
	statuses map[int]int
	times    [4096]time.Duration // of the last ones
}

func (s *stats) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	return s.begun
}

func (s *stats) end(status int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses == nil {
		s.statuses = map[int]int{}
	}
	s.statuses[status]++
	s.times[s.ended%len(s.times)] = took
	s.ended++
}

// A state is what a mode tells about itself.
type state struct {
	Workers  []workerState `json:"workers"`
	Started  int           `json:"started"`  // processes, ever
	Restarts int           `json:"restarts"` // of them in the place of one that has died
	Queue    int           `json:"queue"`    // requests that wait for a process
}

type workerState struct {
	PID  int    `json:"pid"`
	Task string `json:"task,omitempty"` // what it is doing
}

// A Report is the answer to /stats. Times are in milliseconds, of the last 4096 requests.
type Report struct {
	Mode     string             `json:"mode"`
	Requests int                `json:"requests"`
	Running  int                `json:"running"`
	Statuses map[int]int        `json:"statuses"`
	Latency  map[string]float64 `json:"latency_ms"`
	state
}

func (s *server) report() Report {
	s.mu.Lock()
	r := Report{Mode: s.cfg.Mode, Requests: s.begun, Running: s.begun - s.ended, Statuses: map[int]int{}, Latency: map[string]float64{}}
	maps.Copy(r.Statuses, s.statuses)
	times := slices.Clone(s.times[:min(s.ended, len(s.times))])
	s.mu.Unlock()
	slices.Sort(times)
	for name, part := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99} {
		if len(times) > 0 {
			r.Latency[name] = float64(times[int(part*float64(len(times)))].Microseconds()) / 1000
		}
	}
	if r.state = s.mode.state(); r.Workers == nil {
		r.Workers = []workerState{} // [] for whoever reads it, not null
	}
	return r
}
