// The engines that are programs: their names, their options, and the roles of their files. What an
// option means is the driver's business; see README.md.
#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "engine/bbolt_file/surgery.h"
#include "engine/drivers/program_type.h"

namespace plugpull {
namespace {

OptionSpec Switch(std::string name, std::string help) {
  return {
      .name = std::move(name), .values = {"0", "1"}, .default_value = "0", .help = std::move(help)};
}

std::vector<std::string> OpenWords(const EngineOptions& options) {
  std::vector<std::string> words;
  for (const auto& [name, value] : options) {
    if (!name.empty()) words.push_back(fmt::format("{}={}", name, value));
  }
  return words;
}

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A driver that is built with plugpull.
class OwnDriverType : public ProgramType {
 public:
  OwnDriverType(std::string_view file_name, std::string_view packages,
                std::vector<OptionSpec> options)
      : file_name_(file_name), packages_(packages), options_(std::move(options)) {}

  const std::vector<OptionSpec>& options() const final { return options_; }

  Expected<DriverProgram> Program(const EngineOptions& options) const override {
    Expected<std::string> path = FindDriver(file_name_, packages_);
    if (!path) return std::unexpected(path.error());
    return DriverProgram{.arguments = {std::move(*path)}, .open_words = OpenWords(options)};
  }

 private:
  std::string_view file_name_;
  std::string_view packages_;
  std::vector<OptionSpec> options_;
};

class Bbolt final : public OwnDriverType {
 public:
  Bbolt()
      : OwnDriverType(
            "plugpull-bbolt", "golang-go and golang-github-coreos-bbolt-dev",
            {Switch("nofreelistsync",
                    "Options.NoFreelistSync: the list of free pages is not stored"),
             {.name = "freelist",
              .values = {"array", "map"},
              .default_value = "array",
              .help = "Options.FreelistType: how free pages are kept in memory, and so chosen"},
             Switch("nosync", "Options.NoSync: commits are not synced"),
             Switch("nogrowsync",
                    "Options.NoGrowSync: the file is not grown and synced in advance"),
             {.name = "page_size",
              .values = {"1024", "2048", "4096", "8192", "16384"},
              .default_value = "4096",
              .help = "Options.PageSize of a new store, in bytes"}}) {}

  std::string_view name() const override { return "bbolt"; }
  std::string_view description() const override {
    return "bbolt, the Go library, with one bucket of keys and values";
  }
  std::span<const Repair> repairs() const override { return bbolt_file::Repairs(); }
  std::string RoleOf(std::string_view path) const override {
    return FileName(path) == "store.db" ? "store" : "other";
  }
};

class Lmdb final : public OwnDriverType {
 public:
  Lmdb()
      : OwnDriverType(
            "plugpull-lmdb", "liblmdb-dev",
            {Switch("writemap", "MDB_WRITEMAP: pages are changed in a writable mapping"),
             Switch("nosync", "MDB_NOSYNC: commits are not synced"),
             Switch("nometasync", "MDB_NOMETASYNC: the meta page is synced a commit later"),
             Switch("mapasync", "MDB_MAPASYNC: with writemap, syncs are started only"),
             Switch("nosubdir", "MDB_NOSUBDIR: the store is a file, its lock beside it"),
             {.name = "map_kib",
              .values = {},
              .default_value = "1024",
              .help = "mdb_env_set_mapsize: the most that the store can hold, in KiB",
              .minimum = 1024,
              .maximum = 16'384}}) {}

  std::string_view name() const override { return "lmdb"; }
  std::string_view description() const override {
    return "LMDB, the system's own library, with its main database of keys and values";
  }
  std::string RoleOf(std::string_view path) const override {
    const std::string_view file = FileName(path);
    if (file == "data.mdb") return "store";
    return file == "lock.mdb" || file == "data.mdb-lock" ? "lock" : "other";
  }
};

class Python final : public OwnDriverType {
 public:
  Python()
      : OwnDriverType("plugpull-python", "python3",
                      {{.name = "store",
                        .values = {"sqlite3", "dumb", "gnu"},
                        .default_value = "sqlite3",
                        .help = "the module: sqlite3, dbm.dumb, or dbm.gnu (python3-gdbm)"}}) {}

  std::string_view name() const override { return "python"; }
  std::string_view description() const override {
    return "a store of Python's standard library; the driver to copy for one of yours";
  }
  Expected<DriverProgram> Program(const EngineOptions& options) const override {
    if (!FindExecutable("python3")) {
      return Fail(ErrorCode::kUnsupported, "there is no python3 in PATH; install python3");
    }
    return OwnDriverType::Program(options);
  }
  std::string RoleOf(std::string_view path) const override {
    const std::string_view file = FileName(path);
    if (file.ends_with("-journal")) return "journal";
    if (file.ends_with(".dir")) return "index";
    if (file.ends_with(".bak")) return "old index";
    return file.starts_with("store") ? "store" : "other";
  }
};

class Mavibot final : public OwnDriverType {
 public:
  Mavibot()
      : OwnDriverType(
            "plugpull-mavibot", "default-jdk-headless and libmavibot-java",
            {Switch("joined", "changes between beginTransaction and commit, not each on its own"),
             {.name = "page_size",
              .values = {"256", "512", "1024", "4096"},
              .default_value = "512",
              .help = "of RecordManager: the size of a page of a new store, in bytes"}}) {}

  std::string_view name() const override { return "mavibot"; }
  std::string_view description() const override {
    return "Mavibot, the Java library, with one B-tree of keys and values";
  }
  Expected<DriverProgram> Program(const EngineOptions& options) const override {
    if (!FindExecutable("java")) {
      return Fail(ErrorCode::kUnsupported,
                  "there is no java in PATH; install default-jdk-headless and libmavibot-java");
    }
    return OwnDriverType::Program(options);
  }
  std::string RoleOf(std::string_view path) const override {
    return FileName(path) == "mavibot.db" ? "store" : "other";
  }
};

class AnyDriver final : public ProgramType {
 public:
  std::string_view name() const override { return "driver"; }
  std::string_view description() const override {
    return "driver:PATH,k=v,...: any program that speaks lines (engine/drivers/README.md)";
  }
  const std::vector<OptionSpec>& options() const override { return options_; }
  bool takes_any_option() const override { return true; }

  Expected<void> CheckOptions(const EngineOptions& options) const override {
    const auto path = options.find("");
    if (path != options.end() && !path->second.empty()) return {};
    return Fail(ErrorCode::kInvalidArgument, "driver needs a program, as in driver:./my-driver");
  }

  Expected<DriverProgram> Program(const EngineOptions& options) const override {
    Expected<std::string> path = FindExecutable(options.at(""));
    if (!path) return std::unexpected(path.error());
    return DriverProgram{.arguments = {std::move(*path)}, .open_words = OpenWords(options)};
  }

  // Numbers in names count files; the role is what they have in common.
  std::string RoleOf(std::string_view path) const override {
    std::string role;
    bool in_number = false;
    for (const char c : FileName(path)) {
      const bool is_digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
      if (!is_digit) role += c;
      if (is_digit && !in_number) role += 'N';
      in_number = is_digit;
    }
    return role;
  }

 private:
  const std::vector<OptionSpec> options_;
};

}  // namespace

const EngineType& BboltType() {
  static const Bbolt type;
  return type;
}

const EngineType& LmdbType() {
  static const Lmdb type;
  return type;
}

const EngineType& PythonType() {
  static const Python type;
  return type;
}

const EngineType& MavibotType() {
  static const Mavibot type;
  return type;
}

const EngineType& DriverType() {
  static const AnyDriver type;
  return type;
}

}  // namespace plugpull
