// What the tests and benchmarks of the SQLite engine share.
#pragma once

#include <map>
#include <string>

#include "engine/sqlite/sqlite_engine.h"

namespace plugpull {

// Returns: the default options of the SQLite engine, with those in `changes` replaced.
inline EngineOptions SqliteOptions(const EngineOptions& changes = {}) {
  EngineOptions options = changes;
  for (const OptionSpec& spec : SqliteType().options()) {
    options.emplace(spec.name, spec.default_value);  // keeps what is there
  }
  return options;
}

using Pairs = std::map<std::string, std::string>;

// Collects what Engine::Scan shows.
class PairCollector final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    pairs_[Text(key)] = Text(value);
  }
  const Pairs& pairs() const { return pairs_; }

 private:
  static std::string Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  Pairs pairs_;
};

// Returns: everything in the store. Requires: `engine` is open.
inline Expected<Pairs> ContentsOf(Engine& engine) {
  PairCollector collector;
  if (auto scanned = engine.Scan(collector); !scanned) return std::unexpected(scanned.error());
  return collector.pairs();
}

}  // namespace plugpull
