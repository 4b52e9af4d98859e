#include "harness/convergence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "faults/vfs/memory_vfs.h"
#include "harness/limited_vfs.h"

namespace plugpull {
namespace {

constexpr size_t kAttempts = 6;

struct Attempt {
  bool opened = false;
  uint64_t changes = 0;
  uint64_t written_bytes = 0;
  Image left;
};

Attempt Open(const Image& image, const Target& target, uint64_t most_changes) {
  MemoryVfs memory(image);
  LimitedVfs vfs(memory, most_changes);
  std::unique_ptr<Engine> engine = target.Create(vfs);
  Attempt attempt;
  attempt.opened = engine->Open().has_value();
  engine.reset();
  attempt.changes = vfs.changes();
  attempt.written_bytes = vfs.written_bytes();
  attempt.left = memory.image();
  return attempt;
}

}  // namespace

std::optional<Violation> CheckConvergence(const Image& image, const Target& target) {
  std::vector<uint64_t> work;
  Image left = image;
  while (work.size() < kAttempts) {
    const Attempt whole = Open(left, target, LimitedVfs::kNoLimit);
    const uint64_t now = whole.changes + whole.written_bytes;
    if (!whole.opened || whole.changes == 0) return std::nullopt;
    if (!work.empty() && now <= work.back()) return std::nullopt;
    work.push_back(now);
    left = Open(left, target, whole.changes - 1).left;
  }
  return Violation{ViolationClass::kNeverConverges,
                   fmt::format("cut short before its last change, each recovery has more to do "
                               "than the one before: {} changes and bytes",
                               fmt::join(work, ", "))};
}

}  // namespace plugpull
