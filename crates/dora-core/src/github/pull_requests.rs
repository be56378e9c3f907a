//! The pull requests that commits belong to, and the commits of pull requests, by GraphQL: many in
//! one request, where REST needs a request for each.
//!
//! Source: `Commit.associatedPullRequests` and `PullRequest.commits` in GitHub's GraphQL schema.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::client::{GitHub, Refusal, is_limit};
use super::resolve::{CommitNode, Known, PullRequest};
use crate::commit::CommitId;
use crate::error::{Error, GitHubFailure};
use crate::identity::OpsItemId;
use crate::repository::Repository;

/// Commits asked about in one request.
const COMMITS: usize = 200;
/// Pull requests asked about in one request: with their commits, and these commits' pull requests,
/// with the parents of what merged them, 100 × 100 × 20 × 2 nodes of the 500,000 that GitHub allows.
const PULL_REQUESTS: usize = 100;

const PULL_REQUEST: &str = "fragment P on PullRequest { number merged mergedAt baseRefName headRefName \
     mergeCommit { oid parents(first: 1) { totalCount } } repository { nameWithOwner } }";

/// What is asked of a commit, and of so many of its pull requests.
fn commit_fields(pull_requests: usize) -> String {
    format!(
        "oid authoredDate message parents(first: 2) {{ nodes {{ oid }} }} \
         associatedPullRequests(first: {pull_requests}) {{ \
         totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ ...P }} }}"
    )
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<Data<T>>,
    #[serde(default)]
    errors: Vec<Problem>,
}

/// The repository twice: under its present name, and with the fields that were asked for.
#[derive(Deserialize)]
struct Data<T> {
    present: Option<Named>,
    repository: Option<HashMap<String, Option<T>>>,
}

/// Every field that was asked for, and the name that the repository has today: pull requests know
/// it by that one, while a pipeline may still use one from before a renaming.
struct Fields<T> {
    present_name: String,
    by_alias: HashMap<String, T>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitAnswer {
    oid: String,
    authored_date: DateTime<Utc>,
    /// Read for the OpsItems that it names, and not kept.
    message: String,
    parents: Parents,
    associated_pull_requests: Connection<PullRequestAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    total_count: usize,
    page_info: PageInfo,
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Parents {
    nodes: Vec<Oid>,
}

#[derive(Deserialize)]
struct Oid {
    oid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestAnswer {
    number: u64,
    merged: bool,
    merged_at: Option<DateTime<Utc>>,
    base_ref_name: String,
    head_ref_name: String,
    merge_commit: Option<MergeCommit>,
    repository: Named,
}

#[derive(Deserialize)]
struct MergeCommit {
    oid: String,
    parents: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    name_with_owner: String,
}

#[derive(Deserialize)]
struct OwnCommits {
    commits: Connection<OwnCommit>,
}

#[derive(Deserialize)]
struct OwnCommit {
    commit: CommitAnswer,
}

impl GitHub {
    /// Learns which merged pull requests the commits belong to.
    pub(super) async fn learn_commits(
        &self,
        repository: &Repository,
        commits: &[CommitId],
        known: &mut Known,
        deadline: SystemTime,
    ) -> Result<(), Error> {
        for batch in commits.chunks(COMMITS) {
            let mut fields = String::new();
            for (i, id) in batch.iter().enumerate() {
                let _ = write!(fields, " c{i}: object(oid: \"{id}\") {{ ...C }}");
            }
            let commit = commit_fields(100);
            let fragment = format!("fragment C on Commit {{ {commit} }} {PULL_REQUEST}");
            let Fields::<CommitAnswer> { present_name, by_alias } =
                self.ask(repository, &fields, &fragment, batch.len(), deadline).await?;
            for answer in by_alias.into_values() {
                learn_commit(&present_name, answer, known)
                    .map_err(|detail| unexpected(repository, detail))?;
            }
        }
        Ok(())
    }

    /// Learns the own commits of pull requests, all pages.
    pub(super) async fn learn_own_commits(
        &self,
        repository: &Repository,
        numbers: BTreeSet<u64>,
        known: &mut Known,
        deadline: SystemTime,
    ) -> Result<(), Error> {
        let commit = commit_fields(20);
        let fragment = format!(
            "fragment L on PullRequestCommitConnection {{ totalCount \
             pageInfo {{ hasNextPage endCursor }} nodes {{ commit {{ {commit} }} }} }} {PULL_REQUEST}"
        );
        let mut own: HashMap<u64, Vec<CommitId>> = HashMap::new();
        let mut crowded: BTreeSet<CommitId> = BTreeSet::new();
        let mut open: Vec<(u64, Option<String>)> =
            numbers.into_iter().map(|number| (number, None)).collect();
        while !open.is_empty() {
            let batch: Vec<_> = open.drain(..open.len().min(PULL_REQUESTS)).collect();
            let mut fields = String::new();
            for (number, cursor) in &batch {
                let after = cursor.as_ref().map(|cursor| format!(", after: {cursor:?}"));
                let _ = write!(
                    fields,
                    " p{number}: pullRequest(number: {number}) {{ commits(first: 100{}) {{ ...L }} }}",
                    after.unwrap_or_default()
                );
            }
            let Fields::<OwnCommits> { present_name, mut by_alias } =
                self.ask(repository, &fields, &fragment, batch.len(), deadline).await?;
            for (number, _) in batch {
                let Some(answer) = by_alias.remove(&format!("p{number}")) else { continue };
                let Connection { total_count, page_info, nodes } = answer.commits;
                let own = own.entry(number).or_default();
                for OwnCommit { commit } in nodes {
                    if commit.associated_pull_requests.page_info.has_next_page {
                        let id = CommitId::parse(&commit.oid);
                        let unknown = |id: &CommitId| !known.commits.contains_key(id);
                        crowded.extend(id.clone().filter(unknown));
                        own.extend(id);
                        continue;
                    }
                    let id = learn_commit(&present_name, commit, known)
                        .map_err(|detail| unexpected(repository, detail))?;
                    own.push(id);
                }
                if page_info.has_next_page && page_info.end_cursor.is_some() {
                    open.push((number, page_info.end_cursor));
                } else if own.len() != total_count {
                    let found = own.len();
                    let detail = format!("{found} of {total_count} commits of #{number} are there");
                    return Err(unexpected(repository, &detail));
                }
            }
        }
        // A commit that belongs to more pull requests is asked about by itself.
        let crowded: Vec<CommitId> = crowded.into_iter().collect();
        self.learn_commits(repository, &crowded, known, deadline).await?;
        for (number, commits) in own {
            if let Some(pull_request) = known.pull_requests.get_mut(&number) {
                pull_request.commits = Some(commits);
            }
        }
        Ok(())
    }

    /// Asks for `count` fields of the repository; all of them must be answered.
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        repository: &Repository,
        fields: &str,
        fragments: &str,
        count: usize,
        deadline: SystemTime,
    ) -> Result<Fields<T>, Error> {
        let (owner, name) = repository
            .as_str()
            .split_once('/')
            .ok_or_else(|| unexpected(repository, "the repository has no owner"))?;
        let query = format!(
            "query($owner: String!, $name: String!) {{ \
             present: repository(owner: $owner, name: $name) {{ nameWithOwner }} \
             repository(owner: $owner, name: $name) {{{fields} }} }} {fragments}"
        );
        let body = json!({ "query": query, "variables": { "owner": owner, "name": name } });
        let answer: Answer<T> = self.query(repository, &body, deadline, refused).await?;
        let Some(Data { present: Some(present), repository: Some(fields) }) = answer.data else {
            return Err(unexpected(repository, "the answer has no repository"));
        };
        let by_alias: HashMap<String, T> =
            fields.into_iter().filter_map(|(name, field)| Some((name, field?))).collect();
        if by_alias.len() == count {
            Ok(Fields { present_name: present.name_with_owner, by_alias })
        } else {
            let found = by_alias.len();
            let detail = format!("{found} of {count} commits or pull requests are there");
            Err(unexpected(repository, &detail))
        }
    }
}

/// GraphQL answers with status 200 even where it refuses.
fn refused<T>(answer: &Answer<T>) -> Option<Refusal> {
    let problem = answer.errors.first()?;
    let failure = match problem.kind.as_deref() {
        Some("NOT_FOUND") => GitHubFailure::NotFound,
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => GitHubFailure::Forbidden,
        Some("RATE_LIMITED" | "RATE_LIMIT") => GitHubFailure::RateLimited,
        _ if is_limit(&problem.message) => GitHubFailure::RateLimited,
        // Without a type GitHub reports that it could not finish in time.
        _ => GitHubFailure::Unavailable,
    };
    Some(Refusal::now(failure, problem.message.clone()))
}

fn learn_commit(
    repository: &str,
    answer: CommitAnswer,
    known: &mut Known,
) -> Result<CommitId, &'static str> {
    let Connection { total_count, nodes, .. } = answer.associated_pull_requests;
    if nodes.len() != total_count {
        return Err("not all pull requests of a commit are there");
    }
    let id = CommitId::parse(&answer.oid).ok_or("a commit without an id")?;
    let mut numbers = Vec::new();
    for found in nodes {
        let is_here = found.repository.name_with_owner == repository;
        let (true, true, Some(merged_at)) = (is_here, found.merged, found.merged_at) else {
            continue;
        };
        numbers.push(found.number);
        let merge = found
            .merge_commit
            .and_then(|merge| Some((CommitId::parse(&merge.oid)?, merge.parents.total_count)));
        known.pull_requests.entry(found.number).or_insert(PullRequest {
            merged_at,
            base: found.base_ref_name,
            merge,
            ops_items: OpsItemId::all_in(&found.head_ref_name),
            commits: None,
        });
    }
    let node = CommitNode {
        authored_at: answer.authored_date,
        parents: answer.parents.nodes.iter().filter_map(|it| CommitId::parse(&it.oid)).collect(),
        pull_requests: numbers,
        ops_items: OpsItemId::all_in(&answer.message),
    };
    known.commits.insert(id.clone(), node);
    Ok(id)
}

fn unexpected(repository: &Repository, detail: &str) -> Error {
    Error::GitHub {
        failure: GitHubFailure::UnexpectedAnswer,
        repository: repository.to_string(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_with_status_200_is_read_from_its_words() {
        for (kind, message, failure) in [
            (Some("NOT_FOUND"), "Could not resolve to a Repository", GitHubFailure::NotFound),
            (Some("FORBIDDEN"), "Resource not accessible", GitHubFailure::Forbidden),
            (Some("RATE_LIMITED"), "API exceeded", GitHubFailure::RateLimited),
            (Some("RATE_LIMIT"), "API exceeded", GitHubFailure::RateLimited),
            (None, "You have exceeded a secondary rate limit", GitHubFailure::RateLimited),
            (None, "Something went wrong", GitHubFailure::Unavailable),
        ] {
            let problem = Problem { kind: kind.map(str::to_owned), message: message.to_owned() };
            let answer = Answer::<CommitAnswer> { data: None, errors: vec![problem] };
            assert_eq!(refused(&answer).unwrap().failure(), failure, "{message}");
        }
        let fine = Answer::<CommitAnswer> { data: None, errors: vec![] };
        assert!(refused(&fine).is_none());
    }
}
