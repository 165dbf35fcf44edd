package pool

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Line is a line that a worker has printed; see Config.Output.
type Line struct {
	Worker string // its name
	PID    int
	Func   string // what it was running when it printed that; empty: nothing
	Task   int    // as in TaskError
	Stderr bool   // and not stdout
	Text   string // without its end
}

// How does the pool know which task a line belongs to? It reads the line later than the
// worker has printed it, so the worker has to say it in the same stream: before each task it
// prints a mark, which begins with a zero byte and is a line by itself. Who prints such a
// line on purpose gets wrong names on his own lines, and no more.
const markByte = 0

// mark is what a worker prints before a task of a function, and, without a name, after the
// last one.
func mark(function string, task int) []byte {
	if function == "" {
		return []byte("\x00\n")
	}
	return fmt.Appendf(nil, "\x00%d %s\n", task, strings.ReplaceAll(function, "\n", " "))
}

// A liner is the [io.Writer] that gets what a worker prints to one of its streams, and makes
// lines of it.
type liner struct {
	tell func(Line) // from one goroutine at a time, of all workers

	mu   sync.Mutex
	line Line   // but for the text
	rest []byte // a line that has not ended
}

const longestLine = 64 << 10 // what is longer comes in pieces

func (l *liner) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		switch {
		case end >= 0:
			l.take(l.rest[:end])
			l.rest = l.rest[end+1:]
		case len(l.rest) > longestLine:
			l.take(l.rest)
			l.rest = nil
		default:
			l.rest = append([]byte(nil), l.rest...)
			return len(b), nil
		}
	}
}

// take takes a line, which may be a mark, and may have one at its end if what was printed
// before the mark did not end with a line.
func (l *liner) take(line []byte) {
	text, m, marked := bytes.Cut(line, []byte{markByte})
	if len(text) > 0 || !marked {
		l.line.Text = string(text)
		l.tell(l.line)
	}
	if marked {
		number, name, _ := strings.Cut(string(m), " ")
		l.line.Task, _ = strconv.Atoi(number)
		l.line.Func = name
	}
}

// flush is for the last line, if it has no end.
func (l *liner) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.take(l.rest)
		l.rest = nil
	}
}

// withoutMarks is for what is shown of stderr as it came.
func withoutMarks(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		printed, _, marked := strings.Cut(line, "\x00")
		b.WriteString(printed)
		if marked && printed != "" {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
