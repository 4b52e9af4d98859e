// Which fault of the storage explains the damage: each hypothesis is held against what was seen,
// and the weakest that explains it is named.
#pragma once

#include "engine/bbolt_file/culprits.h"

namespace plugpull::bbolt_file {

struct Findings {
  std::vector<Diagnosis> diagnoses;
  std::vector<Suspect> suspects;
};

// Errors: the system refused to read.
Expected<Findings> Diagnose(const Examination& examination);

// The parts of it, for metas, for pages of the tree, and for the freelist.
std::optional<Diagnosis> DiagnoseTornCreation(const Examination& examination);
void DiagnoseMetas(const Examination& examination, std::vector<Diagnosis>& diagnoses);
void DiagnosePages(const Examination& examination, const std::vector<Culprit>& culprits,
                   Findings& findings);
void DiagnoseFreelist(const Examination& examination, std::vector<Diagnosis>& diagnoses);

}  // namespace plugpull::bbolt_file
