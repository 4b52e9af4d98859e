#include "faults/litmus/witness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

namespace plugpull {
namespace {

const char* WordFor(AtomKind kind) {
  switch (kind) {
    case AtomKind::kInode:
      return "inode";
    case AtomKind::kName:
      return "name";
    case AtomKind::kData:
      return "bytes";
    case AtomKind::kSize:
      return "size";
    case AtomKind::kTruncate:
      return "truncation";
    case AtomKind::kZero:
      return "zeros";
    case AtomKind::kClone:
      return "shared bytes";
    case AtomKind::kAttribute:
      return "attribute";
    case AtomKind::kFill:
      return "clearing of new blocks";
  }
  return "";
}

struct Count {
  int kept = 0;
  int all = 0;
};

std::string DescribeOperation(const std::map<AtomKind, Count>& counts) {
  std::vector<std::string> lost;
  int kept = 0;
  for (const auto& [kind, count] : counts) {
    kept += count.kept;
    if (count.kept == count.all) continue;
    lost.push_back(count.all == 1 ? WordFor(kind)
                                  : fmt::format("{} ({} of {})", WordFor(kind),
                                                count.all - count.kept, count.all));
  }
  if (lost.empty()) return "kept";
  return kept == 0 ? "lost" : fmt::format("lost {}", fmt::join(lost, ", "));
}

}  // namespace

std::string DescribeState(const Litmus& litmus, const CrashGraph& graph) {
  std::map<uint32_t, std::map<AtomKind, Count>> counts;  // by operation
  for (const Atom& atom : graph.atoms()) {
    Count& count = counts[atom.id.op][atom.id.kind];
    ++count.all;
    if (graph.constraints().fate(atom.variable) == Fate::kKept) ++count.kept;
  }
  const std::map<InodeId, std::string> names = LastNames(litmus.trace);
  std::vector<std::string> parts;
  for (size_t i = litmus.first_op; i < litmus.crash_at; ++i) {
    const auto found = counts.find(static_cast<uint32_t>(i));
    if (found == counts.end()) continue;  // durable, or changes nothing on disk
    parts.push_back(fmt::format("{}: {}", Describe(litmus.trace.ops[i], names),
                                DescribeOperation(found->second)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace plugpull
