// What the tiny protocols of this folder share. Each is a program of its own: "NAME" updates files
// in the working directory and prints what it promises; "NAME check" says whether what is in the
// working directory keeps the promises on its standard input (exit status 0, else 1 and a message).
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kVersions = 3 };

// Ends the program when a call has failed.
static inline int must(int result, const char* what) {
  if (result < 0) {
    perror(what);
    _exit(3);
  }
  return result;
}

// Fills `size` bytes so that each tells which version it is of.
static inline void fill(char* bytes, size_t size, int version) {
  memset(bytes, 'a' + version, size);
}

// Writes `size` bytes of `version` at `offset`.
static inline void put(int file, off_t offset, size_t size, int version) {
  char* bytes = malloc(size);
  fill(bytes, size, version);
  if (pwrite(file, bytes, size, offset) != (ssize_t)size) must(-1, "pwrite");
  free(bytes);
}

// Returns: whether `size` bytes at `offset` are all there and of `version`.
static inline bool shows(int file, off_t offset, size_t size, int version) {
  char* bytes = malloc(2 * size);
  fill(bytes, size, version);
  const bool same = pread(file, bytes + size, size, offset) == (ssize_t)size &&
                    memcmp(bytes, bytes + size, size) == 0;
  free(bytes);
  return same;
}

static inline int create(const char* name) {
  return must(open(name, O_CREAT | O_TRUNC | O_RDWR, 0644), name);
}

static inline void sync_file(int file) { must(fsync(file), "fsync"); }

static inline void sync_directory(void) {
  const int directory = must(open(".", O_RDONLY | O_DIRECTORY), "open .");
  must(fsync(directory), "fsync .");
  close(directory);
}

// Promises that `version` is there from now on.
static inline void acknowledge(int version) {
  printf("%d\n", version);
  fflush(stdout);
}

// Returns: the last version promised, 0 when none was.
static inline int acknowledged(void) {
  int last = 0;
  for (int version = 0; scanf("%d", &version) == 1;) last = version;
  return last;
}

// Says what is wrong. Returns: the exit status for that.
static inline int broken(const char* what, int version) {
  printf("%s (version %d)\n", what, version);
  return 1;
}

static inline bool is_check(int argc, char** argv) {
  return argc == 2 && strcmp(argv[1], "check") == 0;
}

// Returns: 0 if the file holds one whole version, the last one promised or a later one.
static inline int check_one_version(const char* name, size_t size) {
  const int promised = acknowledged();
  const int file = open(name, O_RDONLY);
  if (file < 0) return promised == 0 ? 0 : broken("the file is gone", promised);
  struct stat status;
  must(fstat(file, &status), name);
  if ((size_t)status.st_size == size) {
    for (int version = promised; version <= kVersions; ++version) {
      if (shows(file, 0, size, version)) return 0;
    }
  }
  return broken("the file holds no whole version from the promised one on", promised);
}
