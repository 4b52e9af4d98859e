// What the stores of all protocols share: the contents are in memory, the files are how they
// survive. A protocol is one class derived from FilesStore.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "workloads/strategies/files_options.h"
#include "workloads/strategies/pairs.h"

namespace plugpull::strategies {

class FilesStore : public Engine {
 public:
  FilesStore(Vfs& vfs, const FilesOptions& options) : vfs_(vfs), options_(options) {}

  Expected<void> Apply(const Transaction& transaction) final;
  Expected<void> Scan(PairVisitor& visitor) final;
  Expected<CheckReport> Check() final;
  Expected<void> Close() override { return {}; }

 protected:
  // Writes a transaction and syncs as the options say. `after` is what the store holds with it;
  // contents() is still what it holds without.
  virtual Expected<void> Commit(const Transaction& transaction, const Pairs& after) = 0;

  const Pairs& contents() const { return pairs_; }
  void SetContents(Pairs pairs) { pairs_ = std::move(pairs); }

  // Reports damage that does not keep the store from opening.
  void ReportDamage(std::string what) { damage_.push_back(std::move(what)); }

  Vfs& vfs() { return vfs_; }
  const FilesOptions& options() const { return options_; }

 private:
  Vfs& vfs_;
  FilesOptions options_;
  Pairs pairs_;
  std::vector<std::string> damage_;
};

// The protocols.
std::unique_ptr<Engine> MakeInPlace(Vfs& vfs, const FilesOptions& options);
std::unique_ptr<Engine> MakeAppend(Vfs& vfs, const FilesOptions& options);  // and preallocated
std::unique_ptr<Engine> MakeReplace(Vfs& vfs, const FilesOptions& options);
std::unique_ptr<Engine> MakeDoubleWrite(Vfs& vfs, const FilesOptions& options);
std::unique_ptr<Engine> MakeWal(Vfs& vfs, const FilesOptions& options);
std::unique_ptr<Engine> MakeManifest(Vfs& vfs, const FilesOptions& options);

}  // namespace plugpull::strategies
