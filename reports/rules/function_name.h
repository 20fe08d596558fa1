#pragma once

#include <string>
#include <string_view>

namespace vfsprof::reports {

/// A function's name as rules see it: without return type, parameters, template arguments, symbol
/// version, anonymous namespaces and compiler suffixes (`.isra.0`, `.cold`, `[clone ...]`). Kernel
/// symbols and C names stay what they are.
///
/// `void vfs::Pool<int>::find<long>(int) const [clone .cold]` becomes `vfs::Pool::find`.
std::string normalise_function(std::string_view function);

/// Whether `pattern`, in which each `*` stands for any text, matches all of `text`.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace vfsprof::reports
