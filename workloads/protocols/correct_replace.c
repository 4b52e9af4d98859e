// Replaces a file as one should: the new bytes are synced, then renamed over the old ones, then the
// directory is synced, and only then is anything promised.
#include "protocol.h"

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check_one_version("data", 300);
  for (int version = 1; version <= kVersions; ++version) {
    const int file = create("data.tmp");
    put(file, 0, 300, version);
    sync_file(file);
    close(file);
    must(rename("data.tmp", "data"), "rename");
    sync_directory();
    acknowledge(version);
  }
  return 0;
}
