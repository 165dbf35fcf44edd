// Misconception: the order of the end is that of the beginning.
// Rejected by: reverse
package answer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A Post is one of the programs that are watched over.
type Post struct {
	Name  string // for your error messages
	Path  string // of the program
	Args  []string
	Grace time.Duration // how long it has to go when it is told to
}

// enough is how often a post may end in a row without having been ready.
const enough = 3

// A sentry is a post with the one who looks after it: a goroutine that starts the
// program, waits for its end, and starts it again.
type sentry struct {
	Post
	lifeline *os.File      // the reading end
	ready    chan struct{} // closed when it was ready for the first time
	stop     chan struct{} // closed when it is to go
	done     chan struct{} // closed when it has gone, for good
	err      error         // why, if nobody has told it to; valid when done is closed
}

// Watch starts the posts, watches over them until ctx ends, and stops them.
func Watch(ctx context.Context, posts []Post) error {
	// Only this process has the writing end. It never writes: what matters is that
	// the kernel closes it when we die, whatever we die of.
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()

	ctx, over := context.WithCancel(ctx) // ended: nothing is started any more
	defer over()
	var standing []*sentry
	failed := make(chan *sentry, len(posts))
	var cause error
	for _, p := range posts {
		if ctx.Err() != nil || cause != nil {
			break
		}
		s := &sentry{Post: p, lifeline: r, ready: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
		standing = append(standing, s)
		go s.stand(ctx, failed)
		select {
		case <-s.ready:
		case bad := <-failed:
			cause = bad.err
		case <-ctx.Done():
		}
	}
	if cause == nil {
		select {
		case bad := <-failed:
			cause = bad.err
		case <-ctx.Done():
		}
	}
	over()
	for i := range standing {
		close(standing[i].stop)
		<-standing[i].done
	}
	return cause
}

// stand is the life of a sentry.
func (s *sentry) stand(ctx context.Context, failed chan<- *sentry) {
	defer close(s.done)
	wasReady := false
	for failures := 0; ; {
		select {
		case <-ctx.Done(): // between two lives: there will be no other
			return
		default:
		}
		l, err := s.start()
		if err != nil {
			s.err = fmt.Errorf("%s: %w", s.Name, err)
		} else {
			ready := l.ready
			for alive := true; alive; {
				select {
				case <-ready:
					ready, failures = nil, 0
					if !wasReady {
						wasReady = true
						close(s.ready)
					}
				case <-l.ended:
					alive = false
				case <-s.stop:
					l.end(s.Grace)
					return
				}
			}
			if ready == nil {
				continue // it had been ready: that is no failure
			}
			select {
			case <-ready: // and at the very end it was
				failures = 0
				continue
			default:
			}
			s.err = fmt.Errorf("%s: ended without having been ready: %v", s.Name, l.cmd.ProcessState)
		}
		if failures++; failures == enough {
			failed <- s
			return
		}
	}
}

// A life is one process of a post.
type life struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when it has said so
	ended chan struct{} // closed when it has ended and was waited for
}

func (s *sentry) start() (*life, error) {
	cmd := exec.Command(s.Path, s.Args...)
	cmd.ExtraFiles = []*os.File{s.lifeline} // descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		stdout.Close()
		return nil, err
	}
	l := &life{cmd, make(chan struct{}), make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		l.listen(stdout)
	}()
	go func() {
		defer close(l.ended)
		_ = cmd.Wait()
		// The rest of its family. As long as one of them lives, the number of the
		// group is taken; if none does, nobody is found.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-read // they had its stdout open too; now this ends
		stdout.Close()
	}()
	return l, nil
}

// listen waits for the line ready, and reads on to the end, so that the post never
// stands still because its output is full.
func (l *life) listen(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if strings.TrimSuffix(line, "\n") == "ready" && err == nil {
			close(l.ready)
			break
		}
		if err != nil {
			return
		}
	}
	_, _ = io.Copy(io.Discard, lines)
}

// end tells the process to go, and waits until it has gone.
func (l *life) end(grace time.Duration) {
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.ended:
	case <-time.After(grace):
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}
