// Goal: 10,000 planted findings, each of some transactions, some changes in them and some lost
// atoms, with an order between atoms: minimised twice they give the same; the result is never
// larger than what came in; it still shows the finding; nothing can be left out of it alone.
//
// The subject is synthetic: it asks for exactly what was planted, so that the answer is known.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "faults/base/random.h"
#include "faults/persistence/constraints.h"
#include "harness/minimise_list.h"
#include "harness/minimise_workload.h"

namespace plugpull {
namespace {

constexpr uint64_t kPlanted = 10'000;
constexpr uint64_t kEnough = 100'000;

// What a finding needs: changes in order, each with a value that is long enough, no two of them in
// one transaction that were not, and some transactions after them; and atoms that are lost.
struct Planted {
  std::vector<Transaction> workload;
  std::vector<Change> changes;  // in this order, each in a later transaction than the one before
  size_t value_bytes = 0;       // least length of their values
  size_t atoms = 0;
  std::vector<std::pair<size_t, size_t>> edges;  // (early, late)
  std::vector<size_t> lost;                      // closed under the edges: the state as found
  std::set<size_t> needed;                       // atoms that must be lost
};

Planted Plant(uint64_t seed) {
  Random random(seed, "planted");
  Planted planted;
  const size_t transactions = 1 + random.Below(12);
  planted.value_bytes = random.Below(4);
  for (size_t i = 0; i < transactions; ++i) {
    Transaction& transaction = planted.workload.emplace_back();
    const size_t changes = 1 + random.Below(4);
    for (size_t j = 0; j < changes; ++j) {
      const std::string key = "key-" + std::to_string(random.Below(8));
      if (random.Below(4) == 0) {
        transaction.changes.push_back({key, std::nullopt});
      } else {
        transaction.changes.push_back({key, std::string(4 + random.Below(60), 'v')});
      }
    }
  }
  for (size_t i = 0; i < transactions; ++i) {
    if (random.Below(4) != 0) continue;
    const auto& changes = planted.workload[i].changes;
    planted.changes.push_back(changes[random.Below(changes.size())]);
  }
  planted.atoms = 1 + random.Below(24);
  for (size_t late = 1; late < planted.atoms; ++late) {
    if (random.Below(2) == 0) planted.edges.emplace_back(random.Below(late), late);
  }
  for (size_t atom = 0; atom < planted.atoms; ++atom) {
    if (random.Below(8) == 0) planted.needed.insert(atom);
  }
  return planted;
}

// Returns: what a state loses that loses `atoms`: all that may only survive with one of them, too.
std::vector<size_t> Closed(const Planted& planted, const std::vector<size_t>& atoms) {
  Constraints constraints;
  constraints.Clear();
  for (size_t i = 0; i < planted.atoms; ++i) constraints.AddVariable();
  for (const auto& [early, late] : planted.edges) {
    constraints.AddEdge(static_cast<VariableId>(early), static_cast<VariableId>(late));
  }
  constraints.Seal();
  for (const size_t atom : atoms) {
    const auto variable = static_cast<VariableId>(atom);
    if (constraints.fate(variable) != Fate::kOpen) continue;
    EXPECT_TRUE(constraints.Decide(variable, false));
  }
  constraints.KeepTheRest();
  std::vector<size_t> lost;
  for (size_t atom = 0; atom < planted.atoms; ++atom) {
    if (constraints.fate(static_cast<VariableId>(atom)) == Fate::kLost) lost.push_back(atom);
  }
  return lost;
}

bool IsLost(const Planted& planted, const std::vector<size_t>& lost) {
  return std::ranges::all_of(planted.needed,
                             [&](size_t atom) { return std::ranges::binary_search(lost, atom); });
}

// Returns: as WorkloadTest. Keys may have any names, as long as enough of them differ.
size_t Needed(const Planted& planted, const std::vector<Transaction>& transactions) {
  std::set<std::string> wanted_keys;
  for (const Change& change : planted.changes) wanted_keys.insert(change.key);
  std::set<std::string> keys;
  size_t found = 0;
  for (size_t i = 0; i < transactions.size(); ++i) {
    bool is_taken = false;  // one change of a transaction stands for one that was planted
    for (const Change& change : transactions[i].changes) {
      keys.insert(change.key);
      if (is_taken || found == planted.changes.size()) continue;
      const Change& wanted = planted.changes[found];
      const bool fits = change.value.has_value() == wanted.value.has_value() &&
                        (!wanted.value || change.value->size() >= planted.value_bytes);
      if (!fits) continue;
      ++found;
      is_taken = true;
    }
    if (found == planted.changes.size() && keys.size() >= wanted_keys.size()) return i + 1;
  }
  return 0;
}

struct Minimised {
  ReducedWorkload workload;
  std::vector<size_t> lost;
  bool is_minimal_state = false;
};

Minimised Minimise(const Planted& planted) {
  Minimised result;
  TestLimit limit(kEnough);
  Expected<ReducedWorkload> workload =
      ReduceWorkload(planted.workload, limit,
                     [&](const std::vector<Transaction>& transactions) -> Expected<size_t> {
                       return Needed(planted, transactions);
                     });
  EXPECT_TRUE(workload.has_value());
  result.workload = std::move(*workload);
  std::vector<size_t> all(planted.atoms);
  std::iota(all.begin(), all.end(), size_t{0});
  const auto chosen = [&all](const std::vector<size_t>& kept) {
    std::vector<size_t> atoms;
    for (const size_t index : kept) atoms.push_back(all[index]);
    return atoms;
  };
  const Expected<ReducedList> lost =
      ReduceList(all.size(), limit, [&](const std::vector<size_t>& kept) -> Expected<bool> {
        const std::vector<size_t> atoms = chosen(kept);
        return Closed(planted, atoms) == atoms && IsLost(planted, atoms);
      });
  EXPECT_TRUE(lost.has_value());
  result.lost = Closed(planted, chosen(lost->kept));
  result.is_minimal_state = lost->is_minimal;
  return result;
}

void ExpectNothingToLeaveOut(const Planted& planted, const Minimised& result) {
  const std::vector<Transaction>& transactions = result.workload.transactions;
  for (size_t i = 0; i < transactions.size() && transactions.size() > 1; ++i) {
    std::vector<Transaction> fewer = transactions;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(Needed(planted, fewer), 0U);
  }
  // The least that loses what is needed is what follows from it.
  EXPECT_EQ(result.lost, Closed(planted, {planted.needed.begin(), planted.needed.end()}));
}

TEST(MinimiseProperty, TenThousandPlantedFindings) {
  uint64_t reduced = 0;
  for (uint64_t seed = 0; seed < kPlanted; ++seed) {
    SCOPED_TRACE(seed);
    const Planted planted = Plant(seed);
    if (Needed(planted, planted.workload) == 0) continue;
    ++reduced;
    const Minimised once = Minimise(planted);
    const Minimised twice = Minimise(planted);
    EXPECT_EQ(once.workload.transactions, twice.workload.transactions);
    EXPECT_EQ(once.lost, twice.lost);
    EXPECT_TRUE(once.workload.is_minimal);
    EXPECT_TRUE(once.is_minimal_state);
    EXPECT_LE(SizeOf(once.workload.transactions), SizeOf(planted.workload));
    EXPECT_NE(Needed(planted, once.workload.transactions), 0U);
    EXPECT_TRUE(IsLost(planted, once.lost));
    ExpectNothingToLeaveOut(planted, once);
    if (HasFailure()) break;
  }
  EXPECT_EQ(reduced, kPlanted);
}

}  // namespace
}  // namespace plugpull
