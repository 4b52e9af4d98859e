#include "faults/persistence/testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/persistence/model_text.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

constexpr std::array<const char*, 6> kPaths = {"a", "b", "d", "d/a", "e", "e/b"};

// Offsets and lengths near everything that has an edge: sectors, pages, the end of the file.
uint64_t DrawOffset(Random& random) {
  constexpr std::array<uint64_t, 8> kEdges = {0, 512, 1024, 3584, 4096, 4608, 8192, 300};
  const uint64_t edge = kEdges[random.Below(kEdges.size())];
  if (random.OneIn(1, 2)) return edge;
  return edge + random.Below(600);
}

size_t DrawLength(Random& random) {
  constexpr std::array<size_t, 6> kLengths = {1, 512, 1024, 1536, 4096, 5000};
  if (random.OneIn(1, 2)) return 1 + random.Below(1300);
  return kLengths[random.Below(kLengths.size())];
}

// Few different contents, so that writes often repeat what is there already.
std::vector<std::byte> DrawPayload(Random& random) {
  std::vector<std::byte> payload(DrawLength(random));
  const uint64_t shade = 1 + random.Below(3);
  const bool striped = random.OneIn(1, 2);
  for (size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<std::byte>(striped && i / 256 % 2 == 1 ? shade + 3 : shade);
  }
  return payload;
}

// Does one random thing with a file system. Keeps a few files open.
class Actor {
 public:
  Actor(Vfs& vfs, uint64_t seed, std::string_view name) : vfs_(vfs), random_(seed, name) {}

  Random& random() { return random_; }
  std::string_view AnyPath() { return kPaths[random_.Below(kPaths.size())]; }

  // Returns: an open file, null when there is none.
  VfsFile* AnyFile() {
    return files_.empty() ? nullptr : files_[random_.Below(files_.size())].get();
  }

  std::string Open(OpenOptions options) {
    Expected<std::unique_ptr<VfsFile>> file = vfs_.Open(AnyPath(), options);
    if (!file) return Code(file.error());
    if (files_.size() == 4) files_.erase(files_.begin());
    files_.push_back(std::move(*file));
    return "opened";
  }

  std::string ChangeNames() {
    switch (random_.Below(6)) {
      case 0:
        return Outcome(vfs_.Unlink(AnyPath()));
      case 1: {
        const std::string_view from = AnyPath();
        return Outcome(vfs_.Rename(from, AnyPath()));
      }
      case 2: {
        const std::string_view existing = AnyPath();
        return Outcome(vfs_.Link(existing, AnyPath()));
      }
      case 3:
        return Outcome(vfs_.MakeDirectory(random_.OneIn(1, 2) ? "d" : "e"));
      case 4:
        return Outcome(vfs_.RemoveDirectory(AnyPath()));
      default:
        return Open(
            {.create = true, .exclusive = random_.OneIn(1, 3), .truncate = random_.OneIn(1, 3)});
    }
  }

  std::string Write() {
    VfsFile* file = AnyFile();
    if (file == nullptr) return Open({.create = true});
    const std::vector<std::byte> payload = DrawPayload(random_);
    const uint64_t offset = random_.OneIn(1, 4) ? *file->Size() : DrawOffset(random_);
    return Outcome(file->Write(offset, payload));
  }

  std::string Truncate() {
    VfsFile* file = AnyFile();
    return file == nullptr ? "closed" : Outcome(file->Truncate(DrawOffset(random_)));
  }

  std::string SyncFile() {
    VfsFile* file = AnyFile();
    const SyncKind kind = random_.OneIn(1, 2) ? SyncKind::kFull : SyncKind::kData;
    return file == nullptr ? "closed" : Outcome(file->Sync(kind));
  }

  std::string SyncDirectory() {
    return Outcome(vfs_.SyncDirectory(random_.OneIn(2, 3) ? "" : AnyPath()));
  }

  static std::string Code(const Error& error) {
    return fmt::format("error {} {}", static_cast<int>(error.code), error.os_errno);
  }

 private:
  static std::string Outcome(const Expected<void>& outcome) {
    return outcome ? "done" : Code(outcome.error());
  }

  Vfs& vfs_;
  Random random_;
  std::vector<std::unique_ptr<VfsFile>> files_;
};

// A program that looks around.
class Explorer {
 public:
  Explorer(Vfs& vfs, uint64_t seed, bool writes)
      : vfs_(vfs), actor_(vfs, seed, "explorer"), writes_(writes) {}

  std::string Run(int steps) {
    for (int step = 0; step < steps; ++step) {
      log_ += fmt::format("{}: ", step);
      log_ += writes_ && actor_.random().OneIn(1, 2) ? Change() : Look();
      log_ += '\n';
    }
    return std::move(log_);
  }

 private:
  std::string Change() {
    switch (actor_.random().Below(5)) {
      case 0:
        return actor_.ChangeNames();
      case 1:
        return actor_.Truncate();
      case 2:
        return actor_.SyncDirectory();
      default:
        return actor_.Write();
    }
  }

  std::string Look() {
    switch (actor_.random().Below(8)) {
      case 0: {
        const Expected<bool> exists = vfs_.Exists(actor_.AnyPath());
        return exists && *exists ? "exists" : "missing";
      }
      case 1: {
        const Expected<std::vector<std::string>> names =
            vfs_.List(actor_.random().OneIn(1, 2) ? "" : actor_.AnyPath());
        return names ? fmt::format("[{}]", fmt::join(*names, " ")) : Actor::Code(names.error());
      }
      case 2: {
        VfsFile* file = actor_.AnyFile();
        return file == nullptr ? "closed" : fmt::format("size {}", *file->Size());
      }
      case 3:
        return actor_.Open({});
      default:
        return Read();
    }
  }

  // Where it reads depends on what it read last, as a program does that follows pointers.
  std::string Read() {
    VfsFile* file = actor_.AnyFile();
    if (file == nullptr) return actor_.Open({});
    uint64_t offset = DrawOffset(actor_.random());
    if (actor_.random().OneIn(1, 3)) offset = (offset + last_byte_ * 521) % 9000;
    std::vector<std::byte> bytes(actor_.random().OneIn(1, 2) ? 1 : DrawLength(actor_.random()));
    const size_t length = *file->Read(offset, bytes);
    if (length > 0) last_byte_ = static_cast<uint64_t>(bytes[length - 1]);
    return fmt::format("read {} {}", length, AsText(std::span(bytes).first(length)));
  }

  Vfs& vfs_;
  Actor actor_;
  bool writes_;
  uint64_t last_byte_ = 0;
  std::string log_;
};

void AppendVisible(const Image& image, InodeId directory, std::string& text);

// What is not a directory; a name may stand for nothing where a model lets names come before files.
void AppendFile(const Image& image, InodeId inode, std::string& text) {
  if (const auto link = image.links.find(inode); link != image.links.end()) {
    text += fmt::format(" -> {};", link->second);
  } else if (const auto file = image.files.find(inode); file != image.files.end()) {
    std::vector<std::byte> bytes(file->second.size_bytes());
    file->second.Read(0, bytes);
    text += fmt::format(" {} {};", bytes.size(), AsText(bytes));
  } else {
    text += " dangling;";
  }
}

void AppendAttributes(const Image& image, InodeId inode, std::string& text) {
  const auto attributes = image.attributes.find(inode);
  if (attributes == image.attributes.end()) return;
  for (const auto& [key, value] : attributes->second) text += fmt::format("{{{}={}}}", key, value);
}

void AppendVisible(const Image& image, InodeId directory, std::string& text) {
  for (const std::string& name : image.names.Names(directory)) {
    const InodeId inode = image.names.At(directory, name);
    text += name;
    AppendAttributes(image, inode, text);
    if (image.names.IsDirectory(inode)) {
      text += '(';
      AppendVisible(image, inode, text);
      text += ')';
    } else {
      AppendFile(image, inode, text);
    }
  }
}

}  // namespace

Trace RandomProgram(uint64_t seed, int op_count) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  Actor actor(recorder, seed, "program");
  // Each program leaves some things out, so that the others meet more often.
  std::array<uint64_t, 5> weights{};
  for (uint64_t& weight : weights) weight = actor.random().Below(4);
  weights[0] += 2;
  uint64_t sum = 0;
  for (const uint64_t weight : weights) sum += weight;
  for (int tries = 0; tries < 20 * op_count; ++tries) {
    if (recorder.trace().ops.size() >= static_cast<size_t>(op_count)) break;
    uint64_t draw = actor.random().Below(sum);
    size_t what = 0;
    while (draw >= weights[what]) draw -= weights[what++];
    if (what == 0) actor.Write();
    if (what == 1) actor.Truncate();
    if (what == 2) actor.ChangeNames();
    if (what == 3) actor.SyncFile();
    if (what == 4) actor.SyncDirectory();
  }
  return recorder.trace();
}

const Model& RandomModel(uint64_t seed) {
  Random random(seed, "model");
  const std::vector<ModelParameter>& parameters = ModelParameters();
  while (true) {
    const Model& base = Models()[random.Below(Models().size())];
    std::string text = base.name;
    if (random.OneIn(1, 3)) text += ",profile=contract";
    // A few changes for neighbours of what is built in, all for models of a kind of their own.
    const uint64_t share = random.OneIn(1, 4) ? 1 : 2 + random.Below(10);
    for (const ModelParameter& parameter : parameters) {
      if (!random.OneIn(1, share)) continue;
      text += fmt::format(",{}={}", parameter.key,
                          parameter.values[random.Below(parameter.values.size())]);
    }
    // What cannot go together is drawn again.
    if (const Expected<const Model*> model = ParseModelText(text)) return **model;
  }
}

std::optional<std::vector<State>> LegalStates(const Constraints& constraints, size_t limit) {
  const size_t count = constraints.size();
  std::vector<State> states;
  State state(count, 0);
  const auto is_legal_at = [&](VariableId variable) {
    for (const VariableId early : constraints.Early(variable)) {
      if (early < variable && state[variable] > state[early]) return false;
    }
    for (const VariableId late : constraints.Late(variable)) {
      if (late < variable && state[late] > state[variable]) return false;
    }
    const int32_t index = constraints.PartOf(variable);
    if (index < 0) return true;
    const Constraints::Part& part = constraints.parts()[index];
    int changes = 0;
    for (VariableId i = part.first + 1; i <= variable; ++i) changes += state[i] != state[i - 1];
    return changes <= 1;
  };
  // Depth first over the variables; false when there are too many states.
  const std::function<bool(VariableId)> visit = [&](VariableId variable) {
    if (variable == count) {
      states.push_back(state);
      return states.size() <= limit;
    }
    for (const char kept : {char{1}, char{0}}) {
      state[variable] = kept;
      if (is_legal_at(variable) && !visit(variable + 1)) return false;
    }
    return true;
  };
  if (!visit(0)) return std::nullopt;
  return states;
}

std::vector<AtomId> LostAtoms(const CrashGraph& graph, const State& state) {
  return graph.Lost([&state](VariableId variable) { return state[variable] != 0; });
}

State DecidedState(const Constraints& constraints) {
  State state(constraints.size());
  for (VariableId variable = 0; variable < state.size(); ++variable) {
    Assert(constraints.fate(variable) != Fate::kOpen, "a complete state has nothing open");
    state[variable] = constraints.fate(variable) == Fate::kKept ? 1 : 0;
  }
  return state;
}

std::string Visible(const Image& image) {
  std::string text;
  AppendAttributes(image, kRootInode, text);
  AppendVisible(image, kRootInode, text);
  return text;
}

std::string Explore(Vfs& vfs, uint64_t seed, int steps, bool writes) {
  return Explorer(vfs, seed, writes).Run(steps);
}

}  // namespace plugpull
