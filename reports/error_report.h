// What failing calls led to: a table by failure point and by how the call failed. Part of the
// result of a run with `--errors`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace plugpull {

// Plans in which calls of one point failed in one way.
struct ErrorRow {
  std::string point;    // "vfs/sync"
  std::string failure;  // "EIO", "EIO keep", "short"
  uint64_t calls = 0;   // of the point, in the run without failures; 0: not known
  uint64_t plans = 0;
  uint64_t fired = 0;       // of them, those in which a call failed
  uint64_t absorbed = 0;    // no transaction failed
  uint64_t failed = 0;      // a transaction failed, and the store went on
  uint64_t refused = 0;     // the store had to be opened again
  uint64_t violations = 0;  // something was wrong, while running or after a crash
};

struct ErrorReport {
  uint64_t plans = 0;
  uint64_t calls = 0;         // of the run without failures
  uint64_t calls_failed = 0;  // of them, those that failed under some plan
  uint64_t plain = 0;         // plans that left the same operations as the run without failures
  uint64_t runs = 0;          // different runs of which crashes were explored
  std::vector<ErrorRow> rows;
};

nlohmann::ordered_json ToJson(const ErrorReport& report);

// Returns: the table, with a last line of sums.
std::string RenderErrors(const ErrorReport& report);

}  // namespace plugpull
