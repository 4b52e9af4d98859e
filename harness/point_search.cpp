#include "harness/point_search.h"

#include "harness/image_judge.h"
#include "harness/image_pool.h"
#include "harness/read_set_pool.h"
#include "harness/recovery_pool.h"

namespace plugpull {

Expected<std::unique_ptr<PointSearch>> MakeSearch(const Trace& trace,
                                                  const ExploreSettings& settings, uint32_t jobs) {
  if (NeedsImages(settings)) {
    return settings.read_set ? MakeReadSetPool(trace, jobs) : MakeImagePool(trace, jobs);
  }
  if (settings.read_set) {
    return Fail(ErrorCode::kInvalidArgument,
                "--read-set is for programs: what a linked target reads is seen without it");
  }
  Expected<RecoveryPool> pool = RecoveryPool::Create(trace, jobs);
  if (!pool) return std::unexpected(pool.error());
  return std::make_unique<RecoveryPool>(std::move(*pool));
}

}  // namespace plugpull
