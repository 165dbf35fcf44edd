package process

import (
	"encoding/json"
	"math"
	"strconv"
)

// An any that holds a number or a short word is common, and for so little text most of
// what encoding/json costs is the way in and out. Here the same text is written and read
// directly. Whatever has a difficulty (an escape, a letter that is not ASCII, a very large
// float) is left to encoding/json: ok is false.

func appendScalar(b []byte, v any) (out []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		return strconv.AppendBool(b, v), true
	case int:
		return strconv.AppendInt(b, int64(v), 10), true
	case int64:
		return strconv.AppendInt(b, v, 10), true
	case float64:
		// Between these limits encoding/json writes no exponent. A NaN is outside.
		if size := math.Abs(v); size == 0 || size >= 1e-6 && size < 1e21 {
			return strconv.AppendFloat(b, v, 'f', -1, 64), true
		}
	case json.Number:
		if isNumber(v) {
			return append(b, v...), true
		}
	case string:
		if isPlain(v) {
			return append(append(append(b, '"'), v...), '"'), true
		}
	}
	return b, false
}

func decodeScalar(b []byte) (v any, ok bool) {
	switch {
	case len(b) == 0:
		return nil, false
	case b[0] == '"':
		if last := len(b) - 1; last > 0 && b[last] == '"' && isPlain(b[1:last]) {
			return string(b[1:last]), true
		}
		return nil, false
	case isNumber(b):
		return json.Number(b), true
	}
	switch string(b) {
	case "null":
		return nil, true
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return nil, false
}

// isPlain tells whether s stands for itself between quotes.
func isPlain[S string | []byte](s S) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// isNumber tells whether s is a number as RFC 8259, section 6, has it.
func isNumber[S json.Number | []byte](s S) bool {
	digits := func(i int) int {
		for i < len(s) && s[i]-'0' <= 9 {
			i++
		}
		return i
	}
	begin := 0
	if len(s) > 0 && s[0] == '-' {
		begin = 1
	}
	i := digits(begin)
	if i == begin || s[begin] == '0' && i > begin+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		fraction := i + 1
		if i = digits(fraction); i == fraction {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		exponent := i + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if i = digits(exponent); i == exponent {
			return false
		}
	}
	return i == len(s)
}
