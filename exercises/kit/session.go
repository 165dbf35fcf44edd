package kit

import (
	"os/exec"
	"strings"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Session is a driver at work: the suite asks it for one thing after another,
// over a pipe, and it reports. Q is what is asked and R what is reported.
type Session[Q, R any] struct {
	Trial   *Trial
	Driver  *Program
	conn    *pipe.Conn
	reports chan report[R]
	what    string
}

type report[R any] struct {
	value R
	err   error
}

// Begin starts the driver. name is what messages call it ("the driver with your
// Run"), function the learner's function ("Run"). change may change the command
// before it is started; files that it adds begin at descriptor 4.
func Begin[Q, R any](t *Trial, name, function string, change func(*exec.Cmd)) *Session[Q, R] {
	front, back, err := pipe.Pair()
	if err != nil {
		t.Failf("%v", err)
	}
	s := &Session[Q, R]{Trial: t, conn: front, reports: make(chan report[R], 1000), what: function}
	t.Cleanup(func() { front.Close() })
	cmd := exec.Command(t.Driver)
	back.Give(cmd)
	if change != nil {
		change(cmd)
	}
	s.Driver = t.Start(name, cmd)
	back.Close()
	go s.receive()
	return s
}

func (s *Session[Q, R]) receive() {
	for {
		value, err := pipe.Receive[R](s.conn)
		s.reports <- report[R]{value, err}
		if err != nil {
			return
		}
	}
}

// Ask sends a request.
func (s *Session[Q, R]) Ask(request Q) {
	if err := pipe.Send(s.conn, request); err != nil {
		s.died(err)
	}
}

// Report waits for the next report. what says what has gone wrong if none comes.
func (s *Session[Q, R]) Report(what string) R {
	r := Await(s.Trial, s.Driver, s.reports, what)
	if r.err != nil {
		s.died(r.err)
	}
	return r.value
}

// Either waits for a value or for the next report, whichever comes first; early is that
// report. what says what has gone wrong if neither comes.
func Either[T, Q, R any](s *Session[Q, R], from <-chan T, what string) (value T, early *R) {
	type either struct {
		value  T
		report *report[R]
	}
	first, over := make(chan either, 1), make(chan struct{})
	defer close(over)
	go func() {
		select {
		case v := <-from:
			first <- either{value: v}
		case r := <-s.reports:
			first <- either{report: &r}
		case <-over:
		}
	}()
	e := Await(s.Trial, s.Driver, first, what)
	if e.report == nil {
		return e.value, nil
	}
	if e.report.err != nil {
		s.died(e.report.err)
	}
	return e.value, &e.report.value
}

// Reported reports whether a report is waiting to be taken.
func (s *Session[Q, R]) Reported() bool { return len(s.reports) > 0 }

// Reacts waits until a report is there to be taken, or there is a sign that the learner's
// function does something else, and returns whether there is a report. If the program has
// ended, Report says so. A function that does nothing at all for ten seconds hangs.
func (s *Session[Q, R]) Reacts(sign func() bool) bool {
	for range 1000 {
		switch {
		case s.Reported():
			return true
		case sign != nil && sign():
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// ReportAfter is Report for a function that may rest for the time d before it
// returns: only then is it a hang that nothing moves.
func (s *Session[Q, R]) ReportAfter(d time.Duration, what string) R {
	for over := time.Now().Add(d); len(s.reports) == 0 && time.Now().Before(over); {
		time.Sleep(min(5*time.Millisecond, d))
	}
	return s.Report(what)
}

func (s *Session[Q, R]) died(err error) {
	select {
	case <-s.Driver.Ended:
	case <-time.After(10 * time.Second):
	}
	s.Trial.Failf("The program with your %s has ended in the middle (%s; %v).\nDoes it call os.Exit, or has it crashed? It has printed:\n%s",
		s.what, s.Driver.Ending(), err, s.Driver.Output())
}

// Finish lets the driver go and wants it to go in peace.
func (s *Session[Q, R]) Finish() {
	s.conn.Close()
	Await(s.Trial, s.Driver, s.Driver.Ended, "The program with your "+s.what+" does not end, although it has nothing left to do.")
	if !s.Driver.Success() {
		s.Trial.Failf("The program with your %s has ended with: %s\nIt has printed:\n%s", s.what, s.Driver.Ending(), s.Driver.Output())
	}
}

// NobodyLeft wants no process of the program to be left, dead or alive.
func (s *Session[Q, R]) NobodyLeft(what string) {
	if pids := s.Driver.Descendants(); len(pids) > 0 {
		s.Trial.Failf("%s\nStill there:\n    %s", what, s.Driver.Describe(pids[0]))
	}
	if strays := s.Driver.Strays(); len(strays) > 0 {
		s.Trial.Failf("%s\nStill there: %s", what, strings.Join(strays, ", "))
	}
}

// Settle waits until nothing moves in the program and its descendants: what they
// have been given they have taken, and now they wait. (Who waits for a processor does
// not rest: this takes longer on a busy machine, and is not less sure there.)
//
// A program that looks again and again whether something has come never rests. By the time
// that it has gone to sleep often enough it has seen everything, and that is as good. Whether
// it should do so is for another check to say.
func (s *Session[Q, R]) Settle() {
	const enough, often = 20 * time.Millisecond, 300
	var still stillWatch
	var work workWatch
	begun := time.Now()
	for looks := 1; still.since(s.Driver) < enough; looks++ {
		time.Sleep(4 * time.Millisecond)
		if looks%25 != 0 {
			continue
		}
		cpu, sleeps := work.since(s.Driver)
		if sleeps > often && time.Since(begun) > time.Second {
			return
		}
		if cpu > enoughWork || time.Since(begun) > patience {
			s.Trial.Failf("The program with your %s never rests, although it has nothing to do but to wait.", s.what)
		}
	}
}
