// Memory for SQLite from free lists by size: a recovery allocates the same few hundred blocks as
// the one before it, and asking the C library for them again is a good part of its time.
#pragma once

namespace plugpull {

// Makes SQLite allocate from the pool. Does nothing under AddressSanitizer, which must see each
// block to find misuse of it, and nothing when SQLite is already initialised.
void UseSqlitePool();

}  // namespace plugpull
