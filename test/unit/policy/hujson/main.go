// Reads HuJSON texts with Tailscale's own parser, as a second opinion for the tests: a line of base64 in, a line out.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/tailscale/hujson"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer(line[:len(line)-1]))
	}
}

// answer is the text as plain JSON, in base64, or "! " and why it is no HuJSON.
func answer(line string) string {
	text, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		log.Fatal(err)
	}
	standard, err := hujson.Standardize(text)
	if err != nil {
		return fmt.Sprintf("! %q", err.Error())
	}
	return base64.StdEncoding.EncodeToString(standard)
}
