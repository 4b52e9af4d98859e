// Readers that stay open while others write: each shows for as long as it is open what was
// committed when it was opened, or the store is broken, without any crash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "harness/content.h"

namespace plugpull {

// One reader, and what it showed when it was opened. It must go before its engine does.
class Reader {
 public:
  // Returns: a reader of what is committed now; nothing: the engine has no readers.
  // Errors: the engine's, on opening the snapshot or on the first scan of it.
  // Requires: the engine is open and outlives the reader.
  static Expected<std::optional<Reader>> Open(Engine& engine);

  // Reads everything again. Returns: how it differs from `before`, by its first key; nothing if it
  // does not. A scan that fails is a difference, too.
  std::optional<std::string> DifferenceFrom(const Content& before);

  // The same, from what the reader showed when it was opened.
  std::optional<std::string> Change();

 private:
  Reader(std::unique_ptr<Snapshot> snapshot, Content content);

  std::unique_ptr<Snapshot> snapshot_;
  Content content_;
  ContentDigest digest_;
};

}  // namespace plugpull
