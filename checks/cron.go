package checks

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errCronFields is what a text that is no schedule mostly lacks.
var errCronFields = errors.New("it has not five fields")

// canFire tells whether a schedule of cron ever comes true: "0 0 31 2 *" does not, and people park jobs there. It returns an
// error for a text that is no schedule.
func canFire(schedule string) (bool, error) {
	schedule = strings.TrimSpace(schedule)
	if strings.HasPrefix(schedule, "@") {
		return descriptorFires(schedule)
	}
	for _, zone := range []string{"TZ=", "CRON_TZ="} {
		if strings.HasPrefix(schedule, zone) {
			_, schedule, _ = strings.Cut(schedule, " ")
		}
	}
	fields := strings.Fields(schedule)
	if len(fields) != 5 {
		return false, errCronFields
	}
	var values [5][]int
	for i, bounds := range [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}} {
		var err error
		if values[i], err = cronField(fields[i], bounds[0], bounds[1], cronNames(i)); err != nil {
			return false, err
		}
	}
	days, months := values[2], values[3]
	if !isAnyDay(fields[2]) && !isAnyDay(fields[4]) {
		return true, nil // Either of the two is enough, and every weekday comes in every month.
	}
	for _, month := range months {
		if slices.Min(days) <= longestMonth(month) {
			return true, nil
		}
	}
	return false, nil
}

func descriptorFires(schedule string) (bool, error) {
	if every, ok := strings.CutPrefix(schedule, "@every "); ok {
		_, err := time.ParseDuration(strings.TrimSpace(every))
		return err == nil, err
	}
	switch schedule {
	case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
		return true, nil
	}
	return false, fmt.Errorf("%s is not known", schedule)
}

func isAnyDay(field string) bool {
	return strings.HasPrefix(field, "*") || strings.HasPrefix(field, "?")
}

// longestMonth returns how many days a month has at most.
func longestMonth(month int) int {
	const leapYear = 2024
	return time.Date(leapYear, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// cronNames are the names that a field knows beside numbers, the first for the field's lowest number; none for most fields.
func cronNames(field int) []string {
	switch field {
	case 3:
		return []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	case 4:
		return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	}
	return nil
}

// cronField lists the numbers that a field stands for: "*", "*/15", "1-5", "mon,fri".
func cronField(field string, lowest, highest int, names []string) ([]int, error) {
	var values []int
	for _, part := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q is no step", stepText)
			}
		}
		from, to := lowest, highest
		if span != "*" && span != "?" {
			first, last, ranged := strings.Cut(span, "-")
			var err error
			if from, err = cronNumber(first, names); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = cronNumber(last, names); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if from < lowest || to > highest || from > to {
			return nil, fmt.Errorf("%q is out of bounds", part)
		}
		for value := from; value <= to; value += step {
			values = append(values, value)
		}
	}
	return values, nil
}

func cronNumber(text string, names []string) (int, error) {
	if i := slices.Index(names, strings.ToLower(text)); i >= 0 && text != "" {
		return i, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return number, nil
}
