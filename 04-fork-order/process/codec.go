package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"example.com/multiprocessing/01-pipes/pipe"
)

// The codec is the form in which arguments and results travel between processes
// of one program: JSON, and for what people send in bulk (bytes, strings, numbers,
// slices of them) something faster. Both sides know the type, since they are the
// same program, so the bytes need not say which form they have.
//
// Numbers have their width in memory, the least significant byte first, so a NaN
// travels too. A slice of strings has the length of each before it. An empty slice
// of these types arrives as nil.

// Append appends v to b in the form in which it travels. It fails for what JSON
// cannot carry, such as a NaN inside a struct or a string that is not UTF-8 there.
// It is safe for concurrent use.
func Append[T any](b []byte, v T) ([]byte, error) {
	// any(&v), not any(v): a pointer in an interface costs no memory.
	switch p := any(&v).(type) {
	case *[]byte:
		return append(b, *p...), nil
	case *string:
		return append(b, *p...), nil
	case *bool:
		if *p {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case *int:
		return binary.LittleEndian.AppendUint64(b, uint64(*p)), nil
	case *int64:
		return binary.LittleEndian.AppendUint64(b, uint64(*p)), nil
	case *uint64:
		return binary.LittleEndian.AppendUint64(b, *p), nil
	case *float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(*p)), nil
	case *int32:
		return binary.LittleEndian.AppendUint32(b, uint32(*p)), nil
	case *float32:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(*p)), nil
	case *[]int:
		return append64(b, *p, func(x int) uint64 { return uint64(x) }), nil
	case *[]int64:
		return append64(b, *p, func(x int64) uint64 { return uint64(x) }), nil
	case *[]uint64:
		return append64(b, *p, func(x uint64) uint64 { return x }), nil
	case *[]float64:
		return append64(b, *p, math.Float64bits), nil
	case *[]string:
		for _, s := range *p {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
		return b, nil
	case *struct{}:
		return b, nil
	case *any:
		if out, ok := appendScalar(b, *p); ok {
			return out, nil
		}
	}
	text, err := pipe.Encode(v)
	if err != nil {
		return nil, err
	}
	return append(b, text[:len(text)-1]...), nil // without the newline
}

// Decode decodes what [Append] has appended for the same type. What it returns has
// memory of its own. Where T has an any in it, numbers arrive there as
// [json.Number], which is exact.
func Decode[T any](b []byte) (T, error) {
	var v T
	var err error
	switch p := any(&v).(type) {
	case *[]byte:
		*p = append(*p, b...)
	case *string:
		*p = string(b)
	case *bool:
		if err = size(b, 1); err == nil {
			*p = b[0] != 0
		}
	case *int:
		if err = size(b, 8); err == nil {
			*p = int(binary.LittleEndian.Uint64(b))
		}
	case *int64:
		if err = size(b, 8); err == nil {
			*p = int64(binary.LittleEndian.Uint64(b))
		}
	case *uint64:
		if err = size(b, 8); err == nil {
			*p = binary.LittleEndian.Uint64(b)
		}
	case *float64:
		if err = size(b, 8); err == nil {
			*p = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case *int32:
		if err = size(b, 4); err == nil {
			*p = int32(binary.LittleEndian.Uint32(b))
		}
	case *float32:
		if err = size(b, 4); err == nil {
			*p = math.Float32frombits(binary.LittleEndian.Uint32(b))
		}
	case *[]int:
		*p, err = decode64(b, func(x uint64) int { return int(x) })
	case *[]int64:
		*p, err = decode64(b, func(x uint64) int64 { return int64(x) })
	case *[]uint64:
		*p, err = decode64(b, func(x uint64) uint64 { return x })
	case *[]float64:
		*p, err = decode64(b, math.Float64frombits)
	case *[]string:
		*p, err = decodeStrings(b)
	case *struct{}:
		err = size(b, 0)
	case *any:
		var ok bool
		if *p, ok = decodeScalar(b); !ok {
			v, err = pipe.Decode[T](b)
		}
	default:
		v, err = pipe.Decode[T](b)
	}
	if err != nil {
		var zero T
		return zero, fmt.Errorf("process: decode a %T: %w", v, err)
	}
	return v, nil
}

var errSize = errors.New("the message has a wrong length")

func size(b []byte, want int) error {
	if len(b) != want {
		return fmt.Errorf("%w: %d bytes, not %d", errSize, len(b), want)
	}
	return nil
}

func append64[N any](b []byte, numbers []N, bits func(N) uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, bits(n))
	}
	return b
}

func decode64[N any](b []byte, number func(uint64) N) ([]N, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b)%8 != 0 {
		return nil, fmt.Errorf("%w: %d bytes, not a multiple of 8", errSize, len(b))
	}
	numbers := make([]N, len(b)/8)
	for i := range numbers {
		numbers[i] = number(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return numbers, nil
}

func decodeStrings(b []byte) ([]string, error) {
	var all []string
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) { // compared before it is used: it comes from outside
			return nil, fmt.Errorf("%w: string %d does not end", errSize, len(all))
		}
		all = append(all, string(b[used:used+int(n)]))
		b = b[used+int(n):]
	}
	return all, nil
}
