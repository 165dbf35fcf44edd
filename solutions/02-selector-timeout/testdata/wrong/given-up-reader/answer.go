// Misconception: a goroutine that reads can be given up, and then it is gone.
// Rejected by: again
package answer

import (
	"bufio"
	"encoding/json"
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
type Gatherer struct{ readers []*bufio.Reader }

// New returns a Gatherer for these sources.
func New(files []*os.File) *Gatherer {
	g := &Gatherer{}
	for _, f := range files {
		g.readers = append(g.readers, bufio.NewReader(f))
	}
	return g
}

// Gather returns one answer for each source, within the limit.
func (g *Gatherer) Gather(limit time.Duration) ([]Answer, error) {
	came := make(chan Answer, len(g.readers))
	for i, r := range g.readers {
		go func() {
			line, err := r.ReadString('\n')
			text := strings.TrimSuffix(line, "\n")
			switch {
			case err == io.EOF && line != "":
				came <- Answer{i, Cut, ""}
			case err != nil:
				came <- Answer{i, Closed, ""}
			case json.Valid([]byte(text)):
				came <- Answer{i, Message, text}
			default:
				came <- Answer{i, Garbage, text}
			}
		}()
	}
	var answers []Answer
	answered := map[int]bool{}
	over := time.After(limit)
	for len(answers) < len(g.readers) {
		select {
		case a := <-came:
			answers = append(answers, a)
			answered[a.Source] = true
			continue
		case <-over:
		}
		for i := range g.readers {
			if !answered[i] {
				answers = append(answers, Answer{i, Late, ""})
			}
		}
	}
	return answers, nil
}
