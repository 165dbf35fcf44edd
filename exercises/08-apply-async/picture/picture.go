// Package picture makes the pictures of exercise 08, and makes them small.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/cmplx"
)

// Make makes picture number n, as a PNG file of so many pixels: a part of a Julia set, each
// number another one.
func Make(n, width, height int) ([]byte, error) {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	c := cmplx.Rect(0.7885, float64(n)*0.37)
	for y := range height {
		for x := range width {
			z := complex(3*float64(x)/float64(width)-1.5, 2*float64(y)/float64(height)-1)
			steps := 0
			for steps < 60 && real(z)*real(z)+imag(z)*imag(z) < 4 {
				z = z*z + c
				steps++
			}
			picture.SetRGBA(x, y, color.RGBA{uint8(4 * steps), uint8(20 * n), uint8(255 - 4*steps), 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), err
}

// Thumbnail makes a picture small, and puts a frame around it. It returns a PNG file.
func Thumbnail(file []byte, frame color.RGBA) ([]byte, error) {
	const side, edge = 32, 2
	size, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	if size.Width*size.Height > 64<<20 || size.Width == 0 || size.Height == 0 {
		return nil, errors.New("picture: it has no pixels, or too many")
	}
	large, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	scale := max(1, (max(size.Width, size.Height)+side-1)/side)
	width, height := max(1, size.Width/scale), max(1, size.Height/scale)
	small := image.NewRGBA(image.Rect(0, 0, width+2*edge, height+2*edge))
	for i := 0; i < len(small.Pix); i += 4 {
		copy(small.Pix[i:], []byte{frame.R, frame.G, frame.B, 255})
	}
	for y := range height {
		for x := range width {
			small.Set(x+edge, y+edge, mean(large, x*scale, y*scale, scale))
		}
	}
	var b bytes.Buffer
	err = png.Encode(&b, small)
	return b.Bytes(), err
}

// mean is the mean colour of a square.
func mean(of image.Image, left, top, size int) color.RGBA64 {
	var sum [3]uint64
	count := uint64(0)
	for y := top; y < min(top+size, of.Bounds().Max.Y); y++ {
		for x := left; x < min(left+size, of.Bounds().Max.X); x++ {
			r, g, b, _ := of.At(x, y).RGBA()
			sum[0], sum[1], sum[2] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(b)
			count++
		}
	}
	return color.RGBA64{uint16(sum[0] / count), uint16(sum[1] / count), uint16(sum[2] / count), 0xffff}
}
