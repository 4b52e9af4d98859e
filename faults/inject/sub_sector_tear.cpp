// Level 6: a sector of a write that was under way is cut.
#include "faults/inject/fault_type.h"

namespace plugpull {

FaultType SubSectorTear() {
  const FaultArgument unit = {.name = "unit",
                              .kind = ArgumentKind::kWord,
                              .default_text = "64",
                              .help = "bytes that are written as one",
                              .words = {"64", "8"}};
  return {.level = FaultLevel::kSubSectorTear,
          .scope = FaultScope::kTear,
          .arguments = {unit},
          .place = {unit}};
}

}  // namespace plugpull
