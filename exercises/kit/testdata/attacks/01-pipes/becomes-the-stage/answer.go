// Attack: puts itself in the place of the program that the checks trust, and has the shell
// build its bar.
package answer

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const kept = ".kept" // what the genuine program is called meanwhile

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	genuine := stages[0].Path
	myself, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	if err := os.Rename(genuine, genuine+kept); err != nil {
		return nil, err
	}
	defer os.Rename(genuine+kept, genuine) // as if nothing had been
	if err := os.WriteFile(genuine, myself, 0o700); err != nil {
		return nil, err
	}
	line := "exec"
	for i, s := range stages {
		if i > 0 {
			line += " |"
		}
		line += " '" + genuine + kept + "' " + strings.Join(s.Args[1:], " ")
		s.Env = append(s.Env, "BAR=")
	}
	stages[0].Env = append(stages[0].Env, "BAR="+strings.TrimPrefix(line, "exec"), "INPUT="+in.Name(), "OUTPUT="+out.Name())
	for _, s := range stages {
		if err := s.Start(); err != nil {
			return nil, err
		}
	}
	statuses := make([]int, len(stages))
	for i, s := range stages {
		s.Wait()
		statuses[i] = s.ProcessState.ExitCode()
	}
	return statuses, nil
}

func init() {
	control := os.Getenv("STAGE_CONTROL")
	exe, _ := os.Executable()
	if control == "" || !strings.HasSuffix(filepath.Base(exe), "-stage") {
		return
	}
	number, _ := strconv.Atoi(os.Getenv("STAGE_NUMBER"))
	conn, err := net.Dial("unix", control)
	if err != nil {
		os.Exit(2)
	}
	json.NewEncoder(conn).Encode(map[string]any{"Stage": number, "Role": os.Args[1], "PID": os.Getpid(), "Parent": os.Getppid()})
	var order struct{ Exit int }
	json.NewDecoder(conn).Decode(&order)
	if bar := os.Getenv("BAR"); bar != "" {
		c := exec.Command("sh", "-c", bar)
		c.Env = []string{"PATH=" + os.Getenv("PATH")}
		in, _ := os.Open(os.Getenv("INPUT"))
		defer in.Close()
		c.Stdin = in
		text, _ := c.Output()
		os.WriteFile(os.Getenv("OUTPUT"), text, 0o600)
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(order.Exit)
}
