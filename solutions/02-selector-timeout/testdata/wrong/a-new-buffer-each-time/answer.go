// Misconception: a read returns one line, so nothing is in the buffer afterwards.
// Rejected by: two-at-once
package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"
)

// A Kind says what has come of a source.
type Kind string

const (
	Message Kind = "message" // a whole line of JSON, in Answer.Line
	Garbage Kind = "garbage" // a whole line that is no JSON, in Answer.Line
	Late    Kind = "late"    // no whole line within the limit
	Closed  Kind = "closed"  // the end of the input
	Cut     Kind = "cut"     // the end of the input in the middle of a line
)

// An Answer is what has come of one source in one Gather.
type Answer struct {
	Source int // its index
	Kind   Kind
	Line   string // without the newline
}

// A Gatherer gathers the answers of many processes.
type Gatherer struct {
	sources []*source
}

// A source is a pipe and what has been read from it and not yet returned. Both
// live as long as the Gatherer: what one Gather has read too much or too early
// belongs to the next.
type source struct {
	number int
	file   *os.File
	buffer []byte
}

// New returns a Gatherer for these sources.
func New(files []*os.File) *Gatherer {
	g := &Gatherer{}
	for i, f := range files {
		g.sources = append(g.sources, &source{number: i, file: f})
	}
	return g
}

// Gather returns one answer for each source, within the limit.
func (g *Gatherer) Gather(limit time.Duration) ([]Answer, error) {
	until := time.Now().Add(limit) // one moment for all of them
	for _, s := range g.sources {
		s.buffer = nil // a new Gather, a new buffer
	}
	came := make(chan Answer, len(g.sources))
	for _, s := range g.sources {
		go func() { came <- s.next(until) }()
	}
	// Every one of them ends by the deadline, so all can be waited for: when
	// Gather returns, nobody is left reading.
	var answers []Answer
	late := make([]bool, len(g.sources))
	for range g.sources {
		a := <-came
		if a.Kind == Late {
			late[a.Source] = true
			continue
		}
		answers = append(answers, a)
	}
	for i, isLate := range late {
		if isLate {
			answers = append(answers, Answer{Source: i, Kind: Late})
		}
	}
	return answers, nil
}

// next waits for the next answer of one source.
func (s *source) next(until time.Time) Answer {
	answer := func(kind Kind, line []byte) Answer { return Answer{s.number, kind, string(line)} }
	for {
		// First look into the buffer: the read that has brought the last line may
		// have brought this one too.
		if line, rest, found := bytes.Cut(s.buffer, []byte("\n")); found {
			s.buffer = rest
			if !json.Valid(line) {
				return answer(Garbage, line)
			}
			return answer(Message, line)
		}
		err := s.fill(until)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return answer(Late, nil) // half a line stays in the buffer
		case err == io.EOF && len(s.buffer) > 0:
			return answer(Cut, nil)
		default:
			return answer(Closed, nil)
		}
	}
}

// fill reads once, and waits for that until the deadline.
func (s *source) fill(until time.Time) error {
	chunk := make([]byte, 4096)
	if err := s.file.SetReadDeadline(until); err != nil {
		return err
	}
	n, err := s.file.Read(chunk)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// A read whose deadline has passed does not even look. But what is there
		// counts, however late we are.
		n, err = s.look(chunk)
	}
	s.buffer = append(s.buffer, chunk[:n]...)
	return err
}

// look reads what is there. It needs a deadline that has not passed yet when the
// read begins, and on a busy machine a millisecond may be over before that; hence
// more than one try.
func (s *source) look(chunk []byte) (n int, err error) {
	for range 5 {
		if err := s.file.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			return 0, err
		}
		if n, err = s.file.Read(chunk); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	return n, err
}
