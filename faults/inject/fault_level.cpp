#include "faults/inject/fault_level.h"

namespace plugpull {

std::string_view Name(FaultLevel level) { return InfoOf(level).name; }

const std::vector<FaultInfo>& Faults() {
  static const std::vector<FaultInfo> faults = {
      {FaultLevel::kProcessKill, "process-kill", 0, true, "everything issued survives"},
      {FaultLevel::kPowerCutOrdered, "power-cut-ordered", 1, true, "a prefix of what was issued"},
      {FaultLevel::kPowerCut, "power-cut", 2, true,
       "any set of whole writes that the model allows"},
      {FaultLevel::kTornWrite, "torn-write", 3, true,
       "a kept write may be cut at 4 KiB, then at 512-byte sectors"},
      {FaultLevel::kLyingFlush, "lying-flush", 4, false,
       "syncs return success and make nothing durable"},
      {FaultLevel::kStalePage, "stale-page", 5, false,
       "a page that was synced long ago shows what it held before"},
      {FaultLevel::kMisdirectedWrite, "misdirected-write", 6, false,
       "a page went to the place of another one"},
      {FaultLevel::kZeroedPage, "zeroed-page", 6, false, "a page reads as zeros"},
      {FaultLevel::kSubSectorTear, "sub-sector-tear", 6, false,
       "a write may be cut inside a sector, at 64 or 8 bytes"},
      {FaultLevel::kBitRot, "bit-rot", 6, false, "a bit of a page is turned over"},
  };
  return faults;
}

}  // namespace plugpull
