#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/model/format_error.h"
#include "reports/rules/check_rules.h"
#include "reports/rules/classifier.h"
#include "reports/rules/function_name.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::kernel;
using synthetic::user;

TEST(FunctionName, DropsWhatRulesNeedNotKnow) {
  const std::pair<const char*, const char*> cases[] = {
      {"futex_wake", "futex_wake"},
      {"finish_task_switch.isra.0", "finish_task_switch"},
      {"copy_user_generic.constprop.3", "copy_user_generic"},
      {"do_fault.part.0.cold", "do_fault"},
      {"vfs::Pool::find(int) const [clone .cold]", "vfs::Pool::find"},
      {"read@@GLIBC_2.2.5", "read"},
      {"__GI___libc_read", "__libc_read"},
      {"operator new(unsigned long)", "operator new"},
      {"operator new[](unsigned long)", "operator new"},
      {"operator delete(void*, unsigned long)", "operator delete"},
      {"void std::vector<int, std::allocator<int> >::emplace_back<int>(int&&)",
       "std::vector::emplace_back"},
      {"unsigned long vfs::Map<std::pair<int, long> >::get<7>(int) const", "vfs::Map::get"},
      {"std::function<void (int)>::operator()(int) const", "std::function::operator()"},
      {"vfs::Key::operator<(vfs::Key const&) const", "vfs::Key::operator<"},
      {"vfs::Key::operator<=>(vfs::Key const&) const", "vfs::Key::operator<=>"},
      {"vfs::Smart<int>::operator->() const", "vfs::Smart::operator->"},
      {"vfs::Id::operator unsigned long() const", "vfs::Id::operator unsigned long"},
      {"vfs::(anonymous namespace)::reply(int)", "vfs::reply"},
      {"vfs::run(int)::{lambda(int, char)#2}::operator()(int, char) const",
       "vfs::run::{lambda}::operator()"},
      {"auto vfs::run<int>(int)::{lambda()#1}::operator()() const",
       "vfs::run::{lambda}::operator()"},
      {"vfs::run(int)::$_0::operator()() const", "vfs::run::$_0::operator()"},
      {"decltype(auto) vfs::visit<int>(int)", "vfs::visit"},
      {"my_operators(int)", "my_operators"},
      {"std::__cxx11::basic_string<char>::append[abi:cxx11](char)",
       "std::__cxx11::basic_string::append"},
      {"<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop::h0123456789abcdef",
       "alloc::vec::Vec::drop"},
      {"<fuser::session::Session<FS>>::run", "fuser::session::Session::run"},
      {"runtime.(*mcache).nextFree", "runtime.mcache.nextFree"},
      {"github.com/hanwen/go-fuse/v2/fuse.(*Server).loop.func1",
       "github.com/hanwen/go-fuse/v2/fuse.Server.loop.func1"},
      {"unbalanced<", "unbalanced<"},
      {"<unbalanced", "<unbalanced"},
      {"unbalanced(", "unbalanced("},
      {"", ""},
  };
  for (const auto& [name, wanted] : cases) EXPECT_EQ(normalise_function(name), wanted) << name;
}

TEST(FunctionName, AStarStandsForAnyText) {
  EXPECT_TRUE(glob_matches("fuse_copy_*", "fuse_copy_fill"));
  EXPECT_TRUE(glob_matches("*pthread_mutex_*", "___pthread_mutex_lock"));
  EXPECT_TRUE(glob_matches("a*b*c", "aXbXbXc"));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_FALSE(glob_matches("fuse_copy_*", "xfuse_copy_fill"));
  EXPECT_FALSE(glob_matches("a*b", "abc"));
  EXPECT_FALSE(glob_matches("", "a"));
  // Exponential only for a matcher that backtracks into every star.
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*b", std::string(5'000, 'a')));
}

/// A profile with one stack.
Profile profile_of(const std::vector<Frame>& stack) {
  Profile profile;
  profile.frames = stack;
  std::vector<std::uint32_t>& indices = profile.stacks.emplace_back();
  for (std::uint32_t i = 0; i < stack.size(); ++i) indices.push_back(i);
  return profile;
}

std::string classify(const RuleSet& rules, const std::vector<Frame>& stack,
                     const std::string& role = "any") {
  const Profile profile = profile_of(stack);
  const auto found = Classifier(rules, profile).classify(0, role);
  return found ? rules.categories[rules.rules[found->rule].category].id
               : std::string(kUnclassified);
}

TEST(DefaultRules, EveryRuleDecidesItsOwnExampleAndEveryCategoryIsFilled) {
  for (const RuleFinding& finding : check_rules(default_rules())) {
    ADD_FAILURE() << finding.origin << " at " << finding.pointer << ": " << finding.message;
  }
}

TEST(DefaultRules, EveryCategoryIsDescribed) {
  for (const Category& category : default_rules().categories) {
    EXPECT_FALSE(category.description.empty()) << category.id;
  }
}

TEST(DefaultRules, ByNameAFunctionCountsOnlyWhereNoCallerSaysWhatFor) {
  const RuleSet rules = default_rules();
  EXPECT_EQ(classify(rules, {user("__strlen_evex"), user("somebody")}), "strings");
  EXPECT_EQ(classify(rules, {user("__strlen_evex"), user("vfsprof::vfs::Namespace::lookup(int)")}),
            "names");
  EXPECT_EQ(classify(rules, {kernel("kmem_cache_free"), kernel("do_syscall_64")}), "kernel-memory");
  EXPECT_EQ(classify(rules, {kernel("kmem_cache_free"), kernel("futex_wake")}), "futex-wake");
}

TEST(DefaultRules, RustAndGoAreKnownAsPerfPrintsThem) {
  const RuleSet rules = default_rules();
  const std::pair<const char*, const char*> cases[] = {
      {"<dashmap::DashMap<K,V,S> as dashmap::t::Map<K,V,S>>::_get::h0123456789abcdef",
       "pool-index"},
      {"tokio::runtime::scheduler::multi_thread::worker::Context::park", "executor"},
      {"<fuser::reply::ReplyRaw as fuser::reply::Reply>::new", "fuse-decode"},
      {"std::sys::sync::mutex::futex::Mutex::lock_contended", "futex-wait"},
      {"<core::hash::sip::Hasher<S> as core::hash::Hasher>::write", "key-hash"},
      {"__rust_alloc", "allocator"},
      {"runtime.mallocgc", "allocator"},
      {"runtime.(*mcache).nextFree", "allocator"},
      {"runtime.gcDrain", "garbage-collection"},
      {"runtime.futexsleep", "futex-wait"},
      {"sync.(*Mutex).lockSlow", "user-locks"},
      {"crypto/cipher.(*gcm).Seal", "cryptography"},
      {"github.com/hanwen/go-fuse/v2/fuse.(*Server).write", "fuse-decode"},
  };
  for (const auto& [name, category] : cases) {
    EXPECT_EQ(classify(rules, {user(name), user("mystery")}), category) << name;
  }
  EXPECT_EQ(classify(rules, {user("mystery"), user("runtime.mcall")}), std::string(kUnclassified));
}

TEST(DefaultRules, TheCallerDecidesWhatASharedLeafMeans) {
  const RuleSet rules = default_rules();
  EXPECT_EQ(classify(rules, {kernel("try_to_wake_up"), kernel("futex_wake"), kernel("do_futex")}),
            "futex-wake");
  EXPECT_EQ(classify(rules, {kernel("try_to_wake_up"), kernel("__wake_up"),
                             kernel("fuse_dev_do_write"), kernel("vfs_writev")}),
            "fuse-reply");
  EXPECT_EQ(
      classify(rules, {kernel("__schedule"), kernel("futex_wait_queue"), kernel("futex_wait")}),
      "futex-wait");
  EXPECT_EQ(classify(rules, {kernel("__schedule"), kernel("schedule"), kernel("fuse_dev_do_read")}),
            "fuse-request-read");
  EXPECT_EQ(
      classify(rules, {kernel("__schedule"), kernel("schedule"), kernel("exit_to_user_mode_loop")}),
      "scheduler");
  EXPECT_EQ(classify(rules, {kernel("get_futex_key"), kernel("futex_wake"), kernel("do_futex")}),
            "futex-wake");
  EXPECT_EQ(classify(rules, {kernel("clear_page_erms"), kernel("do_anonymous_page"),
                             kernel("asm_exc_page_fault"), user("__memmove_avx_unaligned_erms")}),
            "page-faults");
  EXPECT_EQ(classify(rules, {kernel("copy_user_generic_string"), kernel("generic_perform_write"),
                             kernel("vfs_write"), user("__GI___libc_write")}),
            "disk-cache-write");
  EXPECT_EQ(classify(rules, {kernel("rep_movs_alternative"), kernel("fuse_copy_fill"),
                             kernel("fuse_dev_do_read")}),
            "fuse-page-copy");
}

TEST(DefaultRules, KernelNamesOfOldAndNewKernelsAreKnown) {
  const RuleSet rules = default_rules();
  for (const char* name : {"futex_wait_queue_me", "futex_wait_queue", "futex_do_wait"}) {
    EXPECT_EQ(classify(rules, {kernel("schedule"), kernel(name)}), "futex-wait") << name;
  }
  for (const char* name : {"__do_softirq", "handle_softirqs"}) {
    EXPECT_EQ(classify(rules, {kernel("run_rebalance_domains"), kernel(name)}), "interrupts")
        << name;
  }
  for (const char* name :
       {"fuse_copy_page", "fuse_copy_pages", "fuse_copy_folio", "fuse_copy_folios"}) {
    EXPECT_EQ(classify(rules, {kernel("memcpy"), kernel(name)}), "fuse-page-copy") << name;
  }
}

TEST(DefaultRules, TheRoleTellsAReadOfRequestsFromOneOfFiles) {
  const RuleSet rules = default_rules();
  EXPECT_EQ(classify(rules, {kernel("vfs_read"), kernel("ksys_read")}, "mount_vfs"),
            "fuse-request-read");
  EXPECT_EQ(classify(rules, {kernel("vfs_read"), kernel("ksys_read")}, "vfs-io-worker"),
            "disk-cache-read");
  EXPECT_EQ(classify(rules, {user("__GI___libc_read")}, "mount_vfs"), "fuse-request-read");
}

TEST(DefaultRules, AHashTableCountsAsThePoolsOnlyBelowThePool) {
  const RuleSet rules = default_rules();
  const std::string find =
      "std::_Hashtable<int, std::pair<int const, int> >::_M_find_before_node(unsigned long)";
  EXPECT_EQ(
      classify(rules, {user(find), user("vfsprof::vfs::MutexPool::Of<Key, Hash>::modify<X>(Key)")}),
      "pool-index");
  EXPECT_EQ(classify(rules, {user(find), user("vfsprof::vfs::Global::record_write(int)")}),
            "dirty-metadata");
  EXPECT_EQ(classify(rules, {user(find), user("vfsprof::vfs::Namespace::lookup(int)")}), "names");
}

TEST(DefaultRules, OutermostFramesAndNamelessFramesExplainNothing) {
  const RuleSet rules = default_rules();
  EXPECT_EQ(classify(rules, {kernel("mystery"), kernel("do_syscall_64"),
                             kernel("entry_SYSCALL_64_after_hwframe")}),
            std::string(kUnclassified));
  EXPECT_EQ(classify(rules, {kernel("do_syscall_64"), kernel("entry_SYSCALL_64_after_hwframe")}),
            "syscall-entry");
  EXPECT_EQ(classify(rules, {user(""), user("start_thread"), user("main")}),
            std::string(kUnclassified));
  EXPECT_EQ(classify(rules, {}), std::string(kUnclassified));
  EXPECT_EQ(classify(rules, {user("mystery"), user("vfsprof::vfs::WorkerPool::work(int)")}),
            std::string(kUnclassified));
}

TEST(DefaultRules, AUserFunctionDoesNotPassForAKernelOne) {
  EXPECT_EQ(classify(default_rules(), {user("futex_wake")}), std::string(kUnclassified));
}

TEST(Classifier, AMillionSamplesAreALookUpEach) {
  Profile profile;
  for (int i = 0; i < 2'000; ++i)
    profile.frames.push_back(user("function_" + std::to_string(i) + "<int>(int)"));
  profile.frames.push_back(kernel("futex_wake"));
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    std::vector<std::uint32_t>& stack = profile.stacks.emplace_back();
    for (std::uint32_t j = 0; j < 40; ++j) stack.push_back((i * 7 + j * 31) % 2'000);
    stack.push_back(2'000);
  }
  const RuleSet rules = default_rules();
  Classifier classifier(rules, profile);
  std::size_t classified = 0;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    classified += classifier.classify(i % 5'000, "vfs-io-worker").has_value() ? 1 : 0;
  }
  EXPECT_EQ(classified, 1'000'000U);
}

std::string refusal(const std::string& rule) {
  const std::string text =
      R"({"categories": [{"id": "a", "title": "A", "description": "d"}], "rules": [{"id": "r", )" +
      rule.substr(1) + "]}";
  try {
    rules_from_json(text, "my.json");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RuleLoader, AcceptsAPlainRule) {
  EXPECT_EQ(refusal(R"({"category": "a", "frames": ["futex_*"], "example": ["futex_wake"]})"),
            "accepted");
}

TEST(RuleLoader, RefusesRulesThatExplainNothing) {
  // A module alone, whatever its frames.
  EXPECT_NE(refusal(R"({"category": "a", "frames": ["*"], "module": "libc*", "example": ["x"]})")
                .find("three letters"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"category": "a", "frames": [], "module": "libc*", "example": ["x"]})")
                .find("/rules/0/frames"),
            std::string::npos);
  for (const char* outermost :
       {"do_syscall_64", "entry_*", "*thread*", "main", "*64*hwframe", "__libc_start*"}) {
    const std::string frames = std::string(R"({"category": "a", "frames": [")") + outermost + "\"]";
    EXPECT_NE(refusal(frames + R"(, "example": ["x"]})").find("outermost"), std::string::npos)
        << outermost;
    EXPECT_EQ(refusal(frames + R"(, "position": "leaf", "example": ["x"]})"), "accepted")
        << outermost;
  }
}

TEST(RuleLoader, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(refusal(R"({"category": "b", "frames": ["fff"], "example": ["x"]})")
                .find("/rules/0/category"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"category": "a", "frames": ["fff"], "frame": 1, "example": ["x"]})")
                .find("unknown key \"frame\""),
            std::string::npos);
  EXPECT_NE(refusal(R"({"category": "a", "frames": ["fff"], "kind": "both", "example": ["x"]})")
                .find("kernel"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"category": "a", "frames": ["fff"]})").find("example"), std::string::npos);
  EXPECT_THROW(
      rules_from_json(R"({"categories": [{"id": "unclassified", "title": "t", "description": ""}],
                                   "rules": []})",
                      "my.json"),
      FormatError);
}

std::string message_of(const std::string& text) {
  try {
    extend_rules(default_rules(), text, "my.json");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RuleLoader, AFileAddsBeforeTheDefaultRulesOrReplacesById) {
  const RuleSet added =
      extend_rules(default_rules(),
                   R"({"categories": [{"id": "mine", "title": "Mine", "description": "d"}],
          "rules": [{"id": "my-malloc", "category": "mine", "frames": ["malloc"],
                     "example": ["malloc"]}]})",
                   "my.json");
  EXPECT_EQ(added.rules.size(), default_rules().rules.size() + 1);
  EXPECT_EQ(classify(added, {user("malloc")}), "mine");

  const RuleSet replaced =
      extend_rules(default_rules(),
                   R"({"rules": [{"id": "kernel-futex-wake", "category": "poll", "kind": "kernel",
                     "frames": ["futex_wake"], "example": ["futex_wake"]}]})",
                   "my.json");
  EXPECT_EQ(replaced.rules.size(), default_rules().rules.size());
  EXPECT_EQ(classify(replaced, {kernel("futex_wake")}), "poll");
  EXPECT_EQ(classify(replaced, {kernel("futex_wait")}), "futex-wait");
}

TEST(RuleLoader, NamesThePlaceOfWhatIsTwice) {
  const std::string rule =
      R"({"id": "r", "category": "poll", "frames": ["fff"], "example": ["fff"]})";
  const std::string message = message_of("{\"rules\": [" + rule + "," + rule + "]}");
  EXPECT_NE(message.find("my.json: at /rules/1/id"), std::string::npos) << message;
  EXPECT_NE(message_of("{}").find("\"rules\""), std::string::npos);
}

std::vector<std::string> checks_of(const std::string& rules) {
  const RuleSet set = extend_rules(default_rules(), rules, "my.json");
  std::vector<std::string> result;
  for (const RuleFinding& finding : check_rules(set, "my.json")) {
    result.push_back(finding.check + " " + finding.pointer);
  }
  return result;
}

TEST(CheckRules, FindsWhatARuleDoesNotDo) {
  const std::string about = R"("title": "t", "description": "d", "category": "poll", )";
  EXPECT_TRUE(checks_of("{\"rules\": [{\"id\": \"a\", " + about +
                        R"("frames": ["fff"], "example": ["fff"]}]})")
                  .empty());
  EXPECT_THAT(checks_of("{\"rules\": [{\"id\": \"a\", " + about +
                        R"("frames": ["fff*"], "example": ["ggg"]}]})"),
              testing::ElementsAre("example /rules/0"));
  EXPECT_THAT(checks_of("{\"rules\": [{\"id\": \"a\", " + about +
                        R"("frames": ["fff*"], "example": ["fff"]}, {"id": "b", )" + about +
                        R"("frames": ["fffg"], "kind": "user", "example": ["fffg"]}]})"),
              testing::ElementsAre("unreachable /rules/1"));
  EXPECT_THAT(checks_of(R"({"categories": [{"id": "x", "title": "X", "description": "d"}]})"),
              testing::ElementsAre("unused-category /categories"));
  EXPECT_THAT(checks_of(R"({"rules": [{"id": "a", "category": "poll", "frames": ["fff"],
                                       "example": ["fff"]}]})"),
              testing::ElementsAre("no-description /rules/0"));
}

}  // namespace
}  // namespace vfsprof::reports
