#include "faults/inject/fault_type.h"

namespace plugpull {

const std::vector<FaultType>& FaultTypes() {
  static const std::vector<FaultType> types = {
      {FaultLevel::kProcessKill},
      {FaultLevel::kPowerCutOrdered},
      {FaultLevel::kPowerCut},
      {FaultLevel::kTornWrite},
      LyingFlush(),
      StalePage(),
      MisdirectedWrite(),
      ZeroedPage(),
      SubSectorTear(),
      BitRot(),
  };
  return types;
}

}  // namespace plugpull
