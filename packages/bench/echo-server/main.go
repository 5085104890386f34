// Command echo-server is what people put behind nginx today: an echo on two unix sockets, one with frames of four bytes
// of length and a payload, one with HTTP.
//
//	echo-server FRAMES HTTP
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func serveFrames(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	buf := make([]byte, 4)
	for {
		if _, err := io.ReadFull(r, buf[:4]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint32(buf))
		if cap(buf) < 4+n {
			buf = append(make([]byte, 0, 4+n), buf[:4]...)
		}
		buf = buf[:4+n]
		if _, err := io.ReadFull(r, buf[4:]); err != nil {
			return
		}
		if _, err := conn.Write(buf); err != nil {
			return
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: echo-server FRAMES HTTP")
	}
	frames, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	web, err := net.Listen("unix", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(web, http.HandlerFunc(echo))) }()
	for {
		conn, err := frames.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serveFrames(conn)
	}
}
