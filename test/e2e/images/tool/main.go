// Tool is all that is in the images which the tests build: what a step of a build does, named by its first argument.
//
//	copy A B     copies a file
//	fail         prints forty lines and ends with exit code 3
//	fill         writes to /fill until there is no space left
//	secret ID    says whether it found the secret, and prints it, as a careless script would
//	sleep        says that it is there, and waits
//
// Without one it does nothing. Where BUILDKIT_SCAN_DESTINATION is set, it is a scanner that gives an SPDX document:
// https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

const spdx = `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document",` +
	`"predicate":{"spdxVersion":"SPDX-2.3","name":"tool","SPDXID":"SPDXRef-DOCUMENT"}}`

func main() {
	if destination := os.Getenv("BUILDKIT_SCAN_DESTINATION"); destination != "" {
		check(os.WriteFile(filepath.Join(destination, "tool.spdx.json"), []byte(spdx), 0o644))
		return
	}
	if len(os.Args) == 1 {
		return
	}
	switch os.Args[1] {
	case "copy":
		content, err := os.ReadFile(os.Args[2])
		check(err)
		check(os.WriteFile(os.Args[3], content, 0o644))
	case "fail":
		for line := range 40 {
			fmt.Printf("compiling %d\n", line)
		}
		os.Exit(3)
	case "fill":
		file, err := os.Create("/fill")
		check(err)
		block := make([]byte, 1<<20)
		for {
			_, err := file.Write(block)
			check(err)
		}
	case "secret":
		content, err := os.ReadFile("/run/secrets/" + os.Args[2])
		check(err)
		fmt.Printf("the secret has %d bytes: %s\n", len(content), content)
	case "sleep":
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
