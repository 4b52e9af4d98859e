#include "faults/inject/damage.h"

#include <fmt/format.h>

#include <iterator>

#include "faults/inject/fault_type.h"

namespace plugpull {

DamageReader::DamageReader(const Trace& trace) : history_(trace), walk_(trace) {
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    if (IsSync(trace.ops[i].kind) && trace.ops[i].result_errno == 0) syncs_.push_back(i);
  }
}

PageSite DamageReader::SiteAt(size_t position) {
  PageSite site{.history = history_, .position = position, .files = {}};
  for (const auto& [path, inode] : walk_.FilesAt(position)) {
    site.files.push_back({.path = path,
                          .inode = inode,
                          .size_bytes = history_.SizeAt(inode, position),
                          .pages = {}});
  }
  return site;
}

Expected<Damage> DamageReader::Read(std::string_view instance, size_t position) {
  const Expected<FaultCalls> calls = ParseFaults(instance, FaultForm::kInstance);
  if (!calls) return std::unexpected(calls.error());
  Damage damage;
  for (const FaultCall& call : *calls) {
    const FaultType& type = TypeOf(call);
    switch (type.scope) {
      case FaultScope::kCrash:
        break;
      case FaultScope::kSyncs: {
        const uint64_t number = NumberOf(call, FaultForm::kInstance, "from");
        if (number > syncs_.size()) {
          return Fail(ErrorCode::kCorrupt, fmt::format("there is no sync {} in the run", number));
        }
        damage.lies_from = syncs_[number - 1];
        break;
      }
      case FaultScope::kTear:
        damage.cuts_sectors = true;
        break;
      case FaultScope::kPages: {
        Expected<std::vector<BytePatch>> patches = type.patches(SiteAt(position), call);
        if (!patches) return std::unexpected(patches.error());
        std::ranges::move(*patches, std::back_inserter(damage.patches));
        break;
      }
    }
  }
  return damage;
}

void Apply(const std::vector<BytePatch>& patches, Image& image) {
  for (const BytePatch& patch : patches) {
    const auto file = image.files.find(patch.inode);
    if (file != image.files.end()) file->second.Store(patch.offset_bytes, patch.bytes);
  }
}

}  // namespace plugpull
