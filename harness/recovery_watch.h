// What a recovery was seen to do: its calls, in order, written into memory that outlives a child
// that dies of it; and how the contents that it showed differ from what was promised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/recovery_story.h"
#include "harness/content.h"
#include "harness/recovery.h"
#include "harness/reference_model.h"

namespace plugpull {

// A key that does not have the value that it should have. Transaction 0: never written by any.
struct KeyDifference {
  std::string key;        // as messages show it
  bool is_found = false;  // the store shows the key
  uint32_t found_from = 0;
  bool is_expected = false;
  uint32_t expected_from = 0;

  bool operator==(const KeyDifference&) const = default;
};

struct ContentDifference {
  uint32_t expected_after = 0;  // what should be there: the contents after this transaction
  uint64_t count = 0;           // of differing keys
  std::vector<KeyDifference> keys = {};  // the first of them

  bool operator==(const ContentDifference&) const = default;
};

struct RecoveryWatch {
  std::optional<Violation> violation;
  std::optional<uint32_t> shows = {};  // the transaction whose contents the store shows
  bool is_seen = false;                // its calls were watched
  bool is_cut = false;                 // there were more than `calls`
  std::vector<StoryCall> calls = {};
  std::optional<ContentDifference> difference = {};  // of a store that could be read
};

// Appends calls to a block of memory, as far as there is room.
class CallLog {
 public:
  // Requires: `memory` outlives the log.
  CallLog(std::span<std::byte> memory, uint32_t& used_bytes, bool& is_cut);

  void Add(const StoryCall& call);

 private:
  std::span<std::byte> memory_;
  uint32_t& used_bytes_;
  bool& is_cut_;
};

// Returns: the calls, as far as they make sense: a dying engine may have written on them.
std::vector<StoryCall> ReadCallLog(std::span<const std::byte> memory, uint32_t used_bytes);

// Returns: how contents differ from those after the transaction that comes nearest to what is
// legal: the last one acknowledged, or, where each key alone could be right, the last attempted.
ContentDifference DifferenceOf(const Content& found, const ReferenceModel& model,
                               const std::vector<Transaction>& transactions, Window window);

nlohmann::json ToJson(const ContentDifference& difference);
// Errors: kCorrupt.
Expected<ContentDifference> ContentDifferenceFromJson(const nlohmann::json& json);

}  // namespace plugpull
