package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// roundTrip returns what arrives of v, and checks that Append appends.
func roundTrip[T any](t *testing.T, v T) T {
	t.Helper()
	b, err := process.Append([]byte("before"), v)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), "before"))
	got, err := process.Decode[T](b[len("before"):])
	require.NoError(t, err)
	return got
}

func arrives[T any](t *testing.T, values ...T) {
	t.Helper()
	for _, v := range values {
		require.Empty(t, cmp.Diff(v, roundTrip(t, v), cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(everything{})), "%T", v)
	}
}

func TestCodec(t *testing.T) {
	arrives(t, 0, 1, -1, math.MaxInt, math.MinInt)
	arrives(t, int64(math.MinInt64), math.MaxInt64)
	arrives(t, uint64(0), math.MaxUint64)
	arrives(t, int32(math.MinInt32), math.MaxInt32)
	arrives(t, 0.0, -0.5, math.Inf(1), math.NaN(), math.SmallestNonzeroFloat64)
	arrives(t, float32(0.1), float32(math.Inf(-1)))
	arrives(t, true, false)
	arrives(t, "", "Grüße", "not \xff UTF-8", "a\nb\x00")
	arrives(t, nil, []byte("\x00\xff"))
	arrives(t, nil, []int{1, -2, 3})
	arrives(t, []int64{math.MinInt64})
	arrives(t, []uint64{math.MaxUint64})
	arrives(t, []float64{math.Pi, math.NaN()})
	arrives(t, nil, []string{"", "a", strings.Repeat("long ", 100), "\xff"})
	arrives(t, struct{}{})
	// And JSON for the rest.
	arrives(t, [2]int{1, 2})
	arrives(t, map[string][]float64{"a": {1, 2}})
	arrives(t, celsius(36.6))
	arrives(t, []celsius{1, 2})
	arrives(t, everything{Name: "x", When: time.Unix(1e9, 0).UTC(), Next: &everything{Blob: []byte{0}}})
	var any_ any = json.Number("9007199254740993") // a float64 would end in 2
	arrives(t, any_)
}

type celsius float64

type everything struct {
	Name string
	When time.Time
	Blob []byte
	Next *everything
	kept int `json:"-"`
}

func TestDecodeRefusesOtherLengths(t *testing.T) {
	refuses := func(err error) {
		t.Helper()
		require.ErrorContains(t, err, "process: decode a ")
	}
	_, err := process.Decode[int]([]byte{1, 2, 3})
	refuses(err)
	_, err = process.Decode[float32](make([]byte, 8))
	refuses(err)
	_, err = process.Decode[bool](nil)
	refuses(err)
	_, err = process.Decode[[]int](make([]byte, 9))
	refuses(err)
	_, err = process.Decode[struct{}]([]byte{0})
	refuses(err)
	_, err = process.Decode[[]string]([]byte{5, 'a'})
	refuses(err)
	_, err = process.Decode[[]string]([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	refuses(err)
	_, err = process.Decode[everything]([]byte(`{"Name":1}`))
	refuses(err)
}

// An any is JSON, whichever way it is written and read.
func TestScalars(t *testing.T) {
	for _, v := range []any{
		nil, true, false, 0, -12, math.MinInt, int64(math.MaxInt64), uint8(3), int32(-4),
		0.0, math.Copysign(0, -1), 0.1, -2.5, 1e-6, 9.9e-7, 1e20, 1e21, 1e300, float32(0.1),
		json.Number("1.50e+03"), json.Number("-0"),
		"", "plain words", "a \"quote\"", `back\slash`, "Grüße", "new\nline", "\x7f", "<&>\u2028",
		[]any{1.0, "a"}, map[string]any{"a": nil},
	} {
		want, err := pipe.Encode(v)
		require.NoError(t, err)
		got, err := process.Append(nil, v)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(string(want), "\n"), string(got), "%T", v)
		sameAsPipe(t, got)
	}
	for _, v := range []any{math.NaN(), math.Inf(-1), json.Number("1x"), "\xff"} {
		_, err := process.Append(nil, v)
		require.Error(t, err, "%T %v", v, v)
	}
	for _, text := range []string{
		"", " 1", "1 ", "01", "-", "-01", "1.", ".5", "1e", "1e+", "1E-2", "0.0", "+1", "1 2", "nul", "true1", `"`, `""`, `"a`, `"a"b"`, `"\u0041"`, "\"\t\"", "\"\xff\"", `{"a":[1]}`,
	} {
		sameAsPipe(t, []byte(text))
	}
}

func sameAsPipe(t *testing.T, text []byte) {
	t.Helper()
	want, wantErr := pipe.Decode[any](text)
	got, err := process.Decode[any](text)
	require.Equal(t, wantErr == nil, err == nil, "%q: %v, %v", text, wantErr, err)
	require.Equal(t, want, got, "%q", text)
}

// Whatever bytes come: an error or a value, and the value goes the way back.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "\x01a", "\x00\x00", "12345678", `{"Name":"x"}`, "-1.5e3", `"a"`, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, b, process.Decode[[]string])
		again(t, b, process.Decode[[]int])
		again(t, b, process.Decode[int])
		again(t, b, process.Decode[everything])
		again(t, b, process.Decode[any])
		sameAsPipe(t, b)
	})
}

func again[T any](t *testing.T, b []byte, decode func([]byte) (T, error)) {
	v, err := decode(b)
	if err != nil {
		return
	}
	text, err := process.Append(nil, v)
	require.NoError(t, err)
	w, err := decode(text)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(v, w, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(everything{})))
}

type (
	hasChannel struct {
		Name string
		Done struct{ C chan int }
	}
	hasHidden  struct{ Shown, hidden int }
	writesOnly struct{ n int }
	promoted   struct{ inner }
	inner      struct{ X int }
)

func (writesOnly) MarshalText() ([]byte, error) { return nil, nil }

// What cannot travel is refused when the program starts, with the field's name.
func TestRegistrationRefuses(t *testing.T) {
	refuses(t, "channel", hasChannel{}, `its argument cannot travel: process_test.hasChannel.Done.C (chan int) has a meaning only in the process that made it`)
	refuses(t, "hidden", hasHidden{}, `process_test.hasHidden.hidden is not exported`)
	refuses(t, "func", func() {}, `func() (func()) has a meaning only`)
	refuses(t, "complex", []complex128{}, "send two floats")
	refuses(t, "error", struct{ Err error }{}, ".Err (error) is an interface")
	refuses(t, "writes", writesOnly{}, "nothing to read that with")
	refuses(t, "key", map[celsius]int{}, "is a map with keys of type process_test.celsius")
	refuses(t, "deep", map[string][]*hasHidden{}, "hidden is not exported")
	require.PanicsWithValue(t, `process: a function needs a name to be registered under`, func() {
		process.Func("", func(context.Context, int) (int, error) { return 0, nil })
	})
	require.PanicsWithValue(t, `process: "square" is registered already; every function needs a name of its own`, func() {
		process.Func("square", func(context.Context, int) (int, error) { return 0, nil })
	})
	require.PanicsWithValue(t, `process: "result": its result cannot travel: chan int (chan int) has a meaning only in the process that made it`, func() {
		process.Func("result", func(context.Context, int) (chan int, error) { return nil, nil })
	})
	require.NotPanics(t, func() {
		again := fmt.Sprint(fine.Add(1)) // the tests may be run several times
		process.Func("fine"+again, func(context.Context, everything) (promoted, error) { return promoted{}, nil })
		process.Func("any"+again, func(context.Context, any) (map[int]any, error) { return nil, nil })
		process.Service("fine service"+again, func(context.Context, time.Time, *pipe.Conn) error { return nil })
	})
	_ = hasHidden{hidden: everything{kept: 1}.kept}
	_ = writesOnly{n: 1}.n
}

var fine atomic.Int64

func refuses[T any](t *testing.T, name string, _ T, why string) {
	t.Helper()
	defer func() {
		t.Helper()
		got := recover()
		require.NotNil(t, got, "%q was not refused", name)
		require.Contains(t, got, `process: "`+name+`": `)
		require.Contains(t, got, why)
	}()
	process.Func(name, func(context.Context, T) (int, error) { return 0, nil })
}

func TestInvoke(t *testing.T) {
	in, err := square.Append(nil, 12)
	require.NoError(t, err)
	out, err := process.Invoke(t.Context(), square.Name(), in)
	require.NoError(t, err)
	y, err := square.Decode(out)
	require.NoError(t, err)
	require.Equal(t, 144, y)

	_, err = process.Invoke(t.Context(), "nosuch", nil)
	require.ErrorContains(t, err, `no function is registered as "nosuch"`)
	_, err = process.Invoke(t.Context(), echo.Name(), nil)
	require.ErrorContains(t, err, `"echo" is a service`)
	_, err = process.Invoke(t.Context(), "square", []byte("x"))
	require.ErrorContains(t, err, `the argument of "square"`)
	in, err = bomb.Append(nil, "boom")
	require.NoError(t, err)
	_, err = process.Invoke(t.Context(), "bomb", in)
	var panicked *process.PanicError
	require.ErrorAs(t, err, &panicked)
	require.Equal(t, "boom", panicked.Value)
	contains(t, panicked.Stack, "main_test.go")
}
