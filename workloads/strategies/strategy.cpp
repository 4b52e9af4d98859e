#include "workloads/strategies/strategy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "engine/target.h"
#include "faults/base/nearest.h"

namespace plugpull {
namespace {

using enum StrategyGroup;

bool Matches(std::string_view name, std::string_view word) {
  if (!word.ends_with('*')) return name == word;
  return name.starts_with(word.substr(0, word.size() - 1));
}

}  // namespace

const std::vector<Strategy>& Strategies() {
  static const std::vector<Strategy> strategies = {
      {"in-place-none", kProtocols, "overwrite pairs in place",
       "files:protocol=in-place,sync=none"},
      {"in-place-fdatasync", kProtocols, "overwrite pairs in place, fdatasync",
       "files:protocol=in-place,sync=fdatasync"},
      {"append-none", kProtocols, "append checksummed records", "files:protocol=append,sync=none"},
      {"append-range", kProtocols, "append, sync_file_range", "files:protocol=append,sync=range"},
      {"append-fdatasync", kProtocols, "append, fdatasync", "files:protocol=append,sync=fdatasync"},
      {"append-fsync", kProtocols, "append, fsync", "files:protocol=append,sync=fsync"},
      {"append-dsync", kProtocols, "append through an O_DSYNC handle",
       "files:protocol=append,sync=dsync"},
      {"append-no-dirsync", kProtocols, "append, fdatasync, directory never synced",
       "files:protocol=append,sync=fdatasync,directory=off"},
      {"preallocated", kProtocols, "log of fixed size, overwritten, fdatasync",
       "files:protocol=preallocated"},
      {"replace-none", kProtocols, "new file, rename", "files:protocol=replace,sync=none"},
      {"replace-directory", kProtocols, "new file, rename, fsync directory",
       "files:protocol=replace,sync=directory"},
      {"replace-file", kProtocols, "new file, fsync, rename", "files:protocol=replace,sync=file"},
      {"replace-full", kProtocols, "new file, fsync, rename, fsync directory",
       "files:protocol=replace,sync=file+directory"},
      {"double-write", kProtocols, "journal, fdatasync, in place, fdatasync",
       "files:protocol=double-write"},
      {"wal", kProtocols, "write-ahead log, fdatasync, checkpoints", "files:protocol=wal"},
      {"wal-group4", kProtocols, "the same, four commits wait for one sync",
       "files:protocol=wal,group=4", true},
      {"wal-early-ack", kProtocols, "the same, nobody waits for the sync",
       "files:protocol=wal,group=4,ack=early"},
      {"manifest", kProtocols, "data files and manifest (as LevelDB)", "files:protocol=manifest"},
      {"cow-tree", kEngines, "copy-on-write tree with two metas", "cow_tree"},
      {"cow-tree-bbolt", kEngines, "the same, directory never synced (bbolt)",
       "cow_tree:dirsync=0"},
      {"sqlite-delete-full", kEngines, "SQLite, DELETE, FULL", "sqlite:journal=delete,sync=full"},
      {"sqlite-delete-extra", kEngines, "SQLite, DELETE, EXTRA",
       "sqlite:journal=delete,sync=extra"},
      {"sqlite-truncate", kEngines, "SQLite, TRUNCATE, FULL", "sqlite:journal=truncate,sync=full"},
      {"sqlite-persist", kEngines, "SQLite, PERSIST, FULL", "sqlite:journal=persist,sync=full"},
      {"sqlite-wal-normal", kEngines, "SQLite, WAL, NORMAL", "sqlite:journal=wal,sync=normal"},
      {"sqlite-wal-full", kEngines, "SQLite, WAL, FULL", "sqlite:journal=wal,sync=full"},
  };
  return strategies;
}

std::string_view Name(StrategyGroup group) {
  switch (group) {
    case kProtocols:
      return "protocols";
    case kEngines:
      return "engines";
  }
  return "";
}

Expected<std::vector<const Strategy*>> ChooseStrategies(std::string_view list) {
  std::set<std::string_view> chosen;
  std::vector<std::string> names;
  for (const Strategy& strategy : Strategies()) names.emplace_back(strategy.name);
  const bool is_all = list.empty() || list == "all";
  for (std::string_view rest = is_all ? "*" : list;;) {
    const std::string_view word = rest.substr(0, rest.find(','));
    bool matched = false;
    for (const Strategy& strategy : Strategies()) {
      if (!Matches(strategy.name, word)) continue;
      chosen.insert(strategy.name);
      matched = true;
    }
    if (!matched) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("there is no strategy '{}'{} (plugpull list strategies shows all)",
                              word, NearestHint(word, names)));
    }
    if (word.size() == rest.size()) break;
    rest.remove_prefix(word.size() + 1);
  }
  std::vector<const Strategy*> strategies;
  for (const Strategy& strategy : Strategies()) {
    if (chosen.contains(strategy.name)) strategies.push_back(&strategy);
  }
  return strategies;
}

}  // namespace plugpull
