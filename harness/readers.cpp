#include "harness/readers.h"

#include <fmt/format.h>

#include <utility>

namespace plugpull {
namespace {

// Returns: the first key that differs, in words. Requires: some key does.
std::string Difference(const Content& before, const Content& now) {
  auto was = before.begin();
  auto is = now.begin();
  while (was != before.end() && is != now.end() && *was == *is) {
    ++was;
    ++is;
  }
  const bool is_gone = was != before.end() && (is == now.end() || was->first < is->first);
  if (is_gone) return fmt::format("key '{}' is gone", ShownKey(was->first));
  const bool is_new = was == before.end() || is->first < was->first;
  if (is_new) return fmt::format("key '{}' is there, which was not", ShownKey(is->first));
  return fmt::format("key '{}' has another value", ShownKey(was->first));
}

}  // namespace

Reader::Reader(std::unique_ptr<Snapshot> snapshot, Content content)
    : snapshot_(std::move(snapshot)), content_(std::move(content)), digest_(DigestOf(content_)) {}

Expected<std::optional<Reader>> Reader::Open(Engine& engine) {
  Expected<std::unique_ptr<Snapshot>> snapshot = engine.OpenSnapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (*snapshot == nullptr) return std::nullopt;
  ContentVisitor visitor;
  if (const Expected<void> scanned = (*snapshot)->Scan(visitor); !scanned) {
    return std::unexpected(scanned.error());
  }
  return Reader(std::move(*snapshot), std::move(visitor.content()));
}

std::optional<std::string> Reader::DifferenceFrom(const Content& before) {
  ContentVisitor visitor;
  if (const Expected<void> scanned = snapshot_->Scan(visitor); !scanned) {
    return fmt::format("reading failed: {}", Describe(scanned.error()));
  }
  if (visitor.duplicates()) return "it shows the same key twice";
  if (visitor.content() == before) return std::nullopt;
  return Difference(before, visitor.content());
}

std::optional<std::string> Reader::Change() {
  DigestVisitor visitor;  // a scan for the digest copies nothing
  const Expected<void> scanned = snapshot_->Scan(visitor);
  if (scanned && visitor.digest() == digest_) return std::nullopt;
  return DifferenceFrom(content_);
}

}  // namespace plugpull
