// Reads HuJSON texts with Tailscale's own parser, as a second opinion for the tests: a line of base64 in, a line out.
// With the argument "format" it formats them, as Tailscale's admin console does.
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
	turn := hujson.Standardize
	if len(os.Args) > 1 && os.Args[1] == "format" {
		turn = hujson.Format
	}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer(line[:len(line)-1], turn))
	}
}

// answer is the text as plain JSON, or formatted, in base64, or "! " and why it is no HuJSON.
func answer(line string, turn func([]byte) ([]byte, error)) string {
	text, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		log.Fatal(err)
	}
	turned, err := turn(text)
	if err != nil {
		return fmt.Sprintf("! %q", err.Error())
	}
	return base64.StdEncoding.EncodeToString(turned)
}
