// What the harness and its children say to each other, as JSON; and the block of memory that they
// share, which outlives a child that dies.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "faults/base/error.h"
#include "harness/point_explorer.h"
#include "harness/recoverability.h"

namespace plugpull {

// The longest path of choices that one recovery may make.
inline constexpr size_t kLongestPath = size_t{1} << 18;

// What is written down of a recovery that is watched.
inline constexpr size_t kCallLogBytes = size_t{1} << 20;

struct SharedState {
  std::atomic<uint64_t> recoveries;  // done by this child, over all its points
  std::atomic<uint64_t> started_ns;  // steady clock, of the recovery under way; 0: none
  std::atomic<Phase> phase;
  std::atomic<bool> stop;
  std::atomic<uint32_t> probe;
  uint32_t path_length;
  Choice path[kLongestPath];
  // Of the recovery that is watched (recovery_watch.h).
  uint32_t call_log_used_bytes;
  bool is_call_log_cut;
  std::byte call_log[kCallLogBytes];
};

nlohmann::json ToJson(const AtomId& atom);
nlohmann::json ToJson(const Violation& violation);
nlohmann::json ToJson(const DeadlyPath& deadly);
nlohmann::json ToJson(const PointResult& result);
nlohmann::json ToJson(const MendedState& state);

// Errors: kCorrupt.
Expected<AtomId> AtomIdFromJson(const nlohmann::json& json);
Expected<Violation> ViolationFromJson(const nlohmann::json& json);
Expected<DeadlyPath> DeadlyPathFromJson(const nlohmann::json& json);
Expected<PointResult> PointResultFromJson(const nlohmann::json& json);
Expected<MendedState> MendedStateFromJson(const nlohmann::json& json);

}  // namespace plugpull
