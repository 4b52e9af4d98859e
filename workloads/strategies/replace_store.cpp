// replace: the whole store is written to state.tmp and renamed over state. There is no checksum:
// that the file is whole rests on its sync alone.
#include <fmt/format.h>

#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"

namespace plugpull::strategies {
namespace {

constexpr std::string_view kState = "state";

class ReplaceStore final : public FilesStore {
 public:
  using FilesStore::FilesStore;

  Expected<void> Open() override {
    const auto file = vfs().Open(kState, {});
    if (!file && file.error().code == ErrorCode::kNotFound) return Write({});
    if (!file) return std::unexpected(file.error());
    const Expected<std::vector<std::byte>> bytes = ReadFile(**file);
    if (!bytes) return std::unexpected(bytes.error());
    Expected<Pairs> pairs = DecodePairs(*bytes);
    if (!pairs) {
      return Fail(ErrorCode::kCorrupt, fmt::format("state is damaged: {}", pairs.error().context));
    }
    SetContents(*std::move(pairs));
    return {};
  }

 protected:
  Expected<void> Commit(const Transaction& /*transaction*/, const Pairs& after) override {
    return Write(after);
  }

 private:
  Expected<void> Write(const Pairs& pairs) {
    return ReplaceFile(vfs(), kState, EncodePairs(pairs), options().sync, options().sync_directory);
  }
};

}  // namespace

std::unique_ptr<Engine> MakeReplace(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<ReplaceStore>(vfs, options);
}

}  // namespace plugpull::strategies
