// What SQLite takes from its surroundings besides files, made the same on every run: its
// configuration, its memory allocator, its random numbers and its clock.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace plugpull {

// Configures SQLite for this process, once, and installs the deterministic default VFS. Called
// before every other use of SQLite here.
//
// SQLite is set to its single-threaded mode: all use of it in the process must come from one thread
// at a time.
void PrepareSqlite();

// Starts SQLite's random numbers anew, as a new process does.
//
// They are a function of what the process has read so far (see ObserveRead), not a constant: a
// constant would give every process the same journal nonces and WAL salts, and remnants of an
// earlier process's journal would pass for the present one's. No real machine does that.
void RestartRandomness();

// Mixes a read into the seed of the random numbers. SQLite draws its seed at the first use, which
// is after the headers of the database and its journals have been read.
void ObserveRead(uint64_t offset_bytes, std::span<const std::byte> data);

// sqlite3_vfs members that stand for the machine rather than for the disk.
int DeterministicRandomness(sqlite3_vfs* vfs, int byte_count, char* out);
int NoSleep(sqlite3_vfs* vfs, int microseconds);
int FixedTime(sqlite3_vfs* vfs, double* julian_day);
int FixedTimeInt64(sqlite3_vfs* vfs, sqlite3_int64* julian_milliseconds);

}  // namespace plugpull
