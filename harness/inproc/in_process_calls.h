#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/inproc/file_system.h"
#include "harness/scenario/file_operations.h"
#include "harness/scenario/operation.h"

namespace vfsprof::harness {

/// A client's operations on a file system in this process (file_operations.h states what a class of
/// calls has). Results are those of SystemCalls.
class InProcessCalls {
 public:
  explicit InProcessCalls(const FilesOptions& options);

  bool keeps_data() const { return files_.keeps_data(); }
  std::int64_t execute(const Operation& operation, const std::byte* data,
                       std::span<std::byte> buffer);

 private:
  std::int64_t open(const Operation& operation);
  std::int64_t list(const Operation& operation);
  std::int64_t change_name(const Operation& operation);
  std::int64_t change_attribute(const Operation& operation);

  InProcessFileSystem& files_;
  std::span<const std::string> names_;
  std::vector<InProcessHandle> own_;
  std::vector<InProcessHandle>& open_;
  std::unique_ptr<vfs::PayloadPages> pages_;
};

}  // namespace vfsprof::harness
