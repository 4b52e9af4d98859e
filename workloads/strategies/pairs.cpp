#include "workloads/strategies/pairs.h"

#include "faults/base/bytes.h"

namespace plugpull::strategies {
namespace {

constexpr uint32_t kPairsMagic = 0x53505050;  // "PPPS"

Expected<std::string> TakeKey(ByteReader& reader) {
  Expected<std::string> key = reader.TakeString();
  if (key && key->empty()) return Fail(ErrorCode::kCorrupt, "a key is empty");
  return key;
}

}  // namespace

void ApplyTo(Pairs& pairs, const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (change.value) {
      pairs[change.key] = *change.value;
    } else {
      pairs.erase(change.key);
    }
  }
}

std::vector<std::byte> EncodeTransaction(const Transaction& transaction) {
  ByteWriter writer;
  writer.PutVarint(transaction.changes.size());
  for (const Change& change : transaction.changes) {
    writer.PutString(change.key);
    writer.PutU8(change.value ? 1 : 0);
    if (change.value) writer.PutString(*change.value);
  }
  return writer.Take();
}

std::vector<std::byte> EncodePairs(const Pairs& pairs) {
  ByteWriter writer;
  writer.PutU32(kPairsMagic);
  writer.PutVarint(pairs.size());
  for (const auto& [key, value] : pairs) {
    writer.PutString(key);
    writer.PutString(value);
  }
  return writer.Take();
}

Expected<void> ApplyEncoded(std::span<const std::byte> bytes, Pairs& pairs) {
  ByteReader reader(bytes);
  const Expected<size_t> count = reader.TakeCount(2);
  if (!count) return std::unexpected(count.error());
  for (size_t i = 0; i < *count; ++i) {
    const Expected<std::string> key = TakeKey(reader);
    if (!key) return std::unexpected(key.error());
    const Expected<uint8_t> is_put = reader.TakeU8();
    if (!is_put || *is_put > 1) return Fail(ErrorCode::kCorrupt, "a change of no known kind");
    if (*is_put == 0) {
      pairs.erase(*key);
      continue;
    }
    Expected<std::string> value = reader.TakeString();
    if (!value) return std::unexpected(value.error());
    pairs[*key] = *std::move(value);
  }
  return reader.ExpectEnd();
}

Expected<Pairs> DecodePairs(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const Expected<uint32_t> magic = reader.TakeU32();
  if (!magic || *magic != kPairsMagic) return Fail(ErrorCode::kCorrupt, "this is no store");
  const Expected<size_t> count = reader.TakeCount(2);
  if (!count) return std::unexpected(count.error());
  Pairs pairs;
  for (size_t i = 0; i < *count; ++i) {
    Expected<std::string> key = TakeKey(reader);
    if (!key) return std::unexpected(key.error());
    Expected<std::string> value = reader.TakeString();
    if (!value) return std::unexpected(value.error());
    const bool is_in_order = pairs.empty() || pairs.rbegin()->first < *key;
    if (!is_in_order) return Fail(ErrorCode::kCorrupt, "the keys are out of order");
    pairs.emplace_hint(pairs.end(), *std::move(key), *std::move(value));
  }
  if (Expected<void> end = reader.ExpectEnd(); !end) return std::unexpected(end.error());
  return pairs;
}

}  // namespace plugpull::strategies
