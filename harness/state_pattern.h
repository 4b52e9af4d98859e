// A crash state in words that another recording understands: "in the last transaction, the first
// unlink of the journal is lost, and the crash comes after it". So a finding is looked for where it
// was before, rather than everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"

namespace plugpull {

// One operation, by what it is.
struct OperationPattern {
  // How many transactions before the one that the crash interrupts; nothing: before the first.
  std::optional<uint32_t> transactions_ago;
  OpKind kind = OpKind::kWrite;
  std::string path;
  uint32_t ordinal = 0;  // among those of that kind and path in that transaction

  auto operator<=>(const OperationPattern&) const = default;
};

struct StatePattern {
  std::optional<OperationPattern> last;  // the operation before the crash; nothing: there is none
  // What is lost of each: the kind and the index of the atom.
  struct Loss {
    OperationPattern operation;
    AtomKind kind = AtomKind::kData;
    uint32_t index = 0;
  };
  std::vector<Loss> lost;
};

// Where a pattern is in a trace.
struct PatternPlace {
  size_t position = 0;       // of the crash
  std::vector<AtomId> lost;  // sorted

  // Returns: the operations of what is lost, sorted.
  std::vector<uint32_t> LostOperations() const;
};

// Tells the operations of one trace by what they are.
class OperationPatterns {
 public:
  explicit OperationPatterns(const Trace& trace);

  // Requires: the crash is at `position`, in or after the transaction `attempted`.
  StatePattern Of(size_t position, uint32_t attempted, const std::vector<AtomId>& lost) const;

  // Returns: where the pattern is when the crash interrupts the last transaction of the trace, or
  // comes after it; nothing: an operation of it is not there.
  std::optional<PatternPlace> Find(const StatePattern& pattern) const;

 private:
  struct Known {
    uint32_t transaction = 0;  // 0: before the first
    OpKind kind = OpKind::kWrite;
    std::string path;
    uint32_t ordinal = 0;

    auto operator<=>(const Known&) const = default;
  };

  OperationPattern PatternOf(size_t op, uint32_t attempted) const;
  std::optional<uint32_t> OperationOf(const OperationPattern& pattern) const;

  std::vector<Known> known_;  // by operation
  uint32_t transactions_ = 0;
};

}  // namespace plugpull
