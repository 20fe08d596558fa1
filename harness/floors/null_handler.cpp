#include "harness/floors/null_handler.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace vfsprof::harness {
namespace {

bool is_axis(std::string_view name) {
  return std::ranges::any_of(vfs::axes(),
                             [&](const vfs::AxisInfo& axis) { return axis.name == name; });
}

bool is_variant(const std::string& text) {
  try {
    vfs::parse_variant(text);
    return true;
  } catch (const vfs::VariantError&) {
    return false;
  }
}

/// The null handler's text with the mount options of a canonical variant text. Options that it
/// refuses are those of contents, which it does not keep.
std::string null_handler_text(std::string_view canonical) {
  std::string text(kNullVariant);
  for (const auto part : std::views::split(canonical, ',')) {
    const std::string_view setting(part.begin(), part.end());
    if (is_axis(setting.substr(0, setting.find('=')))) continue;
    const std::string longer = fmt::format("{},{}", text, setting);
    if (is_variant(longer)) text = longer;
  }
  return text;
}

}  // namespace

NullHandlers null_handlers(std::span<const vfs::Variant> variants) {
  NullHandlers handlers;
  for (const vfs::Variant& variant : variants) {
    const std::string text = null_handler_text(vfs::canonical(variant));
    try {
      const vfs::Variant handler = vfs::parse_variant(text);
      auto found = std::ranges::find(handlers.variants, handler);
      if (found == handlers.variants.end()) {
        found = handlers.variants.insert(found, handler);
      }
      handlers.of.push_back(static_cast<std::uint32_t>(found - handlers.variants.begin()));
    } catch (const vfs::VariantError& error) {
      return {.absent = error.what()};
    }
  }
  return handlers;
}

}  // namespace vfsprof::harness
