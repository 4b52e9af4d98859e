// The driver for bbolt, an embedded store in Go. See ../README.md for the protocol.
//
// A panic of bbolt is left alone: it ends this process, as it would end a user's. So does a fault in
// its mapping. The driver adds no sync, no recovery and no repair to what bbolt does.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// As in cow_tree, which can open it.
	fileName = "store.db"

	// Somebody else holds the lock only by mistake; bbolt would wait for ever.
	lockTimeout = 5 * time.Second

	// Trees are a few levels deep. A damaged one may hold a cycle, on which bbolt's check recurses
	// until the stack is full: 1 GB by default, which only takes longer to end the same way.
	maxStackBytes = 64 << 20

	// A damaged page may claim to be followed by four billion others, and the check believes it.
	// Better this process runs out of memory than the machine.
	maxDataBytes = 256 << 20
)

// The bucket of keys and values; the word bucket=a/b/kv of `open` makes it one inside others.
const defaultBucket = "kv"

type driver struct {
	db *bolt.DB
	// Names of buckets, from the top-level one to the one in use.
	bucket []string
	tx     *bolt.Tx
	err    error // what went wrong in tx: it must not be committed
	out    *bufio.Writer
	hex    []byte
}

func main() {
	// One command at a time: more threads only hand it around. Little lives long, so collecting
	// often is wasted.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(800)
	debug.SetMaxStack(maxStackBytes)
	const rlimitData = 2 // RLIMIT_DATA, which package syscall does not name
	limit := syscall.Rlimit{Cur: maxDataBytes, Max: maxDataBytes}
	if err := syscall.Setrlimit(rlimitData, &limit); err != nil {
		panic(err)
	}

	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	d := &driver{out: bufio.NewWriterSize(os.Stdout, 1<<16)}
	for {
		line, err := readLine(in)
		if err != nil {
			return
		}
		quit := d.run(line)
		// A transaction arrives in one piece and is answered in one.
		if in.Buffered() == 0 || quit {
			if d.out.Flush() != nil {
				return
			}
		}
		if quit {
			return
		}
	}
}

func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], nil
	}
	if err != bufio.ErrBufferFull {
		return nil, err
	}
	start := append([]byte(nil), line...)
	rest, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	line = append(start, rest...)
	return line[:len(line)-1], nil
}

// run answers one command. It returns true after `quit`.
func (d *driver) run(line []byte) bool {
	words := bytes.Split(line, []byte{' '})
	command := string(words[0])
	var err error
	switch command {
	case "open":
		err = d.open(words[1:])
	case "begin":
		err = d.begin()
	case "put", "del":
		err = d.change(command, words[1:])
	case "commit":
		err = d.commit()
	case "abort":
		err = d.abort()
	case "dump":
		err = d.dump()
		if err == nil {
			d.out.WriteString("end\n")
			return false
		}
	case "check":
		err = d.check()
	case "repair":
		err = errors.New("bbolt has no repair")
	case "close":
		err = d.close()
	case "quit":
	default:
		err = fmt.Errorf("there is no command %q", command)
	}
	if err == nil {
		d.out.WriteString("ok\n")
	} else {
		d.out.WriteString("err " + strings.ReplaceAll(err.Error(), "\n", " ") + "\n")
	}
	return command == "quit"
}

func parseOptions(words [][]byte) (*bolt.Options, string, error) {
	bucket := defaultBucket
	options := *bolt.DefaultOptions
	options.Timeout = lockTimeout
	for _, word := range words {
		name, value, _ := strings.Cut(string(word), "=")
		var err error
		switch name {
		case "nofreelistsync":
			options.NoFreelistSync, err = strconv.ParseBool(value)
		case "nosync":
			options.NoSync, err = strconv.ParseBool(value)
		case "nogrowsync":
			options.NoGrowSync, err = strconv.ParseBool(value)
		case "bucket":
			bucket = value
		case "page_size":
			options.PageSize, err = strconv.Atoi(value)
		case "freelist":
			options.FreelistType = bolt.FreelistArrayType
			if value == "map" {
				options.FreelistType = bolt.FreelistMapType
			} else if value != "array" {
				err = errors.New("one of array, map")
			}
		default:
			return nil, "", fmt.Errorf("there is no option %q", word)
		}
		if err != nil {
			return nil, "", fmt.Errorf("option %q: %v", word, err)
		}
	}
	return &options, bucket, nil
}

func (d *driver) open(words [][]byte) error {
	if d.db != nil {
		return errors.New("a store is open already")
	}
	if len(words) == 0 {
		return errors.New("open needs a directory")
	}
	options, bucket, err := parseOptions(words[1:])
	if err != nil {
		return err
	}
	db, err := bolt.Open(filepath.Join(string(words[0]), fileName), 0o644, options)
	if err != nil {
		return err
	}
	d.db, d.bucket = db, strings.Split(bucket, "/")
	return nil
}

// createBuckets makes the buckets on the way to the one in use that are not there.
func (d *driver) createBuckets(tx *bolt.Tx) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(d.bucket[0]))
	for _, name := range d.bucket[1:] {
		if err != nil {
			break
		}
		bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
	}
	return err
}

// findBucket returns the bucket in use, nil when it is not there.
func (d *driver) findBucket(tx *bolt.Tx) *bolt.Bucket {
	bucket := tx.Bucket([]byte(d.bucket[0]))
	for _, name := range d.bucket[1:] {
		if bucket == nil {
			return nil
		}
		bucket = bucket.Bucket([]byte(name))
	}
	return bucket
}

func (d *driver) begin() error {
	if d.db == nil {
		return errors.New("no store is open")
	}
	if d.tx != nil {
		return errors.New("a transaction is open already")
	}
	tx, err := d.db.Begin(true)
	if err != nil {
		return err
	}
	if err := d.createBuckets(tx); err != nil {
		tx.Rollback()
		return err
	}
	d.tx, d.err = tx, nil
	return nil
}

func (d *driver) change(command string, words [][]byte) error {
	if d.tx == nil {
		return errors.New("no transaction is open")
	}
	if d.err != nil {
		return d.err
	}
	d.err = d.changeIn(d.findBucket(d.tx), command, words)
	return d.err
}

func (d *driver) changeIn(bucket *bolt.Bucket, command string, words [][]byte) error {
	wanted := 1
	if command == "put" {
		wanted = 2
	}
	if len(words) != wanted {
		return fmt.Errorf("%s takes %d words", command, wanted)
	}
	key, err := decode(words[0])
	if err != nil {
		return err
	}
	if command == "del" {
		return bucket.Delete(key)
	}
	value, err := decode(words[1])
	if err != nil {
		return err
	}
	return bucket.Put(key, value)
}

// decode makes a new slice, because bbolt keeps values until the commit.
func decode(word []byte) ([]byte, error) {
	if string(word) == "-" {
		return []byte{}, nil
	}
	decoded := make([]byte, hex.DecodedLen(len(word)))
	_, err := hex.Decode(decoded, word)
	return decoded, err
}

func (d *driver) commit() error {
	if d.tx == nil {
		return errors.New("no transaction is open")
	}
	tx := d.tx
	d.tx = nil
	if d.err != nil {
		tx.Rollback()
		return d.err
	}
	return tx.Commit()
}

func (d *driver) abort() error {
	if d.tx == nil {
		return errors.New("no transaction is open")
	}
	tx := d.tx
	d.tx = nil
	return tx.Rollback()
}

func (d *driver) dump() error {
	if d.db == nil {
		return errors.New("no store is open")
	}
	return d.db.View(func(tx *bolt.Tx) error {
		bucket := d.findBucket(tx)
		if bucket == nil {
			return nil // no transaction was ever committed
		}
		return bucket.ForEach(func(key, value []byte) error {
			if value == nil {
				return fmt.Errorf("key %x is a bucket", key)
			}
			d.hex = appendHex(d.hex[:0], key)
			d.hex = append(d.hex, ' ')
			d.hex = appendHex(d.hex, value)
			d.hex = append(d.hex, '\n')
			_, err := d.out.Write(d.hex)
			return err
		})
	})
}

func appendHex(line, data []byte) []byte {
	const digits = "0123456789abcdef"
	if len(data) == 0 {
		return append(line, '-')
	}
	for _, b := range data {
		line = append(line, digits[b>>4], digits[b&15])
	}
	return line
}

// check reports bbolt's first error; one that is only lost space comes after those that are not.
func (d *driver) check() error {
	if d.db == nil {
		return errors.New("no store is open")
	}
	return d.db.View(func(tx *bolt.Tx) error {
		var first, leak error
		for err := range tx.Check() { // to its end: it works in a goroutine, on this transaction
			if strings.HasSuffix(err.Error(), ": unreachable unfreed") {
				if leak == nil {
					leak = fmt.Errorf("leak: %w", err)
				}
			} else if first == nil {
				first = err
			}
		}
		if first != nil {
			return first
		}
		return leak
	})
}

func (d *driver) close() error {
	if d.db == nil {
		return errors.New("no store is open")
	}
	if d.tx != nil {
		d.tx.Rollback()
		d.tx = nil
	}
	db := d.db
	d.db = nil
	return db.Close()
}
