#include "faults/doors/self_check.h"

#include <fmt/format.h>

#include "faults/doors/directory_image.h"
#include "faults/persistence/materialise.h"
#include "faults/trace/validate.h"

namespace plugpull {

Expected<std::string> DifferenceFrom(const Trace& trace, const std::string& directory) {
  if (const Expected<void> valid = ValidateTrace(trace); !valid) {
    return fmt::format("what was recorded is not possible: {}", Describe(valid.error()));
  }
  const Expected<LoadedDirectory> found = LoadDirectory(directory);
  if (!found) return std::unexpected(found.error());
  const Image recorded = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
  return FirstDifference(recorded, found->image);
}

}  // namespace plugpull
