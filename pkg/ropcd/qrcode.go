package ropcd

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"strings"

	"github.com/boombuler/barcode/qr"
	"golang.org/x/term"
)

// screen is what a QR code is drawn on. The zero value is a file: as wide as need be, and dark on light.
type screen struct {
	columns int // 0: not known
	colours bool
}

// screenOf is the terminal that is written to, if it is one.
func screenOf(w io.Writer) screen {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return screen{}
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		columns = 0
	}
	return screen{columns: columns, colours: true}
}

// The light border, in modules: ISO/IEC 18004 asks for 4, and 2 are enough for most cameras where there is no room.
const (
	quietZone  = 4
	narrowZone = 2
)

// Black on white, whatever the colours of the terminal are: a camera may not know an inverted code.
const (
	ink   = "\x1b[38;5;16;48;5;231m"
	plain = "\x1b[0m"
)

var errNarrow = errors.New("the terminal is too narrow for the QR code")

// drawQR writes a text as a QR code, two rows of modules a line in half blocks. It writes nothing if it fails; the error
// does not hold the text.
func drawQR(w io.Writer, text string, s screen) error {
	code, err := qr.Encode(text, qr.L, qr.Auto)
	if err != nil {
		return errors.New("the text is too long for a QR code")
	}
	size, quiet := code.Bounds().Dx(), quietZone
	if s.columns > 0 && size+2*quietZone > s.columns {
		quiet = narrowZone
	}
	if s.columns > 0 && size+2*quiet > s.columns {
		return errNarrow
	}
	dark := func(x, y int) bool {
		inside := x >= 0 && y >= 0 && x < size && y < size
		return inside && color.GrayModel.Convert(code.At(x, y)) == color.Gray{}
	}
	for y := -quiet; y < size+quiet; y += 2 {
		line := strings.Builder{}
		for x := -quiet; x < size+quiet; x++ {
			line.WriteString(halfBlock(dark(x, y), dark(x, y+1)))
		}
		if s.colours {
			fmt.Fprintf(w, "%s%s%s\n", ink, line.String(), plain)
			continue
		}
		fmt.Fprintln(w, line.String())
	}
	return nil
}

func halfBlock(above, below bool) string {
	switch {
	case above && below:
		return "█"
	case above:
		return "▀"
	case below:
		return "▄"
	}
	return " "
}
