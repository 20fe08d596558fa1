#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "reports/tests/fuzz/hostile_input.h"

namespace vfsprof::reports {
namespace {

using synthetic::InputKind;
using synthetic::read_hostile;
using synthetic::valid_input;

constexpr std::array kKinds{InputKind::kResult,   InputKind::kRules,      InputKind::kPerfScript,
                            InputKind::kMarkdown, InputKind::kReportJson, InputKind::kPolicy};
static_assert(kKinds.size() == synthetic::kInputKinds);

/// One change of the kind that damage or malice makes.
void mutate(std::string& text, std::mt19937_64& random) {
  constexpr std::array<std::string_view, 14> kPieces{"-1",
                                                     "18446744073709551615",
                                                     "99999999999999999999",
                                                     "1e999",
                                                     "null",
                                                     "[]",
                                                     "{}",
                                                     "\"",
                                                     "\xff\xfe",
                                                     "\n\n",
                                                     "[[[[[",
                                                     ":",
                                                     "0.5",
                                                     "\"\\ud800\""};
  const std::size_t at = random() % (text.size() + 1);
  const std::size_t length = std::min<std::size_t>(random() % 24, text.size() - at);
  switch (random() % 5) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(random());
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.replace(at, length, kPieces[random() % kPieces.size()]);
      break;
    case 3:
      text.insert(random() % (text.size() + 1), text.substr(at, length));
      break;
    default: {  // a number becomes another one
      const std::size_t digit = text.find_first_of("0123456789", at);
      if (digit == std::string::npos) break;
      const std::size_t end = std::min(text.find_first_not_of("0123456789", digit), text.size());
      text.replace(digit, end - digit, kPieces[random() % 3]);
    }
  }
}

TEST(HostileInput, WhatIsValidIsAccepted) {
  for (const InputKind kind : kKinds) EXPECT_EQ(read_hostile(kind, valid_input(kind)), "");
}

TEST(HostileInput, DamageIsAcceptedOrRefusedWithItsPlace) {
  std::mt19937_64 random(11);
  for (const InputKind kind : kKinds) {
    const std::string valid = valid_input(kind);
    std::size_t refused = 0;
    for (int i = 0; i < 300; ++i) {
      std::string text = valid;
      for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) mutate(text, random);
      const std::string message = read_hostile(kind, text);
      if (message.empty()) continue;
      ++refused;
      EXPECT_TRUE(message.starts_with("hostile: ")) << message;
    }
    const bool is_json = kind != InputKind::kPerfScript && kind != InputKind::kMarkdown;
    if (is_json) {
      EXPECT_GT(refused, 100U);
    }
  }
}

TEST(HostileInput, EveryTruncationIsRefusedOrAPrefix) {
  for (const InputKind kind : {InputKind::kResult, InputKind::kRules}) {
    const std::string valid = valid_input(kind);
    const std::size_t step = valid.size() / 300 + 1;
    for (std::size_t size = 0; size + 2 < valid.size(); size += step) {
      const std::string message = read_hostile(kind, valid.substr(0, size));
      EXPECT_NE(message.find("line"), std::string::npos) << size << ": " << message;
    }
  }
}

TEST(HostileInput, DepthAndLengthAreNoDanger) {
  for (const InputKind kind : {InputKind::kResult, InputKind::kRules}) {
    EXPECT_NE(read_hostile(kind, std::string(1'000'000, '[')), "");
    EXPECT_NE(read_hostile(kind, std::string(200'000, '[') + std::string(200'000, ']')), "");
    EXPECT_NE(read_hostile(kind, ""), "");
  }
  EXPECT_NE(read_hostile(InputKind::kPerfScript, std::string(3'000'000, 'x')), "");
}

}  // namespace
}  // namespace vfsprof::reports
