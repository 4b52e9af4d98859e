// The files of a store: creating them, and opening those that are there.
#pragma once

#include <array>
#include <memory>

#include "engine/serial_log/protocol.h"
#include "faults/vfs/vfs.h"

namespace plugpull::serial_log {

struct StoreFiles {
  std::unique_ptr<VfsFile> tablespace;
  std::array<std::unique_ptr<VfsFile>, 2> logs;
  TablespaceHeader header{};
  uint64_t tablespace_bytes = 0;
  bool is_new = false;  // made just now
};

// Opens the files, and makes those of an empty store where there is no tablespace: the logs first,
// then the tablespace under another name, which it gets rid of when all is synced. A crash leaves
// the whole store or none. Errors: kBusy when somebody else has it open; kCorrupt.
Expected<StoreFiles> OpenStoreFiles(Vfs& vfs, const Options& options);

}  // namespace plugpull::serial_log
