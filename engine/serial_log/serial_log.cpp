#include "engine/serial_log/serial_log.h"

#include "engine/serial_log/store.h"
#include "faults/base/assert.h"

namespace plugpull {
namespace serial_log {
namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kValueBytesMax = size_t{1} << 20;

Expected<void> CheckLimits(const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (change.key.size() > kKeyBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "key too large");
    }
    if (change.value && change.value->size() > kValueBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "value too large");
    }
  }
  return {};
}

class SerialLogEngine final : public Engine {
 public:
  SerialLogEngine(Vfs& vfs, const Options& options) : options_(options), store_(vfs, options_) {}

  Expected<void> Open() override { return store_.Open(); }

  Expected<void> Apply(const Transaction& transaction) override {
    const Expected<TransactionId> id = Change(transaction);
    if (!id) return std::unexpected(id.error());
    if (options_.two_phase) {
      if (Expected<void> prepared = store_.Prepare(*id); !prepared) return prepared;
    }
    if (Expected<void> committed = store_.Commit(*id); !committed) return committed;
    const std::vector<Step>& group =
        options_.schedule.groups[transactions_++ % options_.schedule.groups.size()];
    for (const Step& step : group) {
      if (Expected<void> done = store_.Run(step); !done) return done;
    }
    return {};
  }

  uint32_t Pending() const override { return store_.unacknowledged(); }

  Expected<void> Scan(PairVisitor& visitor) override { return store_.Scan(visitor); }

  // The changes are in the log, as those of a transaction that ran for some time.
  Expected<bool> Rollback(const Transaction& transaction) override {
    const Expected<TransactionId> id = Change(transaction);
    if (!id) return std::unexpected(id.error());
    Expected<void> done = store_.WriteChanges(*id);
    if (done) done = store_.Rollback(*id);
    if (!done) return std::unexpected(done.error());
    return true;
  }

  Expected<CheckReport> Check() override { return store_.Check(); }

  Expected<void> Close() override { return store_.Close(); }

 private:
  // Makes the changes in a transaction of its own. Nobody is left to decide what a crash left
  // prepared, so it is rolled back first.
  Expected<TransactionId> Change(const Transaction& transaction) {
    if (Expected<void> checked = CheckLimits(transaction); !checked) {
      return std::unexpected(checked.error());
    }
    for (const TransactionId prepared : store_.Prepared()) {
      Expected<void> done = store_.Rollback(prepared);
      if (!done) return std::unexpected(done.error());
    }
    const TransactionId id = store_.Begin();
    for (const plugpull::Change& change : transaction.changes) {
      Expected<void> done =
          change.value ? store_.Put(id, change.key, *change.value) : store_.Delete(id, change.key);
      if (!done) return std::unexpected(done.error());
    }
    return id;
  }

  const Options options_;
  RecordStore store_;
  size_t transactions_ = 0;
};

class SerialLogEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "serial_log"; }
  std::string_view description() const override {
    return "Falcon's serial log: two log files, gopher and checkpoint in steps, logical redo";
  }
  const std::vector<OptionSpec>& options() const override { return OptionSpecs(); }
  Expected<void> CheckOptions(const EngineOptions& options) const override {
    const Expected<Options> parsed = ParseOptions(options);
    if (!parsed) return std::unexpected(parsed.error());
    return {};
  }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    const Expected<Options> parsed = ParseOptions(options);
    Assert(parsed.has_value(), "the options were checked");
    return std::make_unique<SerialLogEngine>(vfs, *parsed);
  }
  std::string RoleOf(std::string_view path) const override {
    if (path == kTablespacePath || path == kNewTablespacePath) return "tablespace";
    return path == kLogPaths[0] || path == kLogPaths[1] ? "log" : "unknown";
  }
};

}  // namespace
}  // namespace serial_log

const EngineType& SerialLogType() {
  static const serial_log::SerialLogEngineType type;
  return type;
}

}  // namespace plugpull
