// A meta page has a checksum, so that what happened to it can be tried out: which change of one bit
// or byte would make it valid again.
#include <fmt/format.h>

#include <algorithm>

#include "engine/bbolt_file/diagnosis.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kMetaBegin = 16;

enum class Rot : uint8_t { kNone, kBit, kByte };

// Returns: the smallest change that makes the meta valid.
Rot SmallestCure(std::vector<std::byte> bytes) {
  for (size_t at = kMetaBegin; at < kMetaBytes; ++at) {
    const std::byte there = bytes[at];
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = there ^ (std::byte{1} << bit);
      if (LoadMeta(bytes)) return Rot::kBit;
    }
    bytes[at] = there;
  }
  for (size_t at = kMetaBegin; at < kMetaBytes; ++at) {
    const std::byte there = bytes[at];
    for (int value = 0; value < 256; ++value) {
      bytes[at] = static_cast<std::byte>(value);
      if (LoadMeta(bytes)) return Rot::kByte;
    }
    bytes[at] = there;
  }
  return Rot::kNone;
}

Diagnosis ExplainInvalid(const Examination& seen, PageId slot) {
  const std::vector<std::byte>& bytes = seen.metas.bytes[slot];
  Diagnosis diagnosis{.page = slot, .confidence = Confidence::kLikely};
  diagnosis.advice = seen.IsActiveWhole()
                         ? "open it: bbolt uses the other meta; surgery revert-meta mends this one"
                         : "surgery salvage";
  const bool is_zero = slot < seen.census.page_count() && seen.census.At(slot).is_zero;
  const bool is_meta = Load<uint32_t>(bytes.data() + kMetaBegin) == kFormatMagic;
  if (seen.metas.slots[slot].fault == "file size too small") {
    diagnosis.level = FaultLevel::kLyingFlush;
    diagnosis.fault = "file cut short";
    diagnosis.sentence = fmt::format("the file ends before meta {}", slot);
  } else if (is_zero) {
    diagnosis.level = FaultLevel::kZeroedPage;
    diagnosis.fault = "zeroed meta page";
    diagnosis.confidence = Confidence::kCertain;
    diagnosis.sentence = fmt::format(
        "meta page {} is all zeros; bbolt never writes that, and no crash on an honest disk yields "
        "it",
        slot);
  } else if (const Rot rot = SmallestCure(bytes); rot != Rot::kNone) {
    diagnosis.level = FaultLevel::kBitRot;
    diagnosis.fault = "bit rot in a meta page";
    diagnosis.confidence = Confidence::kCertain;
    diagnosis.sentence = fmt::format(
        "one {} of meta {} changed: with it set right, the checksum fits; no crash on an honest "
        "disk yields this",
        rot == Rot::kBit ? "bit" : "byte", slot);
  } else if (is_meta) {
    diagnosis.level = FaultLevel::kSubSectorTear;
    diagnosis.fault = "torn meta page";
    diagnosis.sentence = fmt::format(
        "meta {} is a mixture of two writes inside one sector; a disk that writes sectors whole "
        "cannot do that, memory that is mapped to the file can",
        slot);
  } else {
    diagnosis.level = FaultLevel::kMisdirectedWrite;
    diagnosis.fault = "overwritten meta page";
    diagnosis.sentence = fmt::format(
        "meta page {} holds something else: a write to a wrong place; no crash on an honest disk "
        "yields this",
        slot);
  }
  return diagnosis;
}

// Metas that are valid each, but do not go together.
Diagnosis ExplainOdd(const Examination& seen, const Violation& odd) {
  Diagnosis diagnosis{.page = odd.page, .confidence = Confidence::kLikely};
  diagnosis.advice = seen.IsActiveWhole() ? "compact the file into a new one" : "surgery salvage";
  if (odd.text.find("follow each other") != std::string::npos) {
    const uint64_t first = seen.metas.slots[0].meta->transaction_id;
    const uint64_t second = seen.metas.slots[1].meta->transaction_id;
    diagnosis.level = FaultLevel::kStalePage;
    diagnosis.fault = "stale meta page";
    diagnosis.sentence = fmt::format(
        "meta {} is of transaction {}, {} transactions older than the other: a later write of it "
        "was lost silently; no crash on an honest disk yields this",
        odd.page, std::min(first, second), std::max(first, second) - std::min(first, second));
  } else if (odd.text.find("wrong slots") != std::string::npos) {
    diagnosis.fault = "metas in wrong slots";
    diagnosis.sentence =
        "the metas lie in each other's place: a bug of the software that wrote or copied the file";
  } else {
    diagnosis.level = FaultLevel::kBitRot;
    diagnosis.fault = "bit rot in a meta page";
    diagnosis.sentence = fmt::format(
        "the header of meta page {} is not what bbolt writes, the rest of it is: bytes changed; no "
        "crash on an honest disk yields this",
        odd.page);
  }
  return diagnosis;
}

}  // namespace

void DiagnoseMetas(const Examination& seen, std::vector<Diagnosis>& diagnoses) {
  for (PageId slot = 0; slot < 2; ++slot) {
    if (!seen.metas.IsValid(slot)) diagnoses.push_back(ExplainInvalid(seen, slot));
  }
  std::set<PageId> explained;
  for (const Violation& odd : seen.metas.violations) {
    if (!seen.metas.IsValid(odd.page) || !explained.insert(odd.page).second) continue;
    diagnoses.push_back(ExplainOdd(seen, odd));
  }
}

}  // namespace plugpull::bbolt_file
