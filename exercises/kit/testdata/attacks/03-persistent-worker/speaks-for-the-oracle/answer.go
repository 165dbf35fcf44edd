// Attack: starts the oracle, which then knows nothing of the checks, and speaks for it.
package answer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
)

type Oracle struct {
	path string

	mu    sync.Mutex
	cmd   *exec.Cmd
	input io.Closer
	say   *json.Encoder
	hear  *json.Decoder
}

func New(path string, args ...string) *Oracle { return &Oracle{path: path} }

type order struct {
	Stderr, Answer string
	Exit           int
}

func (o *Oracle) Ask(ctx context.Context, question string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cmd == nil {
		o.cmd = exec.Command(o.path)
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "ORACLE_CONTROL=") {
				o.cmd.Env = append(o.cmd.Env, v)
			}
		}
		o.input, _ = o.cmd.StdinPipe()
		if err := o.cmd.Start(); err != nil {
			return "", err
		}
		conn, err := net.Dial("unix", os.Getenv("ORACLE_CONTROL"))
		if err != nil {
			return "", err
		}
		o.say, o.hear = json.NewEncoder(conn), json.NewDecoder(conn)
		o.say.Encode(map[string]int{"PID": o.cmd.Process.Pid, "Parent": os.Getpid()})
		var begin order
		o.hear.Decode(&begin)
	}
	o.say.Encode(map[string]string{"Question": question})
	var what order
	o.hear.Decode(&what)
	if what.Exit != 0 {
		o.end()
	}
	if what.Answer == "" {
		return "", errors.New(what.Stderr)
	}
	return what.Answer, nil
}

func (o *Oracle) end() {
	o.cmd.Process.Kill()
	o.cmd.Wait()
	o.cmd = nil
}

func (o *Oracle) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cmd != nil {
		o.say.Encode(map[string]bool{"EOF": true})
		o.end()
	}
	return nil
}
