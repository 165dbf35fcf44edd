// Misconception: every source is given the whole limit, one after the other.
// Rejected by: late
package answer

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
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
	files   []*os.File
	readers []*bufio.Reader
	halves  []string
}

// New returns a Gatherer for these sources.
func New(files []*os.File) *Gatherer {
	g := &Gatherer{files: files, halves: make([]string, len(files))}
	for _, f := range files {
		g.readers = append(g.readers, bufio.NewReader(f))
	}
	return g
}

// Gather returns one answer for each source, within the limit.
func (g *Gatherer) Gather(limit time.Duration) ([]Answer, error) {
	var came, late []Answer
	for i, f := range g.files {
		f.SetReadDeadline(time.Now().Add(limit))
		part, err := g.readers[i].ReadString('\n')
		g.halves[i] += part
		line := strings.TrimSuffix(g.halves[i], "\n")
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			late = append(late, Answer{i, Late, ""})
			continue
		case err == io.EOF && line != "":
			came = append(came, Answer{i, Cut, ""})
		case err != nil:
			came = append(came, Answer{i, Closed, ""})
		case json.Valid([]byte(line)):
			came = append(came, Answer{i, Message, line})
		default:
			came = append(came, Answer{i, Garbage, line})
		}
		g.halves[i] = ""
	}
	return append(came, late...), nil
}
