// Level 4: syncs that return success and make nothing durable.
#include "faults/inject/fault_type.h"

namespace plugpull {

FaultType LyingFlush() {
  constexpr uint64_t kMostSyncs = 1'000'000'000;
  const FaultArgument order = {.name = "order",
                               .kind = ArgumentKind::kWord,
                               .default_text = "any",
                               .help = "issued: what was written reaches the disk late, in order",
                               .words = {"any", "issued"}};
  const FaultArgument from = {.name = "from",
                              .help = "the first sync of the run that lies",
                              .minimum = 1,
                              .maximum = kMostSyncs};
  return {.level = FaultLevel::kLyingFlush,
          .scope = FaultScope::kSyncs,
          .arguments = {{.name = "last",
                         .help = "only so many syncs before the crash lie (default: all)",
                         .minimum = 1,
                         .maximum = kMostSyncs},
                        from,
                        order},
          .place = {from}};
}

}  // namespace plugpull
