#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "vfs/namespace/inode_record.h"

namespace vfsprof::vfs {

/// A record as the JSON text that the cache keeps, with a checksum. Names are bytes, not text: what
/// is no printable ASCII, and '%', is written as %XX.
std::string record_to_text(const InodeRecord& record);

/// The record, or one sentence that says why the text is none (truncated, altered, of another
/// version).
std::expected<InodeRecord, std::string> record_from_text(std::string_view text);

}  // namespace vfsprof::vfs
