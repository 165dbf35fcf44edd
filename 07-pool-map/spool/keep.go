package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// keep sees to it that there is a program in the slot, until the spool is closed. It does
// not look every now and then: it waits for the end of the program. Hundreds of goroutines
// that wait cost a few kilobytes each, and no time.
func (s *Spool) keep(one *slot) {
	defer func() { _ = one.Close(context.Background()) }()
	for s.closing.Err() == nil {
		if err := s.watch(one); err != nil {
			s.isDown(one, err)
		}
	}
}

// watch starts the program, and returns how it has ended.
func (s *Spool) watch(one *slot) error {
	if err := one.Start(s.closing); err != nil {
		return err
	}
	// It may be another one already than that which was started: a call starts one, too,
	// where it finds none.
	program := one.Child()
	if program == nil {
		return errors.New("it has ended at once")
	}
	s.isUp(one)
	select {
	case <-program.Done():
		return fmt.Errorf("it has ended: %w", program.Died())
	case <-s.closing.Done():
		return nil
	}
}

func (s *Spool) isUp(one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.up = true
	s.offer(one)
}

// isDown notes that the program has died, or could not be started.
func (s *Spool) isDown(one *slot, how error) {
	s.mu.Lock()
	if s.why != nil {
		s.mu.Unlock()
		return
	}
	one.up = false
	if i := slices.Index(s.free, one); i >= 0 {
		s.free = slices.Delete(s.free, i, i+1)
	}
	s.restarts++
	broken := s.deaths.Died(how)
	s.mu.Unlock()
	if broken != nil {
		s.abandon(broken)
	}
}
