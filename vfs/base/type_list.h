#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace vfsprof {

/// A list of types, for explicit registration: nothing registers itself.
template <class... Ts>
struct TypeList {
  static constexpr std::size_t kSize = sizeof...(Ts);
};

/// A string as a template argument.
template <std::size_t N>
struct FixedString {
  char text[N] = {};
  constexpr FixedString(const char (&literal)[N]) {
    std::copy_n(literal, N, text);
  }  // NOLINT(google-explicit-constructor): a literal is meant
  constexpr std::string_view view() const { return {text, N - 1}; }
};

template <class T>
struct TypeTag {
  using Type = T;
};

/// Calls `f(TypeTag<T>{})` for each type of the list, in order.
template <class... Ts, class F>
constexpr void for_each_type(TypeList<Ts...>, F&& f) {
  (f(TypeTag<Ts>{}), ...);
}

/// The names (`T::kName`) of a list, in order.
template <class... Ts>
constexpr std::array<std::string_view, sizeof...(Ts)> names_of(TypeList<Ts...>) {
  return {Ts::kName...};
}

namespace detail {
template <FixedString kWanted, class First, class... Rest>
constexpr auto find_type(TypeList<First, Rest...>) {
  if constexpr (First::kName == kWanted.view()) {
    return TypeTag<First>{};
  } else {
    static_assert(sizeof...(Rest) > 0, "no type of the list has this kName");
    return find_type<kWanted>(TypeList<Rest...>{});
  }
}
}  // namespace detail

/// The type of `List` whose `kName` is `kWanted`; does not compile if there is none.
template <FixedString kWanted, class List>
using TypeNamed = typename decltype(detail::find_type<kWanted>(List{}))::Type;

}  // namespace vfsprof
