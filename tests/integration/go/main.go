// The services of tutorials, as they are usually written, mistakes included: one program, the first argument says which.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/daemon"
)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") }

func notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Printf("notify: %v", err)
	}
}

func wait() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// As it should be: ready when it listens, alive as long as it answers, an orderly end.
func right(address string) {
	server := &http.Server{Handler: http.HandlerFunc(hello)}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatalf("listen: %v", err)
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Fatalf("serve: %v", err)
		}
	}()
	notify(daemon.SdNotifyReady)
	if interval, err := daemon.SdWatchdogEnabled(false); err == nil && interval > 0 {
		go func() {
			for range time.Tick(interval / 3) {
				if _, err := http.Get("http://" + listener.Addr().String()); err == nil {
					notify(daemon.SdNotifyWatchdog)
				}
			}
		}()
	}
	wait()
	notify(daemon.SdNotifyStopping)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Fatalf("shutdown: %v", err)
	}
}

type config struct{ name *string }

func main() {
	log.SetFlags(log.LstdFlags | log.Lshortfile)
	switch os.Args[1] {
	case "right":
		right(os.Args[2])
	case "swallowed":
		server := &http.Server{Addr: os.Args[2]}
		go func() { _ = server.ListenAndServe() }()
		notify(daemon.SdNotifyReady)
		wait()
	case "fatal-without-notify":
		if ok, err := daemon.SdNotify(false, daemon.SdNotifyReady); !ok || err != nil {
			log.Fatalf("failed to notify systemd: %v", err)
		}
		wait()
	case "returns":
		go http.ListenAndServe("127.0.0.1:0", nil)
		notify(daemon.SdNotifyReady)
		time.Sleep(50 * time.Millisecond)
	case "relative-config":
		if _, err := os.Open("config.yaml"); err != nil {
			log.Fatalf("reading the configuration: %v", err)
		}
		notify(daemon.SdNotifyReady)
		wait()
	case "never-ready":
		log.Print("listening")
		wait()
	case "panic":
		notify(daemon.SdNotifyReady)
		panic("no more")
	case "exit-1":
		os.Exit(1)
	case "recovered":
		defer func() {
			if r := recover(); r != nil {
				log.Printf("recovered: %v", r)
				os.Exit(3)
			}
		}()
		panic("caught")
	case "nil":
		var c *config
		notify(daemon.SdNotifyReady)
		fmt.Println(*c.name)
	case "quit-caught":
		quit := make(chan os.Signal, 1)
		signal.Notify(quit, syscall.SIGQUIT)
		notify(daemon.SdNotifyReady)
		<-quit
		log.Print("quit")
	case "hang", "idle":
		notify(daemon.SdNotifyReady)
		for {
			time.Sleep(time.Hour)
		}
	default:
		log.Fatalf("unknown: %s", os.Args[1])
	}
}
