// manifest: each transaction is a data file, synced, and becomes part of the store by a record in
// the manifest, synced. CURRENT names the manifest; a new one takes over by rename.
#include <fmt/format.h>

#include <charconv>

#include "faults/base/bytes.h"
#include "faults/vfs/whole_calls.h"
#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"
#include "workloads/strategies/record_log.h"

namespace plugpull::strategies {
namespace {

constexpr std::string_view kCurrent = "CURRENT";

std::string DataName(uint64_t number) { return fmt::format("{:06}.data", number); }
std::string ManifestName(uint64_t number) { return fmt::format("MANIFEST-{:06}", number); }

std::vector<std::byte> DataReference(uint64_t number) {
  ByteWriter writer;
  writer.PutU64(number);
  return writer.Take();
}

class ManifestStore final : public FilesStore {
 public:
  using FilesStore::FilesStore;

  Expected<void> Open() override {
    const auto current = vfs().Open(kCurrent, {});
    if (!current && current.error().code == ErrorCode::kNotFound) return StartManifest({});
    if (!current) return std::unexpected(current.error());
    const Expected<std::vector<std::byte>> bytes = ReadFile(**current);
    if (!bytes) return std::unexpected(bytes.error());
    const std::string_view text = AsText(*bytes);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number_);
    const bool is_whole = error == std::errc() && end + 1 == text.data() + text.size();
    if (!is_whole || *end != '\n' || number_ == 0) {
      return Fail(ErrorCode::kCorrupt, "CURRENT names no manifest");
    }
    return LoadManifest();
  }

 protected:
  Expected<void> Commit(const Transaction& transaction, const Pairs& after) override {
    if (data_.size() > options().every) return StartManifest(after);
    const uint64_t number = next_data_;
    if (Expected<void> made = WriteData(number, EncodeTransaction(transaction)); !made) {
      return made;
    }
    if (Expected<void> synced = SyncNames(); !synced) return synced;
    LogPosition end = end_;
    const std::vector<std::byte> record = EncodeRecord(DataReference(number), end);
    if (Expected<void> written = WriteFully(*manifest_, end_.offset_bytes, record); !written) {
      return written;
    }
    if (Expected<void> synced = SyncWritten(*manifest_, options().sync, 0, 0); !synced) {
      return synced;
    }
    end_ = end;
    data_.push_back(number);
    next_data_ = number + 1;
    return {};
  }

 private:
  Expected<void> SyncNames() {
    return options().sync_directory ? vfs().SyncDirectory("") : Expected<void>();
  }

  static FileSync When(bool synced) { return synced ? FileSync::kFull : FileSync::kNone; }

  Expected<void> WriteData(uint64_t number, std::span<const std::byte> payload) {
    LogPosition position = LogPosition::Start(number);
    const std::vector<std::byte> record = EncodeRecord(payload, position);
    const auto file = CreateFile(vfs(), DataName(number), record, When(options().sync_before));
    return file ? Expected<void>() : std::unexpected(file.error());
  }

  // Returns: the payload of a data file. Errors: kCorrupt when it is not whole.
  Expected<std::vector<std::byte>> ReadData(uint64_t number) {
    const auto file = vfs().Open(DataName(number), {});
    if (!file) return std::unexpected(file.error());
    LogReader reader(**file, LogPosition::Start(number), /*checksums=*/true);
    const Expected<bool> is_whole = reader.Next();
    if (!is_whole) return std::unexpected(is_whole.error());
    if (!*is_whole) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} is damaged", DataName(number)));
    }
    return std::vector<std::byte>(reader.payload().begin(), reader.payload().end());
  }

  Expected<void> LoadManifest() {
    Expected<std::unique_ptr<VfsFile>> manifest = vfs().Open(ManifestName(number_), {});
    if (!manifest) return std::unexpected(manifest.error());
    manifest_ = *std::move(manifest);
    LogReader reader(*manifest_, LogPosition::Start(number_), /*checksums=*/true);
    while (true) {
      const Expected<bool> next = reader.Next();
      if (!next) return std::unexpected(next.error());
      if (!*next) break;
      ByteReader reference(reader.payload());
      const Expected<uint64_t> number = reference.TakeU64();
      if (!number) return std::unexpected(number.error());
      data_.push_back(*number);
    }
    if (data_.empty()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} is damaged", ManifestName(number_)));
    }
    end_ = reader.position();
    next_data_ = data_.back() + 1;
    return LoadData();
  }

  // The first data file is a snapshot, the others are transactions.
  Expected<void> LoadData() {
    Pairs pairs;
    for (size_t i = 0; i < data_.size(); ++i) {
      const Expected<std::vector<std::byte>> payload = ReadData(data_[i]);
      if (!payload) return std::unexpected(payload.error());
      if (i > 0) {
        if (Expected<void> applied = ApplyEncoded(*payload, pairs); !applied) return applied;
        continue;
      }
      Expected<Pairs> snapshot = DecodePairs(*payload);
      if (!snapshot) return std::unexpected(snapshot.error());
      pairs = *std::move(snapshot);
    }
    SetContents(std::move(pairs));
    return {};
  }

  // Writes a snapshot and a manifest that holds nothing else, and lets CURRENT name it.
  Expected<void> StartManifest(const Pairs& pairs) {
    const uint64_t data = next_data_;
    const uint64_t number = number_ + 1;
    if (Expected<void> made = WriteData(data, EncodePairs(pairs)); !made) return made;
    LogPosition end = LogPosition::Start(number);
    const std::vector<std::byte> record = EncodeRecord(DataReference(data), end);
    Expected<std::unique_ptr<VfsFile>> manifest =
        CreateFile(vfs(), ManifestName(number), record, options().sync);
    if (!manifest) return std::unexpected(manifest.error());
    // The names that CURRENT will lead to, before CURRENT does.
    if (Expected<void> synced = SyncNames(); !synced) return synced;
    const std::string current = fmt::format("{}\n", number);
    const Expected<void> replaced = ReplaceFile(
        vfs(), kCurrent, AsBytes(current), When(options().sync_after), options().sync_directory);
    if (!replaced) return replaced;
    if (Expected<void> removed = RemoveOld(); !removed) return removed;
    manifest_ = *std::move(manifest);
    number_ = number;
    end_ = end;
    data_ = {data};
    next_data_ = data + 1;
    return {};
  }

  Expected<void> RemoveOld() {
    for (const uint64_t number : data_) {
      if (Expected<void> removed = vfs().Unlink(DataName(number)); !removed) return removed;
    }
    return manifest_ == nullptr ? Expected<void>() : vfs().Unlink(ManifestName(number_));
  }

  std::unique_ptr<VfsFile> manifest_;
  uint64_t number_ = 0;  // of the manifest
  LogPosition end_;      // of the manifest
  std::vector<uint64_t> data_;
  uint64_t next_data_ = 1;
};

}  // namespace

std::unique_ptr<Engine> MakeManifest(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<ManifestStore>(vfs, options);
}

}  // namespace plugpull::strategies
