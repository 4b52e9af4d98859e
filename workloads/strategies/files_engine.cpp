#include "workloads/strategies/files_engine.h"

#include "faults/base/assert.h"
#include "workloads/strategies/files_options.h"
#include "workloads/strategies/files_store.h"

namespace plugpull {
namespace strategies {
namespace {

std::unique_ptr<Engine> MakeStore(Vfs& vfs, const FilesOptions& options) {
  switch (options.protocol) {
    case Protocol::kInPlace:
      return MakeInPlace(vfs, options);
    case Protocol::kAppend:
    case Protocol::kPreallocated:
      return MakeAppend(vfs, options);
    case Protocol::kReplace:
      return MakeReplace(vfs, options);
    case Protocol::kDoubleWrite:
      return MakeDoubleWrite(vfs, options);
    case Protocol::kWal:
      return MakeWal(vfs, options);
    case Protocol::kManifest:
      return MakeManifest(vfs, options);
  }
  return nullptr;
}

class FilesEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "files"; }
  std::string_view description() const override {
    return "a key-value store in plain files, by the update protocol that is asked for";
  }
  const std::vector<OptionSpec>& options() const override { return FilesOptionSpecs(); }

  Expected<void> CheckOptions(const EngineOptions& options) const override {
    const Expected<FilesOptions> parsed = ParseFilesOptions(options);
    return parsed ? Expected<void>() : std::unexpected(parsed.error());
  }

  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    const Expected<FilesOptions> parsed = ParseFilesOptions(options);
    Assert(parsed.has_value(), "options were checked when the target was parsed");
    return MakeStore(vfs, *parsed);
  }

  std::string RoleOf(std::string_view path) const override {
    if (path.ends_with(".tmp")) path.remove_suffix(4);
    if (path.starts_with("MANIFEST-")) return "manifest";
    if (path.ends_with(".data")) return "data";
    if (path.starts_with("log")) return "log";
    if (path == "CURRENT") return "pointer";
    if (path == "journal" || path == "table" || path == "state") return std::string(path);
    return "other";
  }
};

}  // namespace
}  // namespace strategies

const EngineType& FilesType() {
  static const strategies::FilesEngineType type;
  return type;
}

}  // namespace plugpull
