package leaktest

import "time"

// Processes and handles are not looked at here.
type lifeline struct{}

// AdoptOrphans does nothing here.
func AdoptOrphans() error                 { return nil }
func killChildren()                       {}
func newLifeline() (*lifeline, error)     { return nil, nil }
func (*lifeline) left(time.Time) []string { return nil }

func look() (*Snapshot, error) { return &Snapshot{goroutines: goroutines()}, nil }

// ReapOrphans does nothing here.
func ReapOrphans() {}
