// What code an address of this process belongs to, in words that are the same in every run: from
// the debug information of its executable or library where it has some, else from its symbols, else
// as an offset in it. Debug information is read with libdw of elfutils, from the files that are
// mapped and from nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plugpull {

struct SourceFrame {
  std::string function;  // without namespace plugpull and arguments; "" when nobody knows
  std::string place;     // "protocol.cpp:88", else "libsqlite3.so.0.8.6+0x3a7f2"
};

// Returns: the functions at the call that returns to `return_address`, the innermost first: more
// than one where calls were inlined, at least one always. Each address is looked up once in a
// process. Thread-safe.
const std::vector<SourceFrame>& FramesAt(uintptr_t return_address);

// Returns: "cow_tree::WriteMetaPage (store_file.cpp:149)", or the place alone.
std::string Text(const SourceFrame& frame);

}  // namespace plugpull
