#include "engine/serial_log/store_files.h"

#include <fmt/format.h>

#include "faults/vfs/whole_calls.h"

namespace plugpull::serial_log {
namespace {

Expected<std::unique_ptr<VfsFile>> OpenLocked(Vfs& vfs, const char* path, OpenOptions how) {
  Expected<std::unique_ptr<VfsFile>> file = RetryInterrupted([&] { return vfs.Open(path, how); });
  if (!file) return file;
  const Expected<bool> locked = (*file)->Lock(LockLevel::kExclusive);
  if (!locked) return std::unexpected(locked.error());
  if (!*locked) return Fail(ErrorCode::kBusy, "the store is open elsewhere");
  return file;
}

Expected<void> OpenLogs(Vfs& vfs, OpenOptions how, StoreFiles& files) {
  for (size_t index = 0; index < files.logs.size(); ++index) {
    Expected<std::unique_ptr<VfsFile>> log =
        RetryInterrupted([&] { return vfs.Open(kLogPaths[index], how); });
    if (!log) return std::unexpected(log.error());
    files.logs[index] = *std::move(log);
  }
  return {};
}

// Writes the pages of an empty tablespace, and makes them durable.
Expected<void> InitialiseTablespace(VfsFile& file, const Options& options) {
  const size_t page_size = options.page_size_bytes;
  std::vector<std::byte> pages(kFirstFreePage * page_size);
  const auto page = [&](PageNumber number) {
    return MutableBytes(pages).subspan(static_cast<size_t>(number) * page_size, page_size);
  };
  FormatPage(page(kHeaderPage), PageType::kHeader, kHeaderPage);
  StoreTablespaceHeader(page(kHeaderPage),
                        {.page_size_bytes = options.page_size_bytes, .sections = options.sections});
  FormatPage(page(kInventoryPage), PageType::kInventory, kInventoryPage);
  for (PageNumber each = 0; each < kFirstFreePage; ++each) {
    SetInUse(page(kInventoryPage), each, true);
  }
  FormatPage(page(kSectionRoot), PageType::kSection, kSectionRoot);
  StoreSectionHeader(page(kSectionRoot), SectionHeader{.section = -1, .level = 1});
  FormatPage(page(kIndexRoot), PageType::kIndex, kIndexRoot);
  for (PageNumber each = 0; each < kFirstFreePage && options.page_checksum; ++each) {
    PageHeader header = LoadPageHeader(page(each));
    header.checksum = ChecksumOfPage(page(each));
    StorePageHeader(page(each), header);
  }
  if (Expected<void> written = WriteFully(file, 0, pages); !written) return written;
  return file.Sync(SyncKind::kFull);
}

// A log may be there without a tablespace: of a store that somebody removed in part.
Expected<void> EmptyLog(VfsFile& log) {
  const Expected<uint64_t> size = log.Size();
  if (!size) return std::unexpected(size.error());
  if (*size == 0) return {};
  if (Expected<void> cut = log.Truncate(0); !cut) return cut;
  return log.Sync(SyncKind::kFull);
}

Expected<StoreFiles> CreateStore(Vfs& vfs, const Options& options) {
  StoreFiles files;
  Expected<void> opened = OpenLogs(vfs, {.create = true}, files);
  if (!opened) return std::unexpected(opened.error());
  for (const std::unique_ptr<VfsFile>& log : files.logs) {
    if (Expected<void> emptied = EmptyLog(*log); !emptied) return std::unexpected(emptied.error());
  }
  Expected<std::unique_ptr<VfsFile>> tablespace =
      OpenLocked(vfs, kNewTablespacePath, {.create = true, .truncate = true});
  if (!tablespace) return std::unexpected(tablespace.error());
  Expected<void> done = InitialiseTablespace(**tablespace, options);
  if (done) done = vfs.SyncDirectory("");
  if (done) done = vfs.Rename(kNewTablespacePath, kTablespacePath);
  if (done) done = vfs.SyncDirectory("");
  if (!done) return std::unexpected(done.error());
  files.tablespace = *std::move(tablespace);
  files.header = {.page_size_bytes = options.page_size_bytes, .sections = options.sections};
  files.tablespace_bytes = uint64_t{kFirstFreePage} * options.page_size_bytes;
  files.is_new = true;
  return files;
}

Expected<TablespaceHeader> ReadHeader(VfsFile& file) {
  std::array<std::byte, kTablespaceHeaderBytes> bytes;
  const Expected<size_t> read = ReadFully(file, 0, bytes);
  if (!read) return std::unexpected(read.error());
  if (*read == bytes.size()) {
    const TablespaceHeader header = LoadTablespaceHeader(bytes);
    const bool can_be = header.magic == kFormatMagic && header.version == kFormatVersion &&
                        IsPageSize(header.page_size_bytes) && header.sections > 0 &&
                        header.sections <= kSectionsMax;
    if (can_be) return header;
  }
  return Fail(ErrorCode::kCorrupt, fmt::format("{} is no tablespace", kTablespacePath));
}

}  // namespace

Expected<StoreFiles> OpenStoreFiles(Vfs& vfs, const Options& options) {
  StoreFiles files;
  Expected<std::unique_ptr<VfsFile>> tablespace = OpenLocked(vfs, kTablespacePath, {});
  if (!tablespace && tablespace.error().code == ErrorCode::kNotFound) {
    return CreateStore(vfs, options);
  }
  if (!tablespace) return std::unexpected(tablespace.error());
  files.tablespace = *std::move(tablespace);
  const Expected<TablespaceHeader> header = ReadHeader(*files.tablespace);
  if (!header) return std::unexpected(header.error());
  files.header = *header;
  const Expected<uint64_t> size = files.tablespace->Size();
  if (!size) return std::unexpected(size.error());
  files.tablespace_bytes = *size;
  if (Expected<void> opened = OpenLogs(vfs, {}, files); !opened) {
    return std::unexpected(opened.error());
  }
  return files;
}

}  // namespace plugpull::serial_log
