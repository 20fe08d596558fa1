#include "harness/run/work_directory.h"

#include <fmt/format.h>
#include <fts.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "harness/error.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// Removes a tree without crossing into another file system.
void remove_tree_on_one_device(const fs::path& root) {
  std::string path = root.string();
  char* const roots[] = {path.data(), nullptr};
  FTS* const walk = ::fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, nullptr);
  if (walk == nullptr) return;
  while (const FTSENT* const entry = ::fts_read(walk)) {
    if (entry->fts_info == FTS_D) continue;  // removed on the way back
    if (entry->fts_info == FTS_DP) {
      ::rmdir(entry->fts_accpath);  // fails on a mount point, which is what we want
    } else {
      ::unlink(entry->fts_accpath);
    }
  }
  ::fts_close(walk);
}

}  // namespace

WorkDirectory::WorkDirectory(const fs::path& parent) {
  std::error_code error;
  fs::create_directories(parent, error);
  std::string path = (parent / "vfsprof-work-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    throw EnvironmentError(fmt::format(
        "cannot create a working directory in {}: {}; choose another place with --work-dir",
        parent.string(), error ? error.message() : describe(Errno{errno})));
  }
  path_ = fs::absolute(path);
}

WorkDirectory::~WorkDirectory() { remove_tree_on_one_device(path_); }

}  // namespace vfsprof::harness
