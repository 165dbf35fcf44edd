package pipe_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

// The line is the format. Every byte of it is held here, for peers in other
// languages.
func TestSendInputsWritesExactlyOneLine(t *testing.T) {
	for _, test := range []struct {
		args   pipe.Args
		kwargs pipe.Kwargs
		want   string
	}{
		{nil, nil, `{"args":[],"kwargs":{}}`},
		{pipe.Args{}, pipe.Kwargs{}, `{"args":[],"kwargs":{}}`},
		{pipe.Args{1, 2}, nil, `{"args":[1,2],"kwargs":{}}`},
		{pipe.Args{1}, pipe.Kwargs{"test": "hello!"}, `{"args":[1],"kwargs":{"test":"hello!"}}`},
		{pipe.Args{"a\nb", nil, "<&>", []int{}}, nil, `{"args":["a\nb",null,"<&>",[]],"kwargs":{}}`},
	} {
		r, w := newPipe(t)
		require.NoError(t, pipe.SendInputs(w, test.args, test.kwargs))
		require.NoError(t, w.Close())
		all, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, test.want+"\n", string(all))
	}
}

func TestInputsArrive(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, pipe.SendInputs(w, pipe.Args{1}, pipe.Kwargs{"test": "hello!"}))
	got, err := pipe.Receive[pipe.Inputs](r)
	require.NoError(t, err)
	want := pipe.Inputs{Args: pipe.Args{json.Number("1")}, Kwargs: pipe.Kwargs{"test": "hello!"}}
	require.Empty(t, cmp.Diff(want, got))

	one, err := pipe.Arg[int](got, 0)
	require.NoError(t, err)
	require.Equal(t, 1, one)
	hello, err := pipe.Kwarg[string](got, "test")
	require.NoError(t, err)
	require.Equal(t, "hello!", hello)

	_, err = pipe.Arg[int](got, 1)
	require.ErrorContains(t, err, "argument 1 is missing: there are 1")
	_, err = pipe.Kwarg[int](got, "tset")
	require.ErrorContains(t, err, `argument "tset" is missing`)
	_, err = pipe.Kwarg[int](got, "test")
	require.ErrorContains(t, err, `"\"hello!\"" is not a int`)
}

// A misspelt or oddly written field must not lose the arguments in it.
func TestInputsAreStrict(t *testing.T) {
	r, w := newPipe(t)
	for text, want := range map[string]string{
		`{"ARGS":[1],"kwargs":{}}`:             `unknown field "ARGS"`,
		`{"args":[1],"kwarg":{}}`:              `unknown field "kwarg"`,
		`{"args":{},"kwargs":{}}`:              "cannot unmarshal object",
		`[1]`:                                  "[1] is not {",
		`null`:                                 "null is not",
		`{"args":[1],"kwargs":{}} {"args":[]}`: "more than one JSON value",
		`{"args":[1],"kwargs":{}`:              "the JSON ends too early",
		``:                                     "nothing there",
		`{"args":[NaN],"kwargs":{}}`:           "invalid character",
		"{\"args\":[\"\xff\"],\"kwargs\":{}}":  "not UTF-8",
	} {
		require.NoError(t, w.SendLine([]byte(text)))
		_, err := pipe.Receive[pipe.Inputs](r)
		var bad *pipe.DecodeError
		require.ErrorAs(t, err, &bad, text)
		require.ErrorContains(t, err, want, text)
		require.NotErrorIs(t, err, io.EOF)
		require.NotErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	// What could not be understood is gone, and the pipe is fine.
	require.NoError(t, w.SendLine([]byte(`{"args":[7]}`)))
	got, err := pipe.Receive[pipe.Inputs](r)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(pipe.Inputs{Args: pipe.Args{json.Number("7")}, Kwargs: pipe.Kwargs{}}, got))
}

type everything struct {
	B     bool
	I     int64
	U     uint64
	F     float64
	S     string
	Bytes []byte
	L     []string
	M     map[string]int
	P     *everything `json:",omitempty"`
	T     time.Time
	A     any
}

func TestTypedValuesComeBackTheSame(t *testing.T) {
	front, back := newPair(t)
	want := everything{
		true, math.MinInt64, math.MaxUint64, math.SmallestNonzeroFloat64,
		"zero \x00, quote \", line\nend, <html> & \u2028, \U0001F600, \ufffd and \\ufffd",
		[]byte("\xff\x00\n"), []string{"", "a"}, map[string]int{"": 0},
		&everything{L: []string{}}, time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC),
		json.Number("9007199254740993"), // 2^53 + 1, which no float64 can hold
	}
	require.NoError(t, pipe.Send(front, want))
	got, err := pipe.Receive[everything](back)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got))

	require.NoError(t, pipe.Send(front, int64(1<<53+1)))
	exact, err := pipe.Receive[any](back)
	require.NoError(t, err)
	require.Equal(t, json.Number("9007199254740993"), exact)
}

// What JSON cannot carry is the sender's error, before the first byte.
func TestWhatCannotTravelIsTheSendersError(t *testing.T) {
	type hidden struct {
		Name string
		skip string
	}
	front, back := newPair(t)
	for _, test := range []struct {
		v    any
		want string
	}{
		{math.NaN(), "NaN"},
		{math.Inf(1), "+Inf"},
		{make(chan int), "chan int"},
		{func() {}, "func()"},
		{"a\xffb", "is not UTF-8"},
		{[]any{1, "a\xff"}, "[1] is not UTF-8"},
		{map[string]any{"k": hidden{Name: "\xff"}}, `["k"].Name is not UTF-8`},
		{map[string]int{"\xff": 1}, `key "\xff" is not UTF-8`},
		{&hidden{Name: "\xff", skip: ""}, ".Name is not UTF-8"},
		{pipe.Inputs{Args: pipe.Args{"\xff"}}, ".Args[0] is not UTF-8"},
		{json.RawMessage("\"\xff\""), "not UTF-8"},
		{json.RawMessage("{"), "unexpected end"},
	} {
		require.ErrorContains(t, pipe.Send(front, test.v), test.want, "%#v", test.v)
	}
	// Not strings that are sent, so their bytes are nobody's business.
	require.NoError(t, pipe.Send(front, hidden{Name: "\ufffd", skip: "\xff"}))
	require.NoError(t, pipe.Send(front, json.RawMessage(`"\ufffd"`)))
	for range 2 {
		_, err := pipe.Receive[any](back)
		require.NoError(t, err)
	}
	poll(t, back, pipe.ErrTimeout) // and nothing else had left
}

func TestDecodeErrorsShowWhatCame(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, w.SendLine([]byte("warning: "+strings.Repeat("x", 1000))))
	_, err := pipe.Receive[int](r)
	require.ErrorContains(t, err, `pipe: "warning: xxx`)
	require.ErrorContains(t, err, "is not a int: invalid character 'w'")
	require.Less(t, len(err.Error()), 400, "an error is read by people")

	require.NoError(t, w.SendLine([]byte(`"seven"`)))
	_, err = pipe.Receive[int](r)
	var mismatch *json.UnmarshalTypeError
	require.ErrorAs(t, err, &mismatch)
}

func ExampleSendInputs() {
	r, w, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	defer w.Close()

	if err := pipe.SendInputs(w, pipe.Args{1}, pipe.Kwargs{"test": "hello!"}); err != nil {
		fmt.Println(err)
		return
	}
	in, err := pipe.Receive[pipe.Inputs](r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(in.Args[0], in.Kwargs["test"])
	// Output: 1 hello!
}
