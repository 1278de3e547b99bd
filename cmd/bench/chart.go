package main

import (
	"slices"

	"github.com/go-analyze/charts"
)

// panel is one bar chart of a picture.
type panel struct {
	title    string
	decimals int
	most     float64  // at the end of the axis; 0: what suits the values
	labels   []string // of the groups of bars, from top to bottom
	series   []string
	values   [][]figure // by series, then by group
}

// Sizes in pixels.
const (
	pictureWidth = 900
	groupHeight  = 24 // of one bar with its share of what is around it
	panelMargin  = 110
)

func (p *panel) height() int { return panelMargin + groupHeight*len(p.labels)*len(p.series) }

// draw puts panels below one another. Those without bars are left out.
func draw(format string, panels ...panel) ([]byte, error) {
	panels = slices.DeleteFunc(panels, func(p panel) bool { return len(p.labels) == 0 })
	height := 0
	for _, p := range panels {
		height += p.height()
	}
	canvas := charts.NewPainter(charts.PainterOptions{OutputFormat: format, Width: pictureWidth, Height: max(height, panelMargin)})
	canvas.FilledRect(0, 0, pictureWidth, max(height, panelMargin), charts.ColorWhite, charts.ColorWhite, 0)
	top := 0
	for _, p := range panels {
		below := top + p.height()
		if err := p.draw(canvas.Child(charts.PainterBoxOption(charts.NewBox(0, top, pictureWidth, below)))); err != nil {
			return nil, err
		}
		top = below
	}
	return canvas.Bytes()
}

func (p *panel) draw(on *charts.Painter) error {
	values := make([][]float64, len(p.values))
	for i, list := range p.values {
		for _, v := range slices.Backward(list) { // the first is drawn at the bottom
			if !v.known() {
				v = figure(charts.GetNullValue())
			}
			values[i] = append(values[i], float64(v))
		}
	}
	labels := slices.Clone(p.labels)
	slices.Reverse(labels)

	o := charts.NewBarChartOptionWithData(values)
	o.Horizontal = true
	o.Padding = charts.NewBox(20, 15, 70, 15)
	o.Title = charts.TitleOption{Text: p.title, FontStyle: charts.FontStyle{FontSize: 12}}
	o.Legend = charts.LegendOption{SeriesNames: p.series, Offset: charts.OffsetRight, Show: charts.Ptr(len(p.series) > 1), FontStyle: charts.FontStyle{FontSize: 10}}
	o.CategoryAxis = charts.CategoryAxisOption{Labels: labels, LabelFontStyle: charts.FontStyle{FontSize: 9}}
	o.ValueAxis = []charts.ValueAxisOption{{Min: charts.Ptr(0.0), LabelCount: 6, LabelFontStyle: charts.FontStyle{FontSize: 9}}}
	if p.most > 0 {
		o.ValueAxis[0].Max = charts.Ptr(p.most)
	}
	o.ValueFormatter = func(f float64) string { return figure(f).text(p.decimals) }
	for i := range o.SeriesList {
		o.SeriesList[i].Label = charts.SeriesLabel{
			Show: charts.Ptr(true), FontStyle: charts.FontStyle{FontSize: 8},
			ValueFormatter: func(f float64) string { return figure(f).text(p.decimals) },
		}
	}
	return on.BarChart(o)
}

// chart is the results as a picture: shares of the ceilings with their goals, and rates where no password is hashed.
func (r report) chart() ([]byte, error) { return r.picture(charts.ChartOutputSVG) }

func (r report) picture(format string) ([]byte, error) {
	shares := panel{title: "Share of the ceiling measured in the same run", decimals: 2, most: 1.2, series: []string{"measured", "goal"}, values: make([][]figure, 2)}
	rates := panel{title: "Requests per second, one core, no hash", series: []string{"requests/s"}, values: make([][]figure, 1)}
	for i := range r.Rows {
		w := &r.Rows[i]
		label := w.Name
		if w.Store != "" {
			label += ", " + w.Store
		}
		if w.ratio().known() {
			shares.labels = append(shares.labels, label)
			shares.values[0] = append(shares.values[0], w.ratio())
			shares.values[1] = append(shares.values[1], w.goal())
		}
		if w.Rate > hashRates {
			rates.labels = append(rates.labels, label)
			rates.values[0] = append(rates.values[0], w.Rate)
		}
	}
	return draw(format, shares, rates)
}

// hashRates are below those of everything else, and no bar beside theirs.
const hashRates = 200

// goal is the share of the ceiling that the row should reach.
func (r *row) goal() figure {
	for _, p := range r.goals {
		if !p.most {
			return p.bound
		}
	}
	return unknown
}
