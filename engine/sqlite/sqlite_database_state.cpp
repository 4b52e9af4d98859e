#include "engine/sqlite/sqlite_database_state.h"

#include <string>
#include <vector>

namespace plugpull {
namespace {

struct Entry {
  const Vfs* vfs;
  std::string path;
  std::weak_ptr<SqliteDatabaseState> state;
};

// A list, because one or two databases are open at a time.
std::vector<Entry>& Entries() {
  static std::vector<Entry> entries;
  return entries;
}

void DropExpiredEntries() {
  std::erase_if(Entries(), [](const Entry& entry) { return entry.state.expired(); });
}

}  // namespace

std::shared_ptr<SqliteDatabaseState> ShareDatabaseState(const Vfs& vfs, std::string_view path) {
  // First the dead: a new Vfs may live where a destroyed one lived.
  DropExpiredEntries();
  for (const Entry& entry : Entries()) {
    if (entry.vfs == &vfs && entry.path == path) return entry.state.lock();
  }
  auto state = std::make_shared<SqliteDatabaseState>();
  Entries().push_back({&vfs, std::string(path), state});
  return state;
}

size_t LiveDatabaseStates() {
  DropExpiredEntries();
  return Entries().size();
}

}  // namespace plugpull
