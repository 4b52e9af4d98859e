// The contents of a store: as a digest, which is compared at every recovery, and in full, which is
// fetched only when digests differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "engine/engine.h"

namespace plugpull {

// A digest of a set of pairs: the order in which they are shown does not matter.
struct ContentDigest {
  uint64_t sum = 0;
  uint64_t pairs = 0;

  bool operator==(const ContentDigest&) const = default;

  void Add(std::span<const std::byte> key, std::span<const std::byte> value);
  void Remove(std::span<const std::byte> key, std::span<const std::byte> value);
};

using Content = std::map<std::string, std::string>;

// Collects the digest of a scan.
class DigestVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    digest_.Add(key, value);
  }
  const ContentDigest& digest() const { return digest_; }

 private:
  ContentDigest digest_;
};

// Collects the full contents of a scan.
class ContentVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override;
  // Returns: true when some key was shown twice.
  bool duplicates() const { return duplicates_; }
  Content& content() { return content_; }

 private:
  Content content_;
  bool duplicates_ = false;
};

// Applies a transaction's changes in order.
void ApplyTo(Content& content, const Transaction& transaction);

ContentDigest DigestOf(const Content& content);

// Returns: a key as messages show it.
std::string ShownKey(const std::string& key);

}  // namespace plugpull
