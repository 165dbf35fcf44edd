package pool

import (
	"fmt"
	"slices"
	"time"
)

// Deaths are those of workers since a task was finished. When so many have died in so short
// a time, what is wrong with them will be wrong with the next ones, and to start them again
// and again would only warm the machine.
//
// The zero value is ready. It is not safe for concurrent use.
type Deaths struct {
	times []time.Time
}

const (
	maxDeaths  = 5
	deathsTime = 10 * time.Second
)

// Died notes that a worker has died, and how. The error is nil, or [ErrBroken].
func (d *Deaths) Died(how error) error {
	now := time.Now()
	d.times = slices.DeleteFunc(append(d.times, now), func(t time.Time) bool { return now.Sub(t) > deathsTime })
	if len(d.times) < maxDeaths {
		return nil
	}
	return fmt.Errorf("%w: %d workers in a row have died without having finished a task; the last one: %w", ErrBroken, maxDeaths, how)
}

// Worked notes that a task was finished.
func (d *Deaths) Worked() { d.times = d.times[:0] }
