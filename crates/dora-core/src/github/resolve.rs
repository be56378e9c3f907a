//! From the commits between two deployments to the commits that their authors made: pure rules.
//!
//! A merge hides when work began. A squash or rebase merge puts new commits in place of the pull
//! request's own, and a merge commit comes long after what it merges. So a commit that *merging a
//! pull request made* is replaced by that request's own commits; any other counts itself.
//!
//! | how a pull request was merged | commits that merging made | what counts |
//! |---|---|---|
//! | merge commit | the merge commit, with two parents | its own commits, which are in the range already |
//! | squash | one | its own commits |
//! | rebase | one for each of its own | its own commits |
//! | by a push of its commits | none | the commits themselves |
//!
//! Own commits can in turn be made by merging: a pull request into a pull request's branch.
//!
//! The same walk finds the OpsItems that a deployment references: named by the message of what is
//! new in production, or by the head branch of a pull request that brought something new. A merge
//! speaks for what it brought: one that merges a hotfix back, which production has, names nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::commit::{Commit, CommitId};
use crate::identity::OpsItemId;

/// What is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitNode {
    /// Its author date.
    pub authored_at: DateTime<Utc>,
    /// Its first two parents.
    pub parents: Vec<CommitId>,
    /// The merged pull requests that it belongs to.
    pub pull_requests: Vec<u64>,
    /// The OpsItems that its message names.
    pub ops_items: BTreeSet<OpsItemId>,
}

/// What is known of a merged pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PullRequest {
    /// When it was merged.
    pub merged_at: DateTime<Utc>,
    /// The branch that it was merged into.
    pub base: String,
    /// The last commit that merging made, with the number of its parents, where GitHub knows it.
    pub merge: Option<(CommitId, usize)>,
    /// The OpsItems that its head branch names.
    pub ops_items: BTreeSet<OpsItemId>,
    /// Its own commits, once they were asked for.
    pub commits: Option<Vec<CommitId>>,
}

/// Everything that was learnt of a repository so far.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By id.
    pub(super) commits: HashMap<CommitId, CommitNode>,
    /// By number.
    pub(super) pull_requests: HashMap<u64, PullRequest>,
}

/// A deployment, as far as it decides what was shipped.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The commits that it deployed.
    pub span: Span<'a>,
    /// The branch that was deployed, where it is known.
    pub branch: Option<&'a str>,
    /// Commits that had been deployed before.
    pub before: &'a [CommitId],
}

/// The commits that a deployment deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span<'a> {
    /// A pipeline's first deployment: what lies behind this commit is not known, so it stands for
    /// the pull request that it merged, if it merged one, else for itself.
    First(&'a CommitId),
    /// The commits since the deployment before.
    Since(&'a [CommitId]),
}

impl<'a> Span<'a> {
    pub(super) fn commits(self) -> &'a [CommitId] {
        match self {
            Self::First(commit) => std::slice::from_ref(commit),
            Self::Since(range) => range,
        }
    }
}

impl Known {
    /// The own commits of all pull requests that were asked for.
    pub fn own_commits(&self) -> impl Iterator<Item = &CommitId> {
        self.pull_requests.values().filter_map(|known| known.commits.as_ref()).flatten()
    }

    /// The commits that the deployment shipped, oldest first, with the OpsItems that they or their
    /// pull requests name; or what must be asked for first: the own commits of these pull requests.
    ///
    /// # Errors
    /// The numbers of the pull requests.
    pub(super) fn shipped(&self, question: Question<'_>) -> Result<Found, BTreeSet<u64>> {
        let range = question.span.commits();
        let mut walk = Walk {
            known: self,
            question,
            range: range.iter().collect(),
            needed: BTreeSet::new(),
            counted: BTreeSet::new(),
            opened: HashMap::new(),
            visited: HashSet::new(),
            made: HashMap::new(),
            fresh: HashSet::new(),
            ops_items: BTreeSet::new(),
        };
        for commit in range {
            walk.visit(commit, None);
        }
        if let Span::First(commit) = question.span {
            walk.open_merged(commit);
        }
        walk.name_all();
        if walk.needed.is_empty() {
            Ok(Found { commits: walk.counted.into_iter().collect(), ops_items: walk.ops_items })
        } else {
            Err(walk.needed)
        }
    }
}

/// What a deployment shipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The commits, oldest first, each once.
    pub commits: Vec<Commit>,
    /// The OpsItems that messages and branches name.
    pub ops_items: BTreeSet<OpsItemId>,
}

/// What a pull request's own commits brought to production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brought {
    /// Some of them are new.
    New,
    /// Nothing new, but it is landed again: it was reverted, or its branch is used again.
    Again,
    /// Nothing: it came to production by another way before.
    Nothing,
}

struct Walk<'a> {
    known: &'a Known,
    question: Question<'a>,
    range: HashSet<&'a CommitId>,
    needed: BTreeSet<u64>,
    counted: BTreeSet<Commit>,
    /// The pull requests whose own commits were looked at, and what they brought.
    opened: HashMap<u64, Brought>,
    visited: HashSet<&'a CommitId>,
    /// Those of the visited that merging a pull request made.
    made: HashMap<&'a CommitId, u64>,
    /// Those of the visited that bring something new, by themselves or as made: no merge commits.
    fresh: HashSet<&'a CommitId>,
    ops_items: BTreeSet<OpsItemId>,
}

impl<'a> Walk<'a> {
    /// Counts a commit, or what it stands for. `within` is the pull request whose own commit it is.
    fn visit(&mut self, id: &'a CommitId, within: Option<u64>) {
        let Some(node) = self.known.commits.get(id) else { return };
        self.visited.insert(id);
        let others = || node.pull_requests.iter().copied().filter(|number| Some(*number) != within);
        if node.parents.len() > 1 {
            // What it merged is in the range, or among the same request's own commits.
            if !others().any(|number| self.is_merge_of(id, number)) {
                self.count(id, node);
            }
            return;
        }
        let mut made_by = None;
        for number in others() {
            let Some(pull_request) = self.known.pull_requests.get(&number) else { continue };
            if pull_request.merge.as_ref().is_some_and(|(_, parents)| *parents > 1) {
                continue; // merged as it is: the commit is one of its own
            }
            match &pull_request.commits {
                None => drop(self.needed.insert(number)),
                Some(own) if own.contains(id) => {
                    if within.is_none() && self.was_squashed_before(id, node, pull_request, own) {
                        return;
                    }
                }
                Some(_) if self.is_merge_of(id, number) || made_by.is_none() => {
                    made_by = Some(number);
                }
                Some(_) => {}
            }
        }
        let brings_something = if let Some(number) = made_by {
            self.made.insert(id, number);
            self.open(number, id, node)
        } else {
            self.count(id, node);
            true
        };
        if brings_something {
            self.fresh.insert(id);
        }
    }

    /// Takes what those commits name that brought something new, and their pull requests' branches.
    fn name_all(&mut self) {
        let naming: HashSet<_> = self
            .visited
            .iter()
            .copied()
            .filter(|id| self.fresh.contains(id) || self.is_merge_of_something_new(id))
            .collect();
        for id in &naming {
            let Some(node) = self.known.commits.get(id) else { continue };
            let quoted = self.made.get(id).map(|number| self.quoted(*number, &naming));
            let quoted = quoted.unwrap_or_default();
            self.ops_items.extend(node.ops_items.difference(&quoted).cloned());
            for number in &node.pull_requests {
                if self.is_merge_of(id, *number) {
                    self.name_head(*number);
                }
            }
        }
    }

    /// What a squash may name only because it quotes the messages of commits that brought nothing.
    fn quoted(&self, number: u64, naming: &HashSet<&CommitId>) -> BTreeSet<OpsItemId> {
        let own = self.known.pull_requests.get(&number).and_then(|known| known.commits.as_ref());
        let brought_nothing = own.into_iter().flatten().filter(|id| !naming.contains(id));
        let nodes = brought_nothing.filter_map(|id| self.known.commits.get(id));
        nodes.flat_map(|node| node.ops_items.iter().cloned()).collect()
    }

    fn is_merge_of_something_new(&self, id: &CommitId) -> bool {
        let Some(node) = self.known.commits.get(id) else { return false };
        let [first, merged] = node.parents.as_slice() else { return false };
        if matches!(self.question.span, Span::First(only) if only == id) {
            return true; // nothing is known of what it merged
        }
        let had = self.built_on(first, &self.visited);
        let brought = self.built_on(merged, &self.visited);
        brought.difference(&had).any(|id| self.fresh.contains(id))
    }

    /// Those of some commits that a commit is built on, itself included.
    fn built_on<'b>(
        &'b self,
        id: &'b CommitId,
        among: &HashSet<&CommitId>,
    ) -> HashSet<&'b CommitId> {
        let mut found = HashSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if among.contains(id) && found.insert(id) {
                open.extend(self.known.commits.get(id).into_iter().flat_map(|node| &node.parents));
            }
        }
        found
    }

    /// Counts the own commits of the pull request that this commit merged.
    fn open_merged(&mut self, id: &'a CommitId) {
        let Some(node) = self.known.commits.get(id) else { return };
        for number in node.pull_requests.iter().copied() {
            let Some(pull_request) = self.known.pull_requests.get(&number) else { continue };
            if self.is_merge_of(id, number) {
                match pull_request.commits {
                    None => drop(self.needed.insert(number)),
                    Some(_) => drop(self.open(number, id, node)),
                }
            }
        }
    }

    /// Counts a pull request's own commits in place of `made`, a commit that merging it made, and
    /// returns whether that brought something. Where all of it had been in production before, the
    /// commit itself is what landed.
    fn open(&mut self, number: u64, made: &CommitId, made_node: &CommitNode) -> bool {
        let brought = match self.opened.get(&number) {
            Some(brought) => *brought,
            None => self.open_first(number),
        };
        if brought != Brought::New {
            self.count(made, made_node);
        }
        if brought != Brought::Nothing {
            self.name_head(number);
        }
        brought != Brought::Nothing
    }

    fn open_first(&mut self, number: u64) -> Brought {
        let Some(pull_request) = self.known.pull_requests.get(&number) else {
            return Brought::Nothing;
        };
        let own = pull_request.commits.as_deref().unwrap_or_default();
        // The list is in the order of the branch: what was deployed from it had all before.
        let deployed = own.iter().rposition(|id| self.question.before.contains(id));
        let later = own.get(deployed.map_or(0, |last| last + 1)..).unwrap_or_default();
        let fresh: Vec<_> =
            later.iter().filter(|id| !self.was_shipped_before(id, number, pull_request)).collect();
        let is_landed_again = || {
            let requests = own.iter().filter_map(|id| self.known.commits.get(id));
            let mut others = requests.flat_map(|node| &node.pull_requests);
            others.any(|other| {
                self.known.pull_requests.get(other).is_some_and(|other| {
                    other.base == pull_request.base && other.merged_at < pull_request.merged_at
                })
            })
        };
        let brought = match fresh.is_empty() {
            false => Brought::New,
            true if is_landed_again() => Brought::Again,
            true => Brought::Nothing,
        };
        self.opened.insert(number, brought);
        for id in fresh {
            self.visit(id, Some(number));
        }
        brought
    }

    /// Takes what the head branch of a pull request names.
    fn name_head(&mut self, number: u64) {
        let head = self.known.pull_requests.get(&number).map(|known| known.ops_items.iter());
        self.ops_items.extend(head.into_iter().flatten().cloned());
    }

    fn count(&mut self, id: &CommitId, node: &CommitNode) {
        self.counted.insert(Commit {
            authored_at: node.authored_at,
            id: id.clone(),
            pull_requests: node.pull_requests.iter().copied().collect(),
        });
    }

    /// Whether a pull request's own commit came to production with an earlier one: a branch is used
    /// again after it was squashed, or work is landed again after it was reverted.
    fn was_shipped_before(&self, id: &CommitId, number: u64, pull_request: &PullRequest) -> bool {
        let Some(node) = self.known.commits.get(id) else { return false };
        !self.range.contains(id)
            && node.pull_requests.iter().filter(|other| **other != number).any(|other| {
                self.known.pull_requests.get(other).is_some_and(|other| {
                    self.leads_to_production(other, pull_request)
                        && other.merged_at < pull_request.merged_at
                        && other.merge.as_ref().is_some_and(|(id, _)| !self.range.contains(id))
                })
            })
    }

    /// Whether another pull request brought its commits to where this one did, or directly to what
    /// is deployed.
    fn leads_to_production(&self, other: &PullRequest, pull_request: &PullRequest) -> bool {
        other.base == pull_request.base || Some(other.base.as_str()) == self.question.branch
    }

    /// Whether a commit of the range had come to production already, squashed or rebased by this
    /// pull request, and its branch was merged once more later, as it is.
    fn was_squashed_before(
        &self,
        id: &CommitId,
        node: &CommitNode,
        pull_request: &PullRequest,
        own: &[CommitId],
    ) -> bool {
        let is_in_range = |request: &PullRequest| {
            request.merge.as_ref().is_some_and(|(merge, _)| self.range.contains(merge))
        };
        let was_rewritten = pull_request
            .merge
            .as_ref()
            .is_some_and(|(merge, parents)| *parents == 1 && !own.contains(merge));
        let by_request = || {
            let others = node.pull_requests.iter();
            others
                .filter_map(|number| self.known.pull_requests.get(number))
                .any(|later| is_in_range(later) && later.merged_at > pull_request.merged_at)
        };
        let by_git = || {
            self.range.iter().any(|merge| {
                self.known.commits.get(*merge).is_some_and(|node| {
                    node.parents.len() > 1
                        && node.authored_at > pull_request.merged_at
                        && self.built_on(merge, &self.range).contains(id)
                })
            })
        };
        was_rewritten
            && !is_in_range(pull_request)
            && Some(pull_request.base.as_str()) == self.question.branch
            && (by_request() || by_git())
    }

    fn is_merge_of(&self, id: &CommitId, number: u64) -> bool {
        self.known
            .pull_requests
            .get(&number)
            .and_then(|pull_request| pull_request.merge.as_ref())
            .is_some_and(|(merge, _)| merge == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit named by a letter, authored at that hour of a day.
    fn id(name: char) -> CommitId {
        CommitId::parse(&format!("{:040x}", u32::from(name))).unwrap()
    }

    fn ids(names: &str) -> Vec<CommitId> {
        names.chars().map(id).collect()
    }

    fn hour(hour: u32) -> DateTime<Utc> {
        format!("2026-11-02T{hour:02}:00:00Z").parse().unwrap()
    }

    /// `main` was deployed.
    fn question<'a>(span: Span<'a>, before: &'a [CommitId]) -> Question<'a> {
        Question { span, branch: Some("main"), before }
    }

    #[derive(Default)]
    struct Story(Known);

    impl Story {
        fn commit(mut self, name: char, at: u32, parents: usize, pull_requests: &[u64]) -> Self {
            let node = CommitNode {
                authored_at: hour(at),
                parents: vec![id('0'); parents],
                pull_requests: pull_requests.to_vec(),
                ops_items: BTreeSet::new(),
            };
            self.0.commits.insert(id(name), node);
            self
        }

        /// Lets a commit name the OpsItem, and be built on others.
        fn names(mut self, name: char, parents: &str) -> Self {
            let node = self.0.commits.get_mut(&id(name)).unwrap();
            node.ops_items = OpsItemId::all_in("Mend oi-0123456789ab");
            node.parents = ids(parents);
            self
        }

        fn references(&self, span: Span<'_>) -> bool {
            let found = self.0.shipped(question(span, &[])).expect("all is known");
            !found.ops_items.is_empty()
        }

        fn pull_request(
            mut self,
            number: u64,
            merged: u32,
            base: &str,
            merge: (char, usize),
            commits: &str,
        ) -> Self {
            let pull_request = PullRequest {
                merged_at: hour(merged),
                base: base.to_owned(),
                merge: Some((id(merge.0), merge.1)),
                ops_items: BTreeSet::new(),
                commits: (commits != "?").then(|| ids(commits)),
            };
            self.0.pull_requests.insert(number, pull_request);
            self
        }

        /// The names of the commits shipped, oldest first.
        fn ships(&self, range: &str) -> String {
            self.resolved(Span::Since(&ids(range)), "")
        }

        fn ships_after(&self, range: &str, before: &str) -> String {
            self.resolved(Span::Since(&ids(range)), before)
        }

        fn resolved(&self, span: Span<'_>, before: &str) -> String {
            let Found { commits, .. } =
                self.0.shipped(question(span, &ids(before))).expect("all is known");
            let name = |commit: &Commit| {
                let number = u32::from_str_radix(commit.id.as_str(), 16).unwrap();
                char::from_u32(number).unwrap()
            };
            commits.iter().map(name).collect()
        }
    }

    #[test]
    fn plain_commits_count_themselves() {
        let story = Story::default().commit('a', 8, 1, &[]).commit('b', 9, 1, &[]);
        assert_eq!(story.ships("ab"), "ab");
        assert_eq!(story.ships(""), "");
    }

    #[test]
    fn a_merge_commit_stands_for_its_pull_request() {
        let story = Story::default()
            .commit('a', 8, 1, &[1])
            .commit('b', 9, 1, &[1])
            .commit('M', 10, 2, &[1])
            .pull_request(1, 10, "main", ('M', 2), "?");
        assert_eq!(story.ships("abM"), "ab");
    }

    #[test]
    fn a_merge_without_a_pull_request_counts_itself() {
        let story = Story::default().commit('a', 8, 1, &[]).commit('M', 10, 2, &[]);
        assert_eq!(story.ships("aM"), "aM");
    }

    #[test]
    fn a_commit_references_what_its_message_names() {
        let story = Story::default().commit('a', 8, 1, &[]).names('a', "0");
        assert!(story.references(Span::Since(&ids("a"))));
        assert!(!story.references(Span::Since(&ids(""))));
    }

    #[test]
    fn a_merge_references_only_with_what_it_brings() {
        let merge = Story::default()
            .commit('a', 8, 1, &[])
            .commit('c', 9, 1, &[])
            .commit('M', 10, 2, &[])
            .names('M', "ca");
        assert!(merge.references(Span::Since(&ids("acM"))));
        assert!(!merge.references(Span::Since(&ids("cM"))), "production has what it merges");
        assert!(merge.references(Span::First(&id('M'))), "nothing is known of what it merges");
    }

    #[test]
    fn a_hotfix_that_was_squashed_is_not_referenced_by_merging_its_branch_back() {
        let story = Story::default()
            .commit('a', 8, 1, &[1, 2])
            .names('a', "0")
            .commit('c', 9, 1, &[])
            .commit('M', 11, 2, &[])
            .names('M', "ca")
            .commit('R', 12, 2, &[2])
            .pull_request(1, 10, "main", ('S', 1), "a")
            .pull_request(2, 12, "main", ('R', 2), "?");
        assert!(!story.references(Span::Since(&ids("acMR"))));
    }

    #[test]
    fn a_squash_is_its_pull_requests_commits() {
        let story = Story::default()
            .commit('a', 8, 1, &[1])
            .commit('b', 9, 1, &[1])
            .commit('S', 10, 1, &[1])
            .pull_request(1, 10, "main", ('S', 1), "ab");
        assert_eq!(story.ships("S"), "ab");
    }

    #[test]
    fn a_rebase_is_its_pull_requests_commits_once() {
        let story = Story::default()
            .commit('a', 8, 1, &[1])
            .commit('b', 9, 1, &[1])
            .commit('A', 8, 1, &[1])
            .commit('B', 9, 1, &[1])
            .pull_request(1, 10, "main", ('B', 1), "ab");
        assert_eq!(story.ships("AB"), "ab");
    }

    #[test]
    fn own_commits_are_asked_for_where_merging_may_have_made_a_commit() {
        let story = Story::default()
            .commit('S', 10, 1, &[1, 2])
            .pull_request(1, 10, "main", ('S', 1), "?")
            .pull_request(2, 11, "release", ('M', 2), "?");
        let need = Err(BTreeSet::from([1]));
        assert_eq!(story.0.shipped(question(Span::Since(&ids("S")), &[])), need);
        assert_eq!(story.0.shipped(question(Span::First(&id('S')), &[])), need);
    }

    #[test]
    fn a_request_that_a_push_merged_counts_its_commits_as_they_are() {
        let story = Story::default().commit('a', 8, 1, &[1]).commit('b', 9, 1, &[1]).pull_request(
            1,
            10,
            "main",
            ('b', 1),
            "ab",
        );
        assert_eq!(story.ships("b"), "b", "a was pushed and deployed before");
        assert_eq!(story.ships("ab"), "ab");
    }

    #[test]
    fn a_squash_within_a_squash_is_opened_too() {
        let story = Story::default()
            .commit('a', 7, 1, &[2])
            .commit('b', 8, 1, &[1])
            .commit('s', 9, 1, &[1, 2])
            .commit('S', 10, 1, &[1])
            .pull_request(2, 9, "feature", ('s', 1), "a")
            .pull_request(1, 10, "main", ('S', 1), "bs");
        assert_eq!(story.ships("S"), "ab");
    }

    #[test]
    fn a_branch_that_is_used_again_after_its_squash_ships_what_is_new() {
        let story = Story::default()
            .commit('a', 7, 1, &[1, 2])
            .commit('b', 11, 1, &[2])
            .commit('S', 9, 1, &[1])
            .commit('T', 12, 1, &[2])
            .pull_request(1, 9, "main", ('S', 1), "a")
            .pull_request(2, 12, "main", ('T', 1), "ab");
        assert_eq!(story.ships("S"), "a", "also when its event is handled late");
        assert_eq!(story.ships("T"), "b");
        assert_eq!(story.ships("ST"), "ab");
    }

    #[test]
    fn work_that_is_landed_again_counts_from_its_landing() {
        let story = Story::default()
            .commit('a', 7, 1, &[1, 2])
            .commit('S', 9, 1, &[1])
            .commit('T', 12, 1, &[2])
            .pull_request(1, 9, "main", ('S', 1), "a")
            .pull_request(2, 12, "main", ('T', 1), "a");
        assert_eq!(story.ships("T"), "T");
    }

    #[test]
    fn a_promotion_to_another_branch_changes_nothing() {
        let story = Story::default()
            .commit('a', 7, 1, &[1, 9])
            .commit('S', 9, 1, &[1, 9])
            .pull_request(1, 9, "main", ('S', 1), "a")
            .pull_request(9, 12, "release", ('P', 2), "?");
        assert_eq!(story.ships("S"), "a");
    }

    #[test]
    fn a_release_branch_merged_to_main_opens_the_squashes_in_it() {
        let story = Story::default()
            .commit('a', 7, 1, &[1])
            .commit('s', 8, 1, &[1, 2])
            .commit('M', 10, 2, &[2])
            .pull_request(1, 8, "develop", ('s', 1), "a")
            .pull_request(2, 10, "main", ('M', 2), "?");
        assert_eq!(story.ships("sM"), "a");
    }

    #[test]
    fn a_first_deployment_ships_the_pull_request_that_it_merged() {
        let merged = |merge, own: &'static str| {
            Story::default()
                .commit('a', 8, 1, &[1])
                .commit('b', 9, 1, &[1])
                .commit('M', 10, 2, &[1])
                .commit('S', 10, 1, &[1])
                .pull_request(1, 10, "main", merge, own)
        };
        let need = Err(BTreeSet::from([1]));
        let asked = merged(('M', 2), "?").0.shipped(question(Span::First(&id('M')), &[]));
        assert_eq!(asked, need);
        assert_eq!(merged(('M', 2), "ab").resolved(Span::First(&id('M')), ""), "ab");
        assert_eq!(merged(('S', 1), "ab").resolved(Span::First(&id('S')), ""), "ab");
        assert_eq!(merged(('b', 1), "ab").resolved(Span::First(&id('b')), ""), "ab", "by a push");
        assert_eq!(
            merged(('M', 2), "ab").resolved(Span::First(&id('a')), ""),
            "a",
            "not yet merged"
        );
    }

    #[test]
    fn a_hotfix_that_is_merged_back_through_develop_is_shipped_once() {
        let story = Story::default()
            .commit('h', 7, 1, &[1, 2])
            .commit('S', 9, 1, &[1])
            .commit('s', 10, 1, &[2, 3])
            .commit('M', 12, 2, &[3])
            .pull_request(1, 9, "main", ('S', 1), "h")
            .pull_request(2, 10, "develop", ('s', 1), "h")
            .pull_request(3, 12, "main", ('M', 2), "?");
        assert_eq!(story.ships("S"), "h");
        assert_eq!(story.ships("sM"), "s", "landed on develop by a commit of its own");
    }

    #[test]
    fn a_branch_that_is_merged_after_its_squash_ships_what_is_new() {
        let story = Story::default()
            .commit('a', 7, 1, &[1, 2])
            .commit('b', 11, 1, &[2])
            .commit('S', 9, 1, &[1])
            .commit('M', 12, 2, &[2])
            .pull_request(1, 9, "main", ('S', 1), "a")
            .pull_request(2, 12, "main", ('M', 2), "?");
        assert_eq!(story.ships("S"), "a");
        assert_eq!(story.ships("abM"), "b");
        assert_eq!(story.ships("SabM"), "ab");
    }

    #[test]
    fn a_branch_that_was_deployed_before_its_squash_ships_what_is_new() {
        let story = Story::default()
            .commit('a', 7, 1, &[1])
            .commit('b', 8, 1, &[1])
            .commit('c', 9, 1, &[1])
            .commit('S', 10, 1, &[1])
            .pull_request(1, 10, "main", ('S', 1), "abc");
        assert_eq!(story.ships_after("S", "b"), "c");
        assert_eq!(story.ships_after("S", "c"), "S");
        assert_eq!(story.ships_after("S", "x"), "abc");
    }

    #[test]
    fn work_that_is_landed_again_by_a_rebase_counts_with_each_of_its_commits() {
        let story = Story::default()
            .commit('a', 7, 1, &[1, 2])
            .commit('b', 8, 1, &[1, 2])
            .commit('A', 7, 1, &[1])
            .commit('B', 8, 1, &[1])
            .commit('C', 7, 1, &[2])
            .commit('D', 8, 1, &[2])
            .pull_request(1, 9, "main", ('B', 1), "ab")
            .pull_request(2, 12, "main", ('D', 1), "ab");
        assert_eq!(story.ships("AB"), "ab");
        assert_eq!(story.ships("CD"), "CD");
    }

    #[test]
    fn ops_items_are_named_by_messages_and_by_head_branches_of_what_was_shipped() {
        let item = |digit: &str| OpsItemId::parse(&format!("oi-{}", digit.repeat(12))).unwrap();
        let mut story = Story::default()
            .commit('a', 8, 1, &[1])
            .commit('S', 10, 1, &[1])
            .commit('M', 11, 2, &[2])
            .commit('b', 9, 1, &[2])
            .commit('x', 9, 1, &[3])
            .pull_request(1, 10, "main", ('S', 1), "a")
            .pull_request(2, 11, "main", ('M', 2), "?")
            .pull_request(3, 12, "main", ('X', 2), "?");
        for (name, digit) in [('a', "1"), ('S', "2"), ('M', "3")] {
            story.0.commits.get_mut(&id(name)).unwrap().ops_items.insert(item(digit));
        }
        story.0.commits.get_mut(&id('M')).unwrap().parents = ids("0b");
        for (number, digit) in [(1, "4"), (2, "5"), (3, "6")] {
            story.0.pull_requests.get_mut(&number).unwrap().ops_items.insert(item(digit));
        }
        let found = |range| {
            let found = story.0.shipped(question(Span::Since(&ids(range)), &[])).unwrap();
            let digits = found.ops_items.iter().map(|item| item.as_str()[3..4].to_owned());
            digits.collect::<String>()
        };
        assert_eq!(found("S"), "124");
        assert_eq!(found("bM"), "35");
        assert_eq!(found("x"), "", "its pull request is not merged here yet");
    }
}
