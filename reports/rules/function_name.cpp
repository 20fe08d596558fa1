#include "reports/rules/function_name.h"

#include <array>
#include <cctype>

namespace vfsprof::reports {
namespace {

constexpr std::array<std::string_view, 8> kCloneSuffixes{
    ".isra.", ".constprop.", ".part.", ".cold", ".lto_priv.", ".llvm.", ".localalias", ".clone."};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string_view without_suffixes(std::string_view name) {
  constexpr std::string_view kHiddenAlias = "__GI_";  // glibc, for calls within itself
  name = name.substr(0, name.find(" [clone"));
  if (name.starts_with(kHiddenAlias)) name.remove_prefix(kHiddenAlias.size());
  for (const std::string_view suffix : kCloneSuffixes) {
    const std::size_t found = name.find(suffix);
    if (found != std::string_view::npos && found > 0) name = name.substr(0, found);
  }
  const std::size_t version = name.find('@');
  if (version != std::string_view::npos && version > 0) name = name.substr(0, version);
  return name;
}

/// The length of an operator's name at the start of `text` (`operator()`, `operator<<`,
/// `operator->`), or 0.
std::size_t operator_length(std::string_view text) {
  constexpr std::string_view kOperator = "operator";
  if (!text.starts_with(kOperator)) return 0;
  std::size_t end = kOperator.size();
  if (text.substr(end).starts_with("()")) return end + 2;
  if (text.substr(end).starts_with("[]")) return end + 2;
  while (end < text.size() && std::string_view("<>=-+*/%!&|^~,").contains(text[end])) ++end;
  // `operator< <int>`: the space ends the symbol; `operator<<int>` cannot be told apart and is read
  // greedily.
  return end;
}

/// The end of the balanced bracket that opens at `begin`, or npos.
std::size_t skip_bracket(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(' || c == '<' || c == '[') ++depth;
    if (c == '>' && i > 0 && text[i - 1] == '-') continue;
    if (c == ')' || c == '>' || c == ']') --depth;
    if (depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

/// Drops every balanced bracket outside of operators' names.
std::string without_brackets(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const bool at_word = i == 0 || !is_word(text[i - 1]);
    if (const std::size_t length = at_word ? operator_length(text.substr(i)) : 0; length > 0) {
      result += text.substr(i, length);
      i += length;
    } else if (text[i] == '(' || text[i] == '<' || text[i] == '[') {
      const std::size_t end = skip_bracket(text, i);
      if (end == std::string_view::npos) return std::string(text);
      i = end;
    } else {
      result += text[i++];
    }
  }
  return result;
}

/// Rust writes `<Type as Trait>::f` and `<Type>::f` for a function of the type, and puts a hash
/// behind it; Go writes `package.(*Type).f`.
std::string without_foreign_marks(std::string name) {
  constexpr std::size_t kHash = 3 + 16;  // "::h" and sixteen digits
  const std::size_t hash = name.size() > kHash ? name.size() - kHash : std::string::npos;
  if (hash != std::string::npos && name.compare(hash, 3, "::h") == 0 &&
      name.find_first_not_of("0123456789abcdef", hash + 3) == std::string::npos) {
    name.erase(hash);
  }
  if (const std::size_t star = name.find(".(*"); star != std::string::npos) {
    if (const std::size_t close = name.find(')', star); close != std::string::npos) {
      name.erase(close, 1).erase(star + 1, 2);
    }
  }
  const std::size_t end = name.starts_with('<') ? skip_bracket(name, 0) : std::string::npos;
  if (end == std::string::npos || name.compare(end, 2, "::") != 0) return name;
  const std::string type = name.substr(1, end - 2);
  std::size_t depth = 0, stop = 0;
  for (; stop < type.size(); ++stop) {
    if (type[stop] == '<') ++depth;
    if (type[stop] == '>' && depth > 0) --depth;
    if (depth == 0 && type.compare(stop, 4, " as ") == 0) break;
  }
  return type.substr(0, stop) + name.substr(end);
}

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

/// Drops `const`, `volatile`, `&` and `noexcept` behind a parameter list.
std::string without_qualifiers(std::string text) {
  for (const std::string_view qualifier : {" const", " volatile", " &&", " &", " noexcept"}) {
    for (std::size_t at = text.find(qualifier); at != std::string::npos;
         at = text.find(qualifier, at + 1)) {
      const std::size_t end = at + qualifier.size();
      if (end == text.size() || text.substr(end, 2) == "::") text.erase(at, qualifier.size());
    }
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string without_return_type(const std::string& text) {
  // A space within an operator's name (`operator new`, `operator unsigned long`) does not end a
  // return type.
  std::size_t limit = text.size();
  for (std::size_t at = text.find("operator"); at != std::string::npos;
       at = text.find("operator", at + 1)) {
    if ((at == 0 || !is_word(text[at - 1])) && (at + 8 >= text.size() || !is_word(text[at + 8]))) {
      limit = at;
    }
  }
  const std::size_t space = text.substr(0, limit).rfind(' ');
  return space == std::string::npos ? text : text.substr(space + 1);
}

}  // namespace

std::string normalise_function(std::string_view function) {
  const std::string_view bare = without_suffixes(function);
  // C names, the bulk of a profile, need no more.
  if (bare.find_first_of(" (<:[{") == std::string_view::npos) return std::string(bare);
  std::string name = without_foreign_marks(std::string(bare));
  erase_all(name, "(anonymous namespace)::");
  for (std::size_t at = name.find("{lambda("); at != std::string::npos;
       at = name.find("{lambda(", at + 1)) {
    const std::size_t end = skip_bracket(name, at + 7);
    const std::size_t close = end == std::string::npos ? end : name.find('}', end);
    if (close != std::string::npos) name.replace(at, close - at, "{lambda");
  }
  name = without_return_type(without_qualifiers(without_brackets(name)));
  return name.empty() ? std::string(function) : name;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: after the last `*` seen.
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace vfsprof::reports
