package ropcd_test

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"

	"github.com/ropcd/ropcd/pkg/ropcd"
)

const authenticatorURL = "otpauth://totp/alpha:demo?algorithm=SHA1&digits=6&issuer=alpha&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// modules reads half blocks back: two rows a line.
func modules(t *testing.T, drawn string) (rows [][]bool) {
	t.Helper()
	for line := range strings.Lines(drawn) {
		var above, below []bool
		for _, r := range strings.TrimSuffix(line, "\n") {
			if !strings.ContainsRune(" ▀▄█", r) {
				t.Fatalf("%q is drawn", r)
			}
			above, below = append(above, r == '▀' || r == '█'), append(below, r == '▄' || r == '█')
		}
		rows = append(rows, above, below)
	}
	return rows
}

// expect is the bitmap of the code within its border, with the row below that half blocks may add.
func expect(t *testing.T, text string, quiet int) (rows [][]bool) {
	t.Helper()
	code, err := qr.Encode(text, qr.L, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := code.Bounds().Dx()
	for y := -quiet; y < size+quiet || len(rows)%2 == 1; y++ {
		row := make([]bool, size+2*quiet)
		for x := range size {
			row[quiet+x] = y >= 0 && y < size && code.At(x, y) == color.Black
		}
		rows = append(rows, row)
	}
	return rows
}

func TestQRCodeIsDrawnModuleByModule(t *testing.T) {
	for _, text := range []string{
		authenticatorURL, "1", "A", strings.ReplaceAll(authenticatorURL, "demo", strings.Repeat("%C3%A4", 60)), strings.Repeat("x", 2953),
	} {
		var drawn bytes.Buffer
		if err := ropcd.DrawQR(&drawn, text, 0, false); err != nil {
			t.Fatal(err)
		}
		got, want := modules(t, drawn.String()), expect(t, text, 4)
		if !slices.EqualFunc(want, got, slices.Equal) {
			t.Errorf("%.40s: the drawing is another than the code:\n%s", text, drawn.String())
		}
		// The corners that make it a code: 7 dark modules, and the border around them.
		if corner := got[4][:12]; !slices.Equal(corner, []bool{false, false, false, false, true, true, true, true, true, true, true, false}) {
			t.Errorf("%.40s: the corner is %v", text, corner)
		}
	}
}

// Colours and the width of a terminal change what is around the code, not the code.
func TestQRCodeFitsTheTerminal(t *testing.T) {
	size := len(expect(t, authenticatorURL, 0)[0])
	for _, tt := range []struct {
		columns int
		colours bool
		quiet   int
	}{
		{0, true, 4}, {80, true, 4}, {size + 8, true, 4}, {size + 7, true, 2}, {size + 4, true, 2}, {size + 4, false, 2},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			var drawn bytes.Buffer
			if err := ropcd.DrawQR(&drawn, authenticatorURL, tt.columns, tt.colours); err != nil {
				t.Fatal(err)
			}
			text, plain := drawn.String(), &strings.Builder{}
			for line := range strings.Lines(text) {
				bare := strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[38;5;16;48;5;231m"), "\x1b[0m\n")
				if tt.colours && len(bare) != len(line)-len("\x1b[38;5;16;48;5;231m\x1b[0m\n") {
					t.Errorf("a line without its colours: %q", line)
				}
				plain.WriteString(strings.TrimSuffix(bare, "\n") + "\n")
			}
			if !slices.EqualFunc(expect(t, authenticatorURL, tt.quiet), modules(t, plain.String()), slices.Equal) {
				t.Errorf("not the code with a border of %d:\n%s", tt.quiet, plain)
			}
		})
	}
}

func TestQRCodeThatCanNotBeDrawn(t *testing.T) {
	size := len(expect(t, authenticatorURL, 0)[0])
	for want, draw := range map[string]func(w *bytes.Buffer) error{
		"the terminal is too narrow for the QR code": func(w *bytes.Buffer) error { return ropcd.DrawQR(w, authenticatorURL, size+3, true) },
		"the text is too long for a QR code":         func(w *bytes.Buffer) error { return ropcd.DrawQR(w, strings.Repeat("x", 2954), 0, true) },
	} {
		var drawn bytes.Buffer
		if err := draw(&drawn); err == nil || err.Error() != want || drawn.Len() > 0 {
			t.Errorf("%v, %d bytes drawn; want %s", err, drawn.Len(), want)
		}
	}
}
