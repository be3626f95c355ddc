// Demo-service answers every request with its version and misbehaves on demand: it fails, is slow, is not ready or ends.
//
// Each knob has an environment variable for the start and a query parameter of POST /knobs for later:
//
//	ERROR_RATE  error-rate  fraction of requests answered with 500, 0 to 1
//	ERRORS      errors      even (default): as far apart as can be, from a random one on; random: drawn for each request
//	LATENCY     latency     time added to every request: 300ms
//	READY       ready       false: /healthz answers 503
//	CRASH       crash       true: the process ends with exit code 1
//
// It listens on port 8080. /knobs, /healthz and /metrics (Prometheus text format) are neither counted nor disturbed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// bucketBounds are the upper bounds, in seconds, that Prometheus' own client libraries use by default.
var bucketBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

type service struct {
	version string
	pod     string
	started time.Time

	mu      sync.Mutex
	knobs   knobs
	owed    float64
	codes   map[int]int
	buckets []int
	seconds float64
	count   int
}

type knobs struct {
	ErrorRate float64       `json:"errorRate"`
	Errors    string        `json:"errors"`
	Latency   time.Duration `json:"latencyNanoseconds"`
	Ready     bool          `json:"ready"`
	Crash     bool          `json:"crash"`
}

// with returns the knobs, changed by those values for which get returns a text that is not empty.
func (k knobs) with(get func(environment, parameter string) string) (knobs, error) {
	var err error
	parse := func(environment, parameter string, set func(string) error) {
		if text := get(environment, parameter); text != "" && err == nil {
			if e := set(text); e != nil {
				err = fmt.Errorf("%s: %w", parameter, e)
			}
		}
	}
	parse("ERROR_RATE", "error-rate", func(text string) (e error) {
		k.ErrorRate, e = strconv.ParseFloat(text, 64)
		return
	})
	parse("ERRORS", "errors", func(text string) error {
		if text != "even" && text != "random" {
			return fmt.Errorf("%q is neither even nor random", text)
		}
		k.Errors = text
		return nil
	})
	parse("LATENCY", "latency", func(text string) (e error) {
		k.Latency, e = time.ParseDuration(text)
		return
	})
	parse("READY", "ready", func(text string) (e error) {
		k.Ready, e = strconv.ParseBool(text)
		return
	})
	parse("CRASH", "crash", func(text string) (e error) {
		k.Crash, e = strconv.ParseBool(text)
		return
	})
	return k, err
}

func (s *service) current() knobs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.knobs
}

func (s *service) serve(w http.ResponseWriter, _ *http.Request) {
	start := time.Now()
	time.Sleep(s.current().Latency)
	code := s.nextCode()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Version", s.version)
	w.Header().Set("X-Pod", s.pod)
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"version": s.version, "pod": s.pod})
	s.observe(code, time.Since(start).Seconds())
}

// nextCode returns the status of the next answer. Independent random errors would let a correct judge stop a version as good
// as the previous one, once in some hundreds of releases; a test can't tell that from a fault, so it sets the errors to even.
func (s *service) nextCode() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.knobs.Errors == "random" {
		s.owed = rand.Float64()
	}
	s.owed += s.knobs.ErrorRate
	if s.owed < 1 {
		return http.StatusOK
	}
	s.owed--
	return http.StatusInternalServerError
}

func (s *service) observe(code int, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code]++
	s.count++
	s.seconds += seconds
	for i, bound := range bucketBounds {
		if seconds <= bound {
			s.buckets[i]++
		}
	}
}

func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	if !s.current().Ready {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	}
}

func (s *service) turn(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		changed, err := s.knobs.with(func(_, parameter string) string { return r.URL.Query().Get(parameter) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.knobs = changed
		if changed.Crash {
			os.Exit(1)
		}
	}
	json.NewEncoder(w).Encode(s.knobs)
}

func (s *service) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintln(w, "# TYPE http_requests_total counter")
	for code, count := range s.codes {
		fmt.Fprintf(w, "http_requests_total{code=\"%d\"} %d\n", code, count)
	}
	fmt.Fprintln(w, "# TYPE http_request_duration_seconds histogram")
	for i, bound := range bucketBounds {
		fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"%g\"} %d\n", bound, s.buckets[i])
	}
	fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"+Inf\"} %d\n", s.count)
	fmt.Fprintf(w, "http_request_duration_seconds_sum %g\n", s.seconds)
	fmt.Fprintf(w, "http_request_duration_seconds_count %d\n", s.count)
	fmt.Fprintln(w, "# TYPE process_start_time_seconds gauge")
	fmt.Fprintf(w, "process_start_time_seconds %.3f\n", float64(s.started.UnixMilli())/1000)
}

func main() {
	start, err := knobs{Errors: "even", Ready: true}.with(func(environment, _ string) string { return os.Getenv(environment) })
	if err != nil {
		log.Fatal(err)
	}
	if start.Crash {
		log.Fatal("ends because CRASH is true")
	}
	pod, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	s := &service{
		version: os.Getenv("VERSION"),
		pod:     pod,
		started: time.Now(),
		knobs:   start,
		owed:    rand.Float64(),
		codes:   map[int]int{},
		buckets: make([]int, len(bucketBounds)),
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/", s.serve)
	routes.HandleFunc("/healthz", s.health)
	routes.HandleFunc("/metrics", s.metrics)
	routes.HandleFunc("/knobs", s.turn)
	server := &http.Server{Addr: ":8080", Handler: routes}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	end, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	<-end.Done()
	stop()
	// Answers the outstanding requests.
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
