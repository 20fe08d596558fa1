#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "reports/model/json.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_comparison;

std::string message_of(const std::string& text) {
  try {
    run_result_from_json(text, "some/run.json");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

/// The message for a valid result with one change to it.
std::string message_after(const std::function<void(nlohmann::json&)>& change) {
  nlohmann::json document = nlohmann::json::parse(to_json(make_comparison(1, 1)));
  change(document);
  return message_of(document.dump());
}

TEST(RunResultJson, ComesBackAsItWas) {
  const RunResult result = make_comparison(2, 1.1);
  const std::string text = to_json(result);
  const RunResult again = run_result_from_json(text, "test");
  EXPECT_EQ(to_json(again), text);

  // Not through JSON, which might lose a field both ways.
  ASSERT_EQ(again.rounds.size(), result.rounds.size());
  EXPECT_EQ(again.seed, result.seed);
  EXPECT_EQ(again.environment.memory_bytes, result.environment.memory_bytes);
  EXPECT_EQ(again.arms[1].axes[0].value, result.arms[1].axes[0].value);
  EXPECT_EQ(again.capabilities[1].state, CapabilityState::kUnavailable);
  const Round &round = result.rounds.back(), &back = again.rounds.back();
  EXPECT_EQ(back.kind, RoundKind::kProfiling);
  EXPECT_EQ(back.operations[0].service_time_ns.buckets(),
            round.operations[0].service_time_ns.buckets());
  EXPECT_EQ(back.threads[2].full_name, round.threads[2].full_name);
  EXPECT_EQ(back.counters[1].value, round.counters[1].value);
  EXPECT_EQ(back.profile->frames, round.profile->frames);
  EXPECT_EQ(back.profile->stacks, round.profile->stacks);
  ASSERT_EQ(back.profile->samples.size(), round.profile->samples.size());
  EXPECT_EQ(back.profile->samples.back().count, round.profile->samples.back().count);
  EXPECT_EQ(back.profile->samples.back().slice, round.profile->samples.back().slice);
}

TEST(RunResultJson, KeepsIntegersBeyondDoublePrecision) {
  RunResult result = make_comparison(1, 1);
  result.seed = UINT64_MAX;
  EXPECT_EQ(run_result_from_json(to_json(result), "test").seed, UINT64_MAX);
}

TEST(RunResultJson, ReplacesBytesThatAreNoText) {
  RunResult result = make_comparison(1, 1);
  result.rounds[0].threads[0].name = "caf\xc3";  // cut within a character
  EXPECT_EQ(run_result_from_json(to_json(result), "test").rounds[0].threads[0].name,
            "caf\xef\xbf\xbd");
}

TEST(RunResultJson, EveryTruncationIsRefused) {
  const std::string text = to_json(make_comparison(1, 1));
  for (std::size_t size = 0; size + 2 < text.size(); size += 97) {
    EXPECT_NE(message_of(text.substr(0, size)).find("ends too early"), std::string::npos) << size;
  }
}

TEST(RunResultJson, RandomDamageNeverCrashes) {
  const std::string text = to_json(make_comparison(1, 1));
  std::mt19937_64 random(3);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = text;
    for (int j = 0; j < 3; ++j)
      damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    refused += message_of(damaged) == "accepted" ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

TEST(RunResultJson, ErrorsNameFilePlaceAndWhatIsAllowed) {
  EXPECT_NE(message_of("{\n  \"command\": tru\n}").find("some/run.json: line 2, column"),
            std::string::npos);
  EXPECT_NE(message_of("[]").find("an object"), std::string::npos);
  const std::string message =
      message_after([](auto& document) { document["rounds"][1]["kind"] = "warm-up"; });
  EXPECT_NE(message.find("some/run.json: at /rounds/1/kind: \"warm-up\""), std::string::npos)
      << message;
  EXPECT_NE(message.find("timing, profiling"), std::string::npos) << message;
  EXPECT_NE(message_after([](auto& document) { document["environment"].erase("kernel"); })
                .find("at /environment: an object cannot be used; expected an object with the key "
                      "\"kernel\""),
            std::string::npos);
}

TEST(RunResultJson, ANewerSchemaSaysSo) {
  const std::string message =
      message_after([](auto& document) { document["schema_version"] = 99; });
  EXPECT_NE(message.find("newer vfsprof"), std::string::npos) << message;
}

TEST(RunResultJson, UnknownKeysAreSkipped) {
  EXPECT_EQ(message_after([](auto& document) { document["added_later"] = 1; }), "accepted");
}

TEST(RunResultJson, RefusesWhatPointsOutOfRange) {
  using Json = nlohmann::json;
  const std::function<void(Json&)> changes[] = {
      [](Json& d) { d["rounds"][0]["arm"] = 2; },
      [](Json& d) { d["rounds"][0]["arm"] = -1; },
      [](Json& d) { d["rounds"].back()["profile"]["samples"]["thread"][0] = 3; },
      [](Json& d) { d["rounds"].back()["profile"]["samples"]["stack"][0] = 100; },
      [](Json& d) { d["rounds"].back()["profile"]["samples"]["count"][0] = 1ULL << 40; },
      [](Json& d) { d["rounds"].back()["profile"]["samples"]["slice"][0] = 4'000'000'000; },
      [](Json& d) { d["rounds"].back()["profile"]["samples"]["slice"].push_back(1); },
      [](Json& d) { d["rounds"].back()["profile"]["nodes"]["frame"][0] = 100; },
      [](Json& d) { d["rounds"].back()["profile"]["nodes"]["caller"][1] = 2; },  // its own caller
      [](Json& d) { d["rounds"].back()["profile"]["frames"]["kind"][0] = 3; },
      [](Json& d) { d["rounds"].back()["profile"]["frames"]["module"].push_back("x"); },
      [](Json& d) { d["rounds"].back()["profile"]["weight_ns"] = 0; },
      [](Json& d) {
        d["rounds"][0]["operations"][0]["service_time_ns"]["buckets"][0][0] = 1 << 30;
      },
      [](Json& d) { d["rounds"][0]["operations"][0]["count"] = 1.5; },
      [](Json& d) { d["rounds"][0]["elapsed_ns"] = UINT64_MAX; },
      [](Json& d) { d["rounds"][0]["threads"][0]["tid"] = 1LL << 40; },
      [](Json& d) { d["equivalence_margin"] = 0; },
      [](Json& d) { d["arms"] = Json::array(); },
      [](Json& d) { d["partial"] = "no"; },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    EXPECT_NE(message_after(changes[i]), "accepted") << "change " << i;
  }
}

TEST(RunResultJson, AStackOfHostileDepthIsRefused) {
  const std::string message = message_after([](nlohmann::json& document) {
    auto& nodes = document["rounds"].back()["profile"]["nodes"];
    const std::size_t first = nodes["caller"].size();
    for (std::size_t i = 0; i < 5'000; ++i) {
      nodes["caller"].push_back(first + i);
      nodes["frame"].push_back(0);
    }
  });
  EXPECT_NE(message.find("at most 1024 frames"), std::string::npos) << message;
  EXPECT_NE(message_of(std::string(100'000, '[')), "accepted");
}

}  // namespace
}  // namespace vfsprof::reports
