// What plugpull tortures: a transactional key-value store over a Vfs. Read this file first; an
// engine is one implementation of Engine and one EngineType in engine/registry.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/transaction.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

struct DriverProgram;  // engine/drivers/driver.h
struct RecoveryStory;  // engine/recovery_story.h
struct Repair;         // engine/repair.h

// Receives the contents of a store, each key once, in any order. The spans are valid during the
// call only.
class PairVisitor {
 public:
  virtual ~PairVisitor() = default;
  virtual void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) = 0;
};

// A reader: the contents of a store as they were when it was opened, whatever is committed since.
class Snapshot {
 public:
  Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  virtual ~Snapshot() = default;  // ends the read transaction

  virtual Expected<void> Scan(PairVisitor& visitor) = 0;
};

// What an engine's own checker says about the open store. Empty means sound.
struct CheckReport {
  std::vector<std::string> structure;  // broken invariants: class `structure`
  std::vector<std::string> leaks;      // space that nothing owns and nothing frees: class `leak`
};

// One store, open or not yet open. Never throws. Whatever the bytes on the Vfs say, a call returns,
// with an error when they make no sense; an engine that crashes or hangs on an image is a finding.
//
// Thread-safety: one thread at a time.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Releases everything without writing: what happens to files when a process exits unasked.
  virtual ~Engine() = default;

  // Opens the store as its users would after a restart: creates it when it is absent, recovers it
  // when it needs that. Errors: the store refuses to open; the text is what a user would see.
  virtual Expected<void> Open() = 0;

  // Runs one transaction and commits it with the durability that the target's options ask for.
  // Success means acknowledged, apart from Pending(). An error means an unknown outcome, not an
  // aborted transaction. Requires: Open succeeded.
  virtual Expected<void> Apply(const Transaction& transaction) = 0;

  // Returns: how many of the transactions applied last are not acknowledged yet, because they wait
  // for others to share a sync with (group commit).
  virtual uint32_t Pending() const { return 0; }

  // Shows the committed contents. Requires: Open succeeded.
  virtual Expected<void> Scan(PairVisitor& visitor) = 0;

  // Returns: a reader of what is committed now; null: the engine has no readers beside its writer.
  // It must go before the engine does. Requires: Open succeeded.
  virtual Expected<std::unique_ptr<Snapshot>> OpenSnapshot() { return nullptr; }

  // Runs one transaction up to its commit, and rolls it back instead: nothing of it may ever be
  // seen. Returns: false, with nothing done: the engine cannot roll back.
  // Requires: Open succeeded.
  virtual Expected<bool> Rollback(const Transaction& /*transaction*/) { return false; }

  // Runs the engine's own structural check. Errors: the check could not run to its end, for
  // example because a read failed; that, too, says that the store is broken.
  // Requires: Open succeeded.
  virtual Expected<CheckReport> Check() = 0;

  // Closes in good order; may write. Requires: Open succeeded. After it only destruction is legal.
  virtual Expected<void> Close() = 0;
};

// One option of a target, as in `sqlite:journal=wal`.
struct OptionSpec {
  std::string name;
  std::vector<std::string> values;  // the legal words; empty: a whole number in [minimum, maximum]
  std::string default_value;
  std::string help;  // one line
  uint64_t minimum = 0;
  uint64_t maximum = 0;  // also 0: any text, and CheckOptions says what is wrong with it
};

// Option values by name; every option of the type is present, checked against its OptionSpec.
using EngineOptions = std::map<std::string, std::string>;

// A kind of engine. Immutable, lives as long as the program.
class EngineType {
 public:
  virtual ~EngineType() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;  // one line for `plugpull list targets`
  virtual const std::vector<OptionSpec>& options() const = 0;

  // Returns: true when a target's first word has no name, as the path in `driver:PATH,k=v`. It is
  // the option "", and the words after it may be any k=v, whatever options() says.
  virtual bool takes_any_option() const { return false; }

  // Errors: kInvalidArgument: values that are legal each, but make no sense together.
  // Requires: `options` are complete, and each fits its OptionSpec.
  virtual Expected<void> CheckOptions(const EngineOptions& /*options*/) const { return {}; }

  // Returns: true when the engine is a program of its own, which is spoken to in lines and works in
  // a real directory (engine/drivers/driver.h).
  virtual bool is_program() const { return false; }

  // Returns: how to start it. Errors: kUnsupported: this machine has not got it.
  // Requires: is_program().
  virtual Expected<DriverProgram> Program(const EngineOptions& options) const;

  // Returns: an unopened store on `vfs`, which must outlive it.
  // Requires: CheckOptions succeeds; not is_program().
  virtual std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const = 0;

  // Returns: the ways to mend a store of this engine that is damaged, the gentlest first.
  virtual std::span<const Repair> repairs() const { return {}; }

  // Returns: the version of the software under test, as in "SQLite 3.40.1"; empty: that of
  // plugpull.
  virtual std::string version() const { return {}; }

  // Tells in the engine's own terms what recovery made of what a crash left: sentences that follow
  // from the facts, "SQLite finds a hot journal and rolls transaction 17 back". Returns: empty
  // where the facts are none that the engine has words for; then they are told by files alone.
  virtual std::string Retell(const RecoveryStory& /*story*/) const { return {}; }

  // Returns: the role of a file of this engine in words ("journal", "log", "store"), for findings
  // that stay the same from night to night. `path` is as the engine named it.
  virtual std::string RoleOf(std::string_view path) const = 0;
};

}  // namespace plugpull
