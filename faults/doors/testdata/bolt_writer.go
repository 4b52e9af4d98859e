// Transactions on a bbolt database, while other goroutines keep the runtime busy.
package main

import (
	"fmt"
	"log"

	bolt "github.com/coreos/bbolt"
)

func main() {
	db, err := bolt.Open("bolt.db", 0644, nil)
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
			}
		}()
	}
	for i := 0; i < 100; i++ {
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			return bucket.Put([]byte(fmt.Sprintf("key %d", i*37%101)), make([]byte, 700))
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	close(done)
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
}
