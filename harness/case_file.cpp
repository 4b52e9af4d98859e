#include "harness/case_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/trace/call_site.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/case_container.h"
#include "harness/case_json.h"

namespace plugpull {
namespace {

bool HasPayload(OpKind kind) {
  return kind == OpKind::kWrite || kind == OpKind::kSymlink || kind == OpKind::kClone ||
         kind == OpKind::kSetAttribute || kind == OpKind::kSetXattr;
}

Expected<Case> Decode(std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    return Fail(ErrorCode::kCorrupt, "this case is cut short (it is empty); run the target again");
  }
  if (IsCaseContainer(bytes)) return DecodeCaseContainer(bytes);
  const std::string_view text = AsText(bytes);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') {
    return Fail(ErrorCode::kCorrupt, "this is not a plugpull case");
  }
  return DecodeCase(text);
}

}  // namespace

Trace CutTrace(const Trace& trace, size_t position, uint32_t transactions_attempted) {
  Trace cut;
  cut.facts = trace.facts;
  cut.transactions.assign(trace.transactions.begin(),
                          trace.transactions.begin() + transactions_attempted);
  // What was undone before the trace is not part of the history, but has a place in a diagnosis.
  const auto undone = static_cast<ptrdiff_t>(UndoneCount(trace));
  cut.transactions.insert(cut.transactions.end(), trace.transactions.end() - undone,
                          trace.transactions.end());
  cut.ops.assign(trace.ops.begin(), trace.ops.begin() + static_cast<ptrdiff_t>(position));
  uint64_t payload_bytes = 0;
  for (const Op& op : cut.ops) {
    if (!HasPayload(op.kind)) continue;
    payload_bytes = std::max(payload_bytes, op.payload_offset + op.size_bytes);
  }
  cut.payload.assign(trace.payload.begin(),
                     trace.payload.begin() + static_cast<ptrdiff_t>(payload_bytes));
  cut.sites = trace.sites;
  KeepUsedSites(cut);
  return cut;
}

Trace LastTrace(const Case& saved) {
  if (saved.further.empty()) return saved.trace;
  Trace last = saved.further.back().trace;
  last.transactions = saved.trace.transactions;
  return last;
}

const std::vector<AtomId>& LastLost(const Case& saved) {
  return saved.further.empty() ? saved.lost : saved.further.back().lost;
}

Expected<void> SaveCase(const std::string& path, const Case& saved) {
  return WriteFileAtomically(path, AsBytes(EncodeCase(saved)));
}

Expected<Case> LoadCase(const std::string& path) {
  const Expected<std::vector<std::byte>> bytes = ReadWholeFile(path);
  if (!bytes) return std::unexpected(bytes.error());
  Expected<Case> loaded = Decode(*bytes);
  if (!loaded) {
    return Fail(loaded.error().code, fmt::format("{}: {}", path, loaded.error().context));
  }
  return loaded;
}

}  // namespace plugpull
