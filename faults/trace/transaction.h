// What a workload asks of an engine: a list of transactions, numbered from 1. Transaction 0 is the
// empty store. They are part of the trace, because without them nobody can say what was promised.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace plugpull {

// One change of one key. `value` absent means: delete the key.
struct Change {
  std::string key;
  std::optional<std::string> value;

  bool operator==(const Change&) const = default;
};

// Applied together or not at all. A later change of the same key wins.
struct Transaction {
  std::vector<Change> changes;

  bool operator==(const Transaction&) const = default;
};

}  // namespace plugpull
