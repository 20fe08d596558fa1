#include <gtest/gtest.h>

#include <cerrno>

#include "vfs/durability/sync_ledger.h"

namespace vfsprof::vfs {
namespace {

constexpr InodeId kInode{42};

bool is_clean(const SyncLedger& ledger) {
  const auto pending = ledger.pending(kInode);
  return pending && !*pending;
}

SyncLedger::Mark pending(const SyncLedger& ledger) {
  const auto mark = ledger.pending(kInode);
  EXPECT_TRUE(mark && *mark);
  return mark && *mark ? **mark : SyncLedger::Mark{};
}

TEST(SyncLedger, KnowsNothingOfFilesThatNobodyWrote) {
  SyncLedger ledger;
  EXPECT_TRUE(is_clean(ledger));
  EXPECT_FALSE(ledger.has_synced_version(kInode));
  ledger.change_ended(kInode);
  EXPECT_TRUE(is_clean(ledger));
}

TEST(SyncLedger, TakesAFoundFileForSyncedOnceAndChangedSince) {
  SyncLedger ledger;
  ledger.found(kInode);
  EXPECT_TRUE(ledger.has_synced_version(kInode));
  EXPECT_FALSE(is_clean(ledger));
}

TEST(SyncLedger, ASyncCoversOnlyWhatWasThereWhenItBegan) {
  SyncLedger ledger;
  ledger.change_begins(kInode);
  ledger.change_ended(kInode);
  const SyncLedger::Mark mark = pending(ledger);
  ledger.change_begins(kInode);
  EXPECT_TRUE(ledger.synced(kInode, mark));
  EXPECT_TRUE(ledger.has_synced_version(kInode));
  EXPECT_FALSE(is_clean(ledger));
  EXPECT_TRUE(pending(ledger).named);
}

TEST(SyncLedger, ASyncInTheMiddleOfAChangeDoesNotCoverItsRest) {
  SyncLedger ledger;
  ledger.change_begins(kInode);
  EXPECT_TRUE(ledger.synced(kInode, pending(ledger)));
  EXPECT_TRUE(is_clean(ledger));
  ledger.change_ended(kInode);
  EXPECT_FALSE(is_clean(ledger));
  EXPECT_TRUE(ledger.synced(kInode, pending(ledger)));
  EXPECT_TRUE(is_clean(ledger));
}

TEST(SyncLedger, ASyncOfAReplacedFileSaysNothingOfTheNewOne) {
  SyncLedger ledger;
  const SyncLedger::Mark old = ledger.replaced(kInode);
  ledger.replaced(kInode);
  EXPECT_FALSE(ledger.synced(kInode, old));
  EXPECT_FALSE(ledger.has_synced_version(kInode));
  EXPECT_FALSE(ledger.failed(kInode, old));
  EXPECT_TRUE(ledger.synced(kInode, pending(ledger)));
  EXPECT_FALSE(ledger.replaced(kInode).named);
}

TEST(SyncLedger, AFailedSyncStandsUntilTheFileIsReplaced) {
  SyncLedger ledger;
  ledger.change_begins(kInode);
  EXPECT_TRUE(ledger.failed(kInode, pending(ledger)));
  EXPECT_FALSE(ledger.may_change_in_place(kInode));
  ledger.change_begins(kInode);
  ledger.change_ended(kInode);
  EXPECT_EQ(ledger.pending(kInode).error(), Errno{EIO});
  EXPECT_TRUE(ledger.all_pending().empty());
  ledger.replaced(kInode);
  EXPECT_TRUE(ledger.may_change_in_place(kInode));
  EXPECT_EQ(ledger.all_pending().size(), 1U);
  EXPECT_TRUE(ledger.synced(kInode, pending(ledger)));
  EXPECT_TRUE(is_clean(ledger));
}

TEST(SyncLedger, AFailedSyncIsRememberedThoughTheFileChangedMeanwhile) {
  SyncLedger ledger;
  ledger.change_begins(kInode);
  const SyncLedger::Mark mark = pending(ledger);
  ledger.change_ended(kInode);
  EXPECT_TRUE(ledger.failed(kInode, mark));
  EXPECT_EQ(ledger.pending(kInode).error(), Errno{EIO});
}

TEST(SyncLedger, ForgetsFilesThatAreRemoved) {
  SyncLedger ledger;
  const SyncLedger::Mark mark = ledger.replaced(kInode);
  ledger.removed(kInode);
  EXPECT_TRUE(ledger.synced(kInode, mark)) << "there is nothing left to sync";
  EXPECT_TRUE(is_clean(ledger));
  EXPECT_FALSE(ledger.has_synced_version(kInode));
}

}  // namespace
}  // namespace vfsprof::vfs
