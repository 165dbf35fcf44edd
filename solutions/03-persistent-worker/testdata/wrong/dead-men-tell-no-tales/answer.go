// Misconception: when the program has ended, what is still in the pipe does not count.
// Rejected by: last-words
package answer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// An Oracle is a program that is kept warm behind one method, Ask.
type Oracle struct {
	path string
	args []string

	turn chan struct{} // holds one token: who has it may talk to the program

	mu     sync.Mutex
	run    *run // nil: none was started yet
	closed bool
}

// A run is one life of the program.
type run struct {
	cmd     *exec.Cmd
	stdin   *os.File
	answers chan string   // closed when no more can come
	done    chan struct{} // closed when the program has ended and was waited for
	stderr  *tail
	owed    int // answers that nobody waits for any more; for who has the turn
}

// New returns an Oracle for the program at this path. It starts nothing yet.
func New(path string, args ...string) *Oracle {
	return &Oracle{path: path, args: args, turn: make(chan struct{}, 1)}
}

// Ask asks the program one question, and returns its answer.
func (o *Oracle) Ask(ctx context.Context, question string) (string, error) {
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-o.turn }()

	r, err := o.running()
	if err != nil {
		return "", err
	}
	// Whoever gave up has left an answer behind that is still to come. Until it has,
	// the next question must wait, or it would get that one.
	for r.owed > 0 {
		if _, err := r.next(ctx); err != nil {
			return "", err
		}
		r.owed--
	}
	if _, err := fmt.Fprintln(r.stdin, question); err != nil {
		return "", r.died()
	}
	answer, err := r.next(ctx)
	if err != nil && ctx.Err() != nil {
		r.owed++
	}
	return answer, err
}

// next waits for the next answer.
func (r *run) next(ctx context.Context) (string, error) {
	select {
	case <-r.done:
		return "", r.died()
	case answer, ok := <-r.answers:
		if !ok {
			return "", r.died()
		}
		return answer, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// died says how the program has ended. The end of its output comes a little
// before its own.
func (r *run) died() error {
	select {
	case <-r.done:
	case <-time.After(time.Second):
		r.cmd.Process.Kill() // it has closed its stdout and lives on
		<-r.done
	}
	return fmt.Errorf("%s (pid %d): %v:\n\n%s", r.cmd.Path, r.cmd.Process.Pid, r.cmd.ProcessState, r.stderr)
}

// running returns the program that runs, started if there is none.
func (o *Oracle) running() (*run, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errors.New("the oracle is closed")
	}
	if o.run != nil {
		select {
		case <-o.run.done: // it is dead
		default:
			return o.run, nil
		}
	}
	var err error
	o.run, err = start(o.path, o.args)
	return o.run, err
}

func start(path string, args []string) (*run, error) {
	var pipes []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(pipes...)
			return nil, err
		}
		pipes = append(pipes, r, w)
	}
	stdinR, stdinW, stdoutR, stdoutW, stderrR, stderrW := pipes[0], pipes[1], pipes[2], pipes[3], pipes[4], pipes[5]
	r := &run{
		cmd:     exec.Command(path, args...),
		stdin:   stdinW,
		answers: make(chan string, 1),
		done:    make(chan struct{}),
		stderr:  &tail{},
	}
	// Files, and not io.Writers: with those, Wait would wait for everyone who has
	// the other end open, also for children of the program.
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = stdinR, stdoutW, stderrW
	err := r.cmd.Start()
	closeAll(stdinR, stdoutW, stderrW) // the program has its own copies
	if err != nil {
		closeAll(stdinW, stdoutR, stderrR)
		return nil, err
	}
	var readers sync.WaitGroup
	readers.Go(func() { r.readAnswers(stdoutR) })
	readers.Go(func() { r.stderr.readFrom(stderrR) })
	go func() {
		r.cmd.Wait()
		stdoutR.Close()
		stderrR.Close()
		readers.Wait()
		closeAll(stdinW, stdoutR, stderrR)
		close(r.done)
	}()
	return r, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// readAnswers reads all the time, so that the program is never kept waiting.
func (r *run) readAnswers(stdout *os.File) {
	defer close(r.answers)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if answer, ok := strings.CutPrefix(line, "answer: "); ok {
			r.answers <- strings.TrimSuffix(answer, "\n")
		}
	}
}

// A tail keeps the end of what was written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) readFrom(stderr *os.File) {
	const enough = 64 << 10
	buf := make([]byte, 4096)
	for {
		n, err := stderr.Read(buf)
		t.mu.Lock()
		t.kept = append(t.kept, buf[:n]...)
		if len(t.kept) > 2*enough {
			t.kept = append(t.kept[:0], t.kept[len(t.kept)-enough:]...)
		}
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// Close ends the program.
func (o *Oracle) Close() error {
	o.mu.Lock()
	o.closed = true
	r := o.run
	o.mu.Unlock()
	if r == nil {
		return nil
	}
	r.stdin.Close()
	select {
	case <-r.done:
	case <-time.After(time.Second):
		r.cmd.Process.Kill()
		<-r.done
	}
	return nil
}
