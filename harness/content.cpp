#include "harness/content.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "faults/base/random.h"

namespace plugpull {
namespace {

uint64_t HashPair(std::span<const std::byte> key, std::span<const std::byte> value) {
  const uint64_t key_hash = XXH3_64bits(key.data(), key.size());
  const uint64_t value_hash = XXH3_64bits(value.data(), value.size());
  return Mix64(key_hash ^ Mix64(value_hash + 0x51ed27));
}

}  // namespace

void ContentDigest::Add(std::span<const std::byte> key, std::span<const std::byte> value) {
  sum += HashPair(key, value);
  ++pairs;
}

void ContentDigest::Remove(std::span<const std::byte> key, std::span<const std::byte> value) {
  sum -= HashPair(key, value);
  --pairs;
}

void ContentVisitor::OnPair(std::span<const std::byte> key, std::span<const std::byte> value) {
  std::string key_text(reinterpret_cast<const char*>(key.data()), key.size());
  std::string value_text(reinterpret_cast<const char*>(value.data()), value.size());
  const bool inserted =
      content_.insert_or_assign(std::move(key_text), std::move(value_text)).second;
  duplicates_ = duplicates_ || !inserted;
}

void ApplyTo(Content& content, const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (change.value) {
      content[change.key] = *change.value;
    } else {
      content.erase(change.key);
    }
  }
}

ContentDigest DigestOf(const Content& content) {
  ContentDigest digest;
  for (const auto& [key, value] : content) {
    digest.Add(std::as_bytes(std::span(key)), std::as_bytes(std::span(value)));
  }
  return digest;
}

std::string ShownKey(const std::string& key) {
  std::string text;
  for (const char c : key) {
    if (c >= 0x20 && c < 0x7f) {
      text.push_back(c);
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace plugpull
