#include "harness/check_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/persistence/materialise.h"
#include "harness/image_judge.h"

namespace plugpull {

CheckInput::CheckInput(const Trace& trace, const ExploreSettings& settings) {
  const bool prints_lines = settings.target.empty();
  for (size_t i = 0; i < trace.transactions.size(); ++i) {
    const std::vector<Change>& changes = trace.transactions[i].changes;
    text_ += prints_lines && changes.size() == 1 ? changes.front().key : std::to_string(i + 1);
    text_ += '\n';
    ends_.push_back(text_.size());
  }
}

std::string_view CheckInput::Lines(uint32_t acknowledged) const {
  const size_t count = std::min<size_t>(acknowledged, ends_.size());
  return std::string_view(text_).substr(0, count == 0 ? 0 : ends_[count - 1]);
}

Expected<std::vector<std::string>> DoubtsOf(const Trace& trace, const ExploreSettings& settings) {
  if (settings.check.empty()) return std::vector<std::string>();
  const ReferenceModel model(trace.transactions);
  Expected<std::unique_ptr<ImageJudge>> judge = MakeImageJudge(trace, model, settings);
  if (!judge) return std::unexpected(judge.error());
  Window window;
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kAcknowledge) window.acknowledged = op.transaction;
  }
  window.attempted = window.acknowledged;
  const Image whole = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
  const Expected<Judgement> undamaged = (*judge)->Judge(whole, window);
  if (!undamaged) return std::unexpected(undamaged.error());
  if (undamaged->violation) {
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("the check does not accept what the program left without any crash: "
                            "{}; run '{}' there by hand, with the lines that the program printed "
                            "on its standard input, until it exits with status 0",
                            undamaged->violation->message, settings.check));
  }
  Image truncated = whole;
  for (auto& [inode, content] : truncated.files) content.Truncate(content.size_bytes() / 2);
  bool accepts_all = window.acknowledged > 0;
  for (const Image& image : {Image(), truncated}) {
    const Expected<Judgement> damaged = (*judge)->Judge(image, window);
    if (!damaged) return std::unexpected(damaged.error());
    accepts_all = accepts_all && !damaged->violation;
  }
  std::vector<std::string> doubts;
  if (accepts_all) {
    doubts.push_back(
        "this check accepts an empty directory and a truncated one, though the program has "
        "acknowledged something: it may never fail");
  }
  return doubts;
}

}  // namespace plugpull
