// Goal: cursor, graph, choices and view leave exactly the crash states of the definition, in every
// model.
// Method: small random traces, pulled at their end (earlier where that leaves too many states). The
// images of all legal states, by the plain enumeration (ReferenceStates), are compared with those
// of the graph's states and with what a program sees that reads everything through the lazy view.
// Two implementations that share no code do not make the same mistake often.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/state_count.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_operations.h"

namespace plugpull {
namespace {

constexpr uint64_t kTraces = 10'000;
constexpr uint64_t kRandomModels = 400;
constexpr uint64_t kTracesOfRandomModel = 30;
constexpr size_t kMostStates = 200;  // a point with more is made smaller
constexpr size_t kMostExecutions = 4 * kMostStates;
constexpr int kMostReports = 3;

using Strings = std::set<std::string>;

// Everything that a program can read through `vfs`, in the order of the names.
void ReadAll(Vfs& vfs, const std::string& directory, std::string& seen) {
  for (const std::string& name : vfs.List(directory).value_or(std::vector<std::string>())) {
    const std::string path = directory.empty() ? name : directory + '/' + name;
    seen += name;
    if (vfs.List(path)) {
      seen += '(';
      ReadAll(vfs, path, seen);
      seen += ')';
    } else if (const auto file = vfs.Open(path, {})) {
      std::vector<std::byte> bytes(*(*file)->Size());
      bytes.resize(*(*file)->Read(0, bytes));
      seen += fmt::format(" {} {};", bytes.size(), AsText(bytes));
    } else {
      seen += " no file;";
    }
  }
}

// What ReadAll sees of an image. Links are not followed by any Vfs, and cannot be opened.
void Render(const Image& image, InodeId directory, std::string& seen) {
  for (const std::string& name : image.names.Names(directory)) {
    const InodeId inode = image.names.At(directory, name);
    seen += name;
    if (image.names.IsDirectory(inode)) {
      seen += '(';
      Render(image, inode, seen);
      seen += ')';
    } else if (const auto file = image.files.find(inode); file != image.files.end()) {
      std::vector<std::byte> bytes(file->second.size_bytes());
      file->second.Read(0, bytes);
      seen += fmt::format(" {} {};", bytes.size(), AsText(bytes));
    } else {
      seen += " no file;";
    }
  }
}

// Returns: `text` for people: runs of one byte as "<61*512>", and what has no runs, as stale blocks
// have none, by its length.
std::string Shortened(std::string_view text) {
  constexpr size_t kShortestRun = 4;
  constexpr size_t kMostMixed = 60;
  std::string shortened;
  std::string mixed;
  const auto flush = [&] {
    shortened += mixed.size() <= kMostMixed ? mixed : fmt::format("<mixed*{}>", mixed.size());
    mixed.clear();
  };
  for (size_t i = 0; i < text.size();) {
    const size_t end = std::min(text.find_first_not_of(text[i], i), text.size());
    if (end - i < kShortestRun) {
      mixed += text.substr(i, end - i);
    } else {
      flush();
      shortened += fmt::format("<{:02x}*{}>", static_cast<unsigned char>(text[i]), end - i);
    }
    i = end;
  }
  flush();
  for (char& c : shortened) {
    if (c < ' ' || c > '~') c = '?';
  }
  return shortened;
}

// Returns: what only one of two sets has, empty when they are equal.
std::string Difference(const Strings& reference, const Strings& other) {
  std::string lines;
  const auto list = [&](const Strings& left, const Strings& right, const char* what) {
    Strings only;
    std::ranges::set_difference(left, right, std::inserter(only, only.end()));
    if (only.empty()) return;
    lines += fmt::format("  {} of {} {}, for example: \"{}\"\n", only.size(), left.size(), what,
                         Shortened(*only.begin()));
  };
  list(reference, other, "are missing");
  list(other, reference, "are not legal");
  return lines;
}

struct Case {
  const Model* model;
  bool is_contract;
};

// One model under test.
class Comparison {
 public:
  explicit Comparison(const Model& model, std::span<const Tear> tears = kAllTears)
      : model_(model), tears_(tears) {}

  // Compares the traces of the seeds [first_seed, first_seed + count).
  void Run(uint64_t first_seed, uint64_t count) {
    for (uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
      Point point{.trace = RandomOperations(seed, static_cast<int>(3 + seed % 5)),
                  .tear = tears_[seed / 5 % tears_.size()]};
      point.position = point.trace.ops.size();
      auto legal = StatesOf(point);
      if (!legal) ++eased_;
      // Half of those with too many states are torn into larger pieces, the others end earlier.
      while (!legal) {
        if (seed % 2 == 0 && point.tear != Tear::kNone) {
          point.tear = static_cast<Tear>(static_cast<int>(point.tear) - 1);
        } else {
          --point.position;
        }
        legal = StatesOf(point);
      }
      states_ += legal->size();
      if (IsSubSector(EffectiveTear(model_, point.tear))) finely_torn_ += legal->size() - 1;
      const std::string complaint = Compare(point, *legal);
      if (complaint.empty()) continue;
      if (++disagreements_ <= kMostReports) ADD_FAILURE() << Explain(seed, point, complaint);
    }
  }

  size_t states() const { return states_; }
  size_t eased() const { return eased_; }
  size_t finely_torn() const { return finely_torn_; }  // states beyond one a trace, cut in sectors
  int disagreements() const { return disagreements_; }

 private:
  // Where the plug is pulled, and how.
  struct Point {
    Trace trace;
    size_t position = 0;
    Tear tear = Tear::kNone;
  };

  std::optional<std::vector<std::vector<AtomId>>> StatesOf(const Point& point) const {
    return ReferenceStates(point.trace, point.position, model_, point.tear, kMostStates);
  }

  // Returns: what is wrong, empty when nothing is.
  std::string Compare(const Point& point, const std::vector<std::vector<AtomId>>& legal) {
    Strings images;
    Strings sights;
    for (const std::vector<AtomId>& lost : legal) {
      const Image image =
          Materialise(point.trace, point.position, lost, EffectiveTear(model_, point.tear));
      if (!images.insert(Visible(image)).second) continue;
      std::string sight;
      Render(image, kRootInode, sight);
      sights.insert(std::move(sight));
    }
    CrashCursor cursor(point.trace, model_, point.tear);
    cursor.AdvanceTo(point.position);
    graph_.Build(cursor, point.tear);
    std::string complaint = CompareGraph(point, images);
    complaint += CompareView(sights);
    return complaint;
  }

  std::string CompareGraph(const Point& point, const Strings& images) {
    const auto states = LegalStates(graph_.constraints(), 16 * kMostStates);
    if (!states) return "the graph has many more states than are legal\n";
    const std::vector<AtomId> must = ReferenceMust(point.trace, point.position, model_, point.tear);
    const StateCounter counter(graph_);
    std::string complaint;
    if (counter.exact() && counter.total() != states->size()) {
      complaint += fmt::format("the counter says {} states, the graph has {}\n",
                               counter.total().str(), states->size());
    }
    Strings found;
    for (const State& state : *states) {
      const std::vector<AtomId> lost = LostAtoms(graph_, state);
      const auto is_must = [&](const AtomId& id) { return std::ranges::binary_search(must, id); };
      if (complaint.empty() && std::ranges::any_of(lost, is_must)) {
        complaint += "a state of the graph loses what was synced\n";
      }
      found.insert(Visible(Materialise(point.trace, point.position, lost, graph_.tear())));
    }
    if (const std::string difference = Difference(images, found); !difference.empty()) {
      complaint += "images of the graph's states:\n" + difference;
    }
    return complaint;
  }

  std::string CompareView(const Strings& sights) {
    length_ = 0;
    Strings found;
    size_t executions = 0;
    do {
      view_.Restart();
      std::string seen;
      ReadAll(view_, "", seen);
      found.insert(std::move(seen));
      choices_.Finish();
      if (choices_.diverged()) return "the view diverged\n";
      if (choices_.overflowed()) return "the view makes too many choices\n";
      if (++executions > kMostExecutions) return "the view does not come to an end\n";
    } while (choices_.Advance());
    const std::string difference = Difference(sights, found);
    return difference.empty() ? "" : "what the view shows:\n" + difference;
  }

  std::string Explain(uint64_t seed, const Point& point, const std::string& complaint) const {
    const Trace& trace = point.trace;
    std::string lines = fmt::format("seed {}, model {}, tear {}, position {}\n", seed, model_.name,
                                    Name(point.tear), point.position);
    const std::map<InodeId, std::string> names = LastNames(trace);
    for (const Op& op : std::span(trace.ops).first(point.position)) {
      lines += fmt::format("  #{} {}", op.inode, plugpull::Describe(op, names));
      if (op.flags != 0) lines += fmt::format(" flags {:#x}", op.flags);
      lines += '\n';
    }
    return lines + complaint;
  }

  const Model& model_;
  std::span<const Tear> tears_;
  CrashGraph graph_;
  std::array<Choice, 1024> path_{};
  uint32_t length_ = 0;
  Choices choices_{path_, length_};
  CrashView view_{graph_, choices_};
  size_t states_ = 0;
  size_t eased_ = 0;
  size_t finely_torn_ = 0;
  int disagreements_ = 0;
};

class ModelsPropertyTest : public ::testing::TestWithParam<Case> {};

TEST_P(ModelsPropertyTest, LeavesExactlyTheStatesOfTheDefinition) {
  const Case& param = GetParam();
  const Model& model = param.is_contract ? ContractProfile(*param.model) : *param.model;
  Comparison comparison(model);
  comparison.Run(1, kTraces);
  fmt::print("{}: {} traces, {} states, {} disagreements, {} made smaller\n", model.name, kTraces,
             comparison.states(), comparison.disagreements(), comparison.eased());
  EXPECT_EQ(comparison.disagreements(), 0);
  EXPECT_LT(comparison.eased(), kTraces / 3) << "too many traces have too many states";
  const uint64_t least = model.shape == Shape::kEverything ? 1 : 2;
  EXPECT_GE(comparison.states(), least * kTraces);
}

// Disks that cut sectors, too. Many traces have too many states then and are made smaller; what is
// left is enough for each model that tears sectors at all.
TEST_P(ModelsPropertyTest, LeavesExactlyThoseStatesWhereSectorsAreCut) {
  constexpr Tear kFineTears[] = {Tear::kBytes64, Tear::kBytes8};
  const Case& param = GetParam();
  const Model& model = param.is_contract ? ContractProfile(*param.model) : *param.model;
  Comparison comparison(model, kFineTears);
  comparison.Run(1, kTraces / 100);
  fmt::print("{}: {} states cut in sectors, {} disagreements, {} made smaller\n", model.name,
             comparison.finely_torn(), comparison.disagreements(), comparison.eased());
  EXPECT_EQ(comparison.disagreements(), 0);
  const bool tears = UnitBytes(model.tear) <= kSectorBytes && model.shape != Shape::kEverything;
  EXPECT_EQ(comparison.finely_torn() > kTraces / 100, tears);
}

// Parameters that no built-in model combines meet in those of users.
TEST(RandomModels, LeaveExactlyTheStatesOfTheDefinition) {
  size_t states = 0;
  for (uint64_t i = 0; i < kRandomModels; ++i) {
    const Model& model = RandomModel(i);
    Comparison comparison(model);
    comparison.Run(1 + i * kTracesOfRandomModel, kTracesOfRandomModel);
    EXPECT_EQ(comparison.disagreements(), 0) << model.name;
    states += comparison.states();
  }
  EXPECT_GT(states, 10 * kRandomModels * kTracesOfRandomModel);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Model& model : Models()) {
    cases.push_back({&model, false});
    if (ContractProfile(model) != model) cases.push_back({&model, true});
  }
  for (const Model& model : FaultModels()) cases.push_back({&model, false});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Models, ModelsPropertyTest, ::testing::ValuesIn(Cases()),
                         [](const auto& each) {
                           std::string name = each.param.model->name;
                           std::ranges::replace(name, '-', '_');
                           return name + (each.param.is_contract ? "_contract" : "");
                         });

}  // namespace
}  // namespace plugpull
