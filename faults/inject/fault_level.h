// The ladder of crash faults: what had to go wrong, weakest first, and whether a correct disk may
// do it. A table, so that the command line, the reports and the documentation cannot disagree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace plugpull {

// What had to happen, weakest first. The last four are all of level 6.
enum class FaultLevel : uint8_t {
  kProcessKill,
  kPowerCutOrdered,
  kPowerCut,
  kTornWrite,
  kLyingFlush,
  kStalePage,
  kMisdirectedWrite,
  kZeroedPage,
  kSubSectorTear,
  kBitRot,
};
inline constexpr FaultLevel kLastFaultLevel = FaultLevel::kBitRot;

struct FaultInfo {
  FaultLevel level;
  std::string_view name;
  uint32_t number;  // of the level, 0 to 6
  bool legal;       // a correct disk may do it; else it is beyond the disk's contract
  std::string_view description;
};

std::string_view Name(FaultLevel level);

// Weakest first, one for each FaultLevel.
const std::vector<FaultInfo>& Faults();

inline const FaultInfo& InfoOf(FaultLevel level) { return Faults()[static_cast<size_t>(level)]; }

}  // namespace plugpull
