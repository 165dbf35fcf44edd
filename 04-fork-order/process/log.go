package process

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
)

// The log says what happens to process objects: who has created them, what they
// receive, what their processes are, when they are gone. Every line has the name
// and the number of the process that writes it, and a number for the object.

var theLogger atomic.Pointer[slog.Logger]

// SetLogger makes this process log what happens to its processes; nil, as in the
// beginning, means not. Processes that are started from now on log too, each to its
// stderr, as text.
func SetLogger(l *slog.Logger) { theLogger.Store(l) }

// Logger returns the logger for what the program itself has to say, with the name
// and the number of the process in every line. It never returns nil; without
// SetLogger what it is given goes nowhere.
func Logger() *slog.Logger { return logger() }

func logging() bool { return theLogger.Load() != nil }

var silent = slog.New(slog.DiscardHandler)

func logger() *slog.Logger {
	l := theLogger.Load()
	if l == nil {
		return silent
	}
	me := Current()
	return l.With("process", me.Name, "pid", me.PID)
}

// NewLogger returns a logger for [SetLogger] that writes lines of text to w.
func NewLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func logToStderr() { SetLogger(NewLogger(os.Stderr)) }

func (p *Process) log(what string, args ...any) {
	if logging() {
		logger().With("id", p.id, "object", p.name).Info(what, args...)
	}
}

// firstLine keeps stacks out of the log.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
