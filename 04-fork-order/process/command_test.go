//go:build unix

package process_test

import (
	"bufio"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
)

func TestCommand(t *testing.T) {
	program := build(t, "commands")
	show := []string{"show", "--count=3", "--ratio", "0.5", "--name=a b", "--loud", `--server-address={"host": "127.0.0.1", "port": 5051}`, "--list=[1,2]"}
	for _, c := range []struct {
		args   []string
		stdout string
		stderr string // non-empty: the one line, and exit status 2
	}{
		{[]string{}, "main has run, with []\n", ""},
		{[]string{"nosuch", "x"}, "main has run, with [nosuch x]\n", ""},
		{show, `"3 0.5 \"a b\" true {127.0.0.1 5051} 0 [1 2] \"\""` + "\n", ""},
		{append(show, "--http-port=80", "--when=2026-11-22T00:00:00Z", "--my-tag=t"), `"3 0.5 \"a b\" true {127.0.0.1 5051} 80 [1 2] \"t\" 2026-11-22T00:00:00Z"` + "\n", ""},
		{append(show, "--full-output"), `{"value":["string","3 0.5 \"a b\" true {127.0.0.1 5051} 0 [1 2] \"\"",[]]}` + "\n", ""},
		{[]string{"sqrt", "--in=2"}, "1.4142135623730951\n", ""},
		{[]string{"sqrt", "--in", "-4"}, "", "sqrt: its result has no form in JSON: json: unsupported value: NaN"},
		{[]string{"nothing"}, "{}\n", ""},
		{[]string{"show", "--help"}, "usage: show --count=integer8 --ratio=float8 --name=string --loud=boolean --server-address=main.Address [--http-port=integer8] --list=vector<integer8> [--when=optional<time.Time>] [--my-tag=string] [--full-output]\n", ""},

		{[]string{"sqrt"}, "", "sqrt: --in is missing; write --in=VALUE, which is a value of type float64"},
		{[]string{"sqrt", "--in"}, "", "sqrt: --in has no value; write --in=VALUE"},
		{[]string{"sqrt", "--in=bad"}, "", `sqrt: --in: "bad" is not a value of type float64: invalid character 'b' looking for beginning of value`},
		{[]string{"sqrt", "--in="}, "", `sqrt: --in: "" is not a value of type float64`},
		{[]string{"sqrt", "--in=null"}, "", `sqrt: --in: "null" is not a value of type float64: null is no value`},
		{[]string{"sqrt", "--in=1 2"}, "", `sqrt: --in: "1 2" is not a value of type float64: something follows the value`},
		{[]string{"sqrt", "--in=1", "--in=2"}, "", "sqrt: --in is given twice"},
		{[]string{"sqrt", "--nosuch=1"}, "", "sqrt: there is no argument --nosuch; there is --in"},
		{[]string{"nothing", "--x=1"}, "", "nothing: there is no argument --x; there is none"},
		{[]string{"sqrt", "2"}, "", `sqrt: "2" is not an argument of the form --name=value`},
		{[]string{"sqrt", "–-in=2"}, "", `sqrt: "–-in=2" begins with a typographic dash; type two hyphens: --`},
		{append(show[:6:6], `--server-address={“host”: “127.0.0.1”, “port”: 5051}`, "--list=[]"), "", `show: --server-address: the quotation marks are typographic (“ ”); type straight ones: "`},
		{append(show[:6:6], `--server-address={"host": "x", "prot": 1}`, "--list=[]"), "", `show: --server-address: "{\"host\": \"x\", \"prot\": 1}" is not a JSON object: main.Address: json: unknown field "prot"`},
		{append(show[:6:6], `--server-address={"host": "x", "port": 70000}`, "--list=[]"), "", `show: --server-address: "{\"host\": \"x\", \"port\": 70000}" is not a JSON object: main.Address`},
	} {
		stdout, stderr, code := output(t, exec.CommandContext(t.Context(), program, c.args...))
		require.Equal(t, c.stdout, stdout, "%q: %s", c.args, stderr)
		if c.stderr == "" {
			require.Empty(t, stderr, "%q", c.args)
			require.Zero(t, code, "%q", c.args)
			continue
		}
		require.Equal(t, c.stderr+"\n", stderr)
		if strings.Contains(stderr, "its result") {
			require.Equal(t, process.ExitError, code)
		} else {
			require.Equal(t, process.ExitUsage, code)
		}
	}
	_, stderr, code := output(t, exec.CommandContext(t.Context(), program, "fail", "--in=why"))
	require.Equal(t, "fail: why\n", stderr)
	require.Equal(t, process.ExitError, code)
	_, stderr, code = output(t, exec.CommandContext(t.Context(), program, "fail", "--in=panic"))
	require.Equal(t, "fail: panic: on purpose\n", stderr)
	require.Equal(t, process.ExitError, code)
}

func TestACommandThatRunsItself(t *testing.T) {
	program := build(t, "commands")
	_, stderr, code := output(t, exec.CommandContext(t.Context(), program, "recurse", "--in=1"))
	require.Equal(t, process.ExitError, code)
	require.Len(t, regexp.MustCompile(`(?m)^depth \d+$`).FindAllString(stderr, -1), process.MaxDepth+1)
	contains(t, stderr, "this process is at depth 10")
}

func TestCtrlCEndsACommand(t *testing.T) {
	program := build(t, "commands")
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := exec.CommandContext(t.Context(), program, "wait")
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(stderr)
		require.True(t, lines.Scan()) // waiting
		require.NoError(t, cmd.Process.Signal(sig))
		require.True(t, lines.Scan())
		contains(t, lines.Text(), "wait: told to stop: ", "signal received")
		require.Error(t, cmd.Wait())
		require.Equal(t, process.ExitError, cmd.ProcessState.ExitCode())
	}
}

// The commands of testdata/commands, as the parent knows them.
var (
	remoteSqrt = process.Func("sqrt", func(context.Context, float64) (float64, error) { panic("not here") })
	remoteLong = process.Func("long", func(context.Context, int) (string, error) { panic("not here") })
	remoteFail = process.Func("fail", func(context.Context, string) (int, error) { panic("not here") })
	remoteWait = process.Func("wait-not-here", func(context.Context, struct{}) (int, error) { panic("not here") })
)

func TestRun(t *testing.T) {
	program := build(t, "commands")
	y, err := remoteSqrt.Run(within(t), program, 2, quiet(t, process.Config{}))
	require.NoError(t, err)
	require.Equal(t, math.Sqrt2, y)
	long, err := remoteLong.Run(within(t), program, 5<<20, quiet(t, process.Config{}))
	require.NoError(t, err)
	require.Len(t, long, 5<<20)

	_, err = remoteFail.Run(within(t), program, "no luck", quiet(t, process.Config{Name: "unlucky"}))
	var died *child.DiedError
	require.ErrorAs(t, err, &died)
	require.Equal(t, process.ExitError, died.ExitCode)
	contains(t, err.Error(), `process: "unlucky" (pid `, "failed: exit status 1", "fail: no luck")
	_, err = remoteFail.Run(within(t), program, "exit", quiet(t, process.Config{}))
	require.ErrorAs(t, err, &died)
	require.Equal(t, 7, died.ExitCode)

	_, err = remoteSqrt.Run(within(t), filepath.Join(t.TempDir(), "nosuch"), 2, quiet(t, process.Config{}))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = remoteSqrt.Run(within(t), "/bin/echo", 2, quiet(t, process.Config{}))
	require.ErrorContains(t, err, "no type signature in it")
	_, err = remoteSqrt.Run(within(t), "/bin/true", 2, quiet(t, process.Config{}))
	require.ErrorContains(t, err, "no type signature in it")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = remoteWait.Run(ctx, "/bin/cat", struct{}{}, quiet(t, process.Config{Name: "cat"}))
	require.Error(t, err) // cat takes the name for a file
	sleeper := filepath.Join(t.TempDir(), "sleeper")
	writeScript(t, sleeper, "#!/bin/sh\nexec sleep 3600\n")
	_, err = remoteSqrt.Run(ctx, sleeper, 2, quiet(t, process.Config{}))
	require.ErrorIs(t, err, pipe.ErrTimeout)
}

func writeScript(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
}

func TestParseOutput(t *testing.T) {
	y, err := remoteSqrt.ParseOutput([]byte(`{"value":["float8",1.5,[]]}` + "\n"))
	require.NoError(t, err)
	require.Equal(t, 1.5, y)
	for text, why := range map[string]string{
		``:                                    "no type signature",
		"1.5\n":                               "no type signature",
		`{"value":[1.5]}`:                     "no type signature",
		`{"value":["float8",1.5,[]],"x":1}`:   "no type signature",
		`{"value":["string","1.5",[]]}`:       `the type is "string", not "float8"`,
		`{"value":["float8","1.5",[]]}`:       "float64",
		`{"value":["float8",1.5,[]]} and on`:  "something follows",
		"a log line\n" + `{"value":["float8"`: "no type signature",
	} {
		_, err := remoteSqrt.ParseOutput([]byte(text))
		require.ErrorContains(t, err, why, "%q", text)
		require.ErrorContains(t, err, `process: the output of "sqrt"`)
	}
}

func TestSignature(t *testing.T) {
	for want, v := range map[string]any{
		"vector<vector<float8>>":    [][]float64{},
		"map<string,integer4>":      map[string]int32{},
		"array<boolean,2>":          [2]bool{},
		"block":                     []byte{},
		"unsigned1":                 uint8(0),
		"integer8":                  0,
		"float4":                    float32(0),
		"optional<string>":          new(string),
		"vector<any>":               []any{},
		"time.Time":                 time.Time{},
		"process_test.everything":   everything{},
		"vector<array<integer2,1>>": [][1]int16{},
	} {
		require.Equal(t, want, process.Signature(reflect.TypeOf(v)))
	}
}

// Every command line that is made can be read.
func TestCommandLineRoundTrip(t *testing.T) {
	type in struct {
		Name string
		N    int
		F    float64
		List []string
		When time.Time
		Opt  *int
		B    bool
	}
	roundTrip := process.Func("round-trip-"+t.Name()+time.Now().String(), func(_ context.Context, v in) (in, error) { return v, nil })
	for _, v := range []in{{}, {Name: `"quoted" --x=1` + "\n", N: -1, F: 1e300, List: []string{"–", "“"}, When: time.Unix(1e9, 0).UTC(), Opt: new(7), B: true}} {
		args, err := roundTrip.CommandLine(v)
		require.NoError(t, err)
		got, err := process.ParseArguments[in](args[2:])
		require.NoError(t, err)
		require.Equal(t, v, got)
	}
}

func FuzzParseArguments(f *testing.F) {
	f.Add("--name=x\x00--n=1\x00--full-output")
	f.Add("--name\x00x\x00–n=1")
	f.Fuzz(func(t *testing.T, line string) {
		type in struct {
			Name string
			N    int
			List []any
		}
		_, err := process.ParseArguments[in](strings.Split(line, "\x00"))
		if err != nil && strings.Contains(err.Error(), "\n") && !strings.Contains(line, "\n") {
			t.Errorf("more than one line: %q", err)
		}
	})
}
