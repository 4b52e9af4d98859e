// What the instance of a fault does at its crash point: which bytes are not what was written, which
// syncs lied. It follows from the trace, the position and the text of the instance alone, so that a
// saved case means the same years later.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/page_history.h"
#include "faults/inject/page_site.h"
#include "faults/vfs/image.h"

namespace plugpull {

struct Damage {
  std::vector<BytePatch> patches;
  std::optional<size_t> lies_from;  // the position of the first sync that lies
  bool cuts_sectors = false;
};

// Answers questions about crash points of one trace; about ascending ones it is fastest.
class DamageReader {
 public:
  // Requires: `trace` outlives the reader.
  explicit DamageReader(const Trace& trace);

  // Returns: the files at a position, with no pages.
  PageSite SiteAt(size_t position);

  // Returns: what an instance does. Errors: kInvalidArgument for a text that is no instance,
  // kCorrupt for a place that is not there at the position.
  Expected<Damage> Read(std::string_view instance, size_t position);

  // The positions of the calls that made something durable and returned success.
  const std::vector<size_t>& syncs() const { return syncs_; }

 private:
  PageHistory history_;
  PathWalk walk_;
  std::vector<size_t> syncs_;
};

// Puts the bytes of the patches in place. Files that are not there stay so.
void Apply(const std::vector<BytePatch>& patches, Image& image);

}  // namespace plugpull
