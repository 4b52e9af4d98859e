// What the tests of crash states share: random programs that leave traces, the legal crash states
// of a point by plain enumeration, and programs that look at a crashed disk.
//
// Two enumerations, on purpose: LegalStates reads the constraints of a graph, so that views and
// counters can be checked against it; ReferenceStates reads only the trace and the definition of a
// crash state (persistence models, 4.5-4.9), so that cursor and graph can be checked against that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/model.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

inline constexpr Tear kAllTears[] = {Tear::kNone, Tear::kPages, Tear::kSectorsContiguous,
                                     Tear::kSectorsAny};

// Returns: the trace of a random program on few small files: writes of every alignment, size
// changes, names that come and go, syncs of all kinds. The same arguments give the same trace.
Trace RandomProgram(uint64_t seed, int op_count);

// Returns: a model as a user could put it together: a built-in one, or one with nothing in common
// with them, with random parameters of its own. The same seed gives the same model, whose name
// tells how it is made.
const Model& RandomModel(uint64_t seed);

// By variable: kept or not.
using State = std::vector<char>;

// Returns: every way to keep and lose the variables that `constraints` allow, whatever is decided;
// nothing when there are more than `limit`.
std::optional<std::vector<State>> LegalStates(const Constraints& constraints, size_t limit);

// Returns: the atoms that `state` loses, sorted.
std::vector<AtomId> LostAtoms(const CrashGraph& graph, const State& state);

// Returns: the fates that are decided as a state. Requires: none is open.
State DecidedState(const Constraints& constraints);

// Returns: the lost atoms of every legal crash state, by the definition; nothing when there are
// more than `limit`. They are atoms of EffectiveTear(model, tear).
std::optional<std::vector<std::vector<AtomId>>> ReferenceStates(const Trace& trace, size_t position,
                                                                const Model& model, Tear tear,
                                                                size_t limit);

// Returns: the atoms that every legal crash state keeps, by the definition, sorted.
std::vector<AtomId> ReferenceMust(const Trace& trace, size_t position, const Model& model,
                                  Tear tear);

// Returns: everything that a program can see of an image, as one string: the names with the sizes
// and bytes of files, the texts of links, and the attributes in braces.
std::string Visible(const Image& image);

// Runs a program that looks around on a disk, and with `writes` also changes it, in a way that
// depends on `seed` and on everything that it has seen so far. Returns: all that it saw.
std::string Explore(Vfs& vfs, uint64_t seed, int steps, bool writes);

}  // namespace plugpull
