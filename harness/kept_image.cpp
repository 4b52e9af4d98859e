#include "harness/kept_image.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "faults/doors/image_directory.h"
#include "faults/inject/damage.h"
#include "faults/persistence/materialise.h"

namespace plugpull {
namespace {

Expected<Damage> DamageOf(const Case& saved) {
  if (saved.fault.empty()) return Damage{};
  DamageReader reader(saved.trace);
  return reader.Read(saved.fault, saved.trace.ops.size());
}

// Returns: the name that each file has at the end of the trace.
std::map<InodeId, std::string> PathsIn(const Trace& trace) {
  DamageReader reader(trace);
  std::map<InodeId, std::string> paths;
  for (const SiteFile& file : reader.SiteAt(trace.ops.size()).files) {
    paths.emplace(file.inode, file.path);
  }
  return paths;
}

}  // namespace

Expected<Image> ImageOf(const Case& saved) {
  const Trace trace = LastTrace(saved);
  Image image = Materialise(trace, trace.ops.size(), LastLost(saved), saved.settings.tear);
  const Expected<Damage> damage = DamageOf(saved);
  if (!damage) return std::unexpected(damage.error());
  Apply(damage->patches, image);
  return image;
}

Expected<std::vector<std::string>> TamperedPages(const Case& saved) {
  const Expected<Damage> damage = DamageOf(saved);
  if (!damage) return std::unexpected(damage.error());
  std::set<std::pair<InodeId, uint64_t>> pages;
  for (const BytePatch& patch : damage->patches) {
    const uint64_t end = patch.offset_bytes + patch.bytes.size();
    for (uint64_t at = patch.offset_bytes / kPageBytes; at * kPageBytes < end; ++at) {
      pages.emplace(patch.inode, at);
    }
  }
  const Trace trace = LastTrace(saved);
  const Tear tear = saved.settings.tear;
  for (const AtomId& atom : LastLost(saved)) {
    if (atom.kind != AtomKind::kData) continue;
    const Op& op = trace.ops[atom.op];
    uint64_t begin = op.offset_bytes;
    uint64_t end = begin + op.size_bytes;
    if (tear != Tear::kNone) {
      begin = std::max(begin, (UnitsOf(op, tear).first_unit + atom.index) * UnitBytes(tear));
      end = std::min(end, begin / UnitBytes(tear) * UnitBytes(tear) + UnitBytes(tear));
    }
    for (uint64_t at = begin / kPageBytes; at * kPageBytes < end; ++at) {
      pages.emplace(op.inode, at);
    }
  }
  const std::map<InodeId, std::string> paths = PathsIn(trace);
  std::vector<std::string> names;
  for (const auto& [inode, page] : pages) {
    const auto path = paths.find(inode);
    if (path != paths.end()) names.push_back(fmt::format("page {} of {}", page, path->second));
  }
  return names;
}

Expected<std::string> KeepImage(const std::string& directory, const Case& saved) {
  const Expected<Image> image = ImageOf(saved);
  if (!image) return std::unexpected(image.error());
  const std::string name = "image/" + saved.id;
  const std::filesystem::path kept = std::filesystem::path(directory) / name;
  std::error_code error;
  std::filesystem::create_directories(kept.parent_path(), error);
  if (!error) std::filesystem::remove_all(kept, error);
  if (error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make room for the damaged files in {}: {}",
                                            kept.string(), error.message()));
  }
  Expected<ImageDirectory> shown = ImageDirectory::Create(kept.parent_path().string());
  if (!shown) return std::unexpected(shown.error());
  if (const Expected<void> done = shown->Show(*image); !done) return std::unexpected(done.error());
  std::filesystem::rename(shown->path(), kept, error);
  if (!error) return name;
  return Fail(ErrorCode::kIo, fmt::format("cannot keep the damaged files in {}: {}", kept.string(),
                                          error.message()));
}

}  // namespace plugpull
