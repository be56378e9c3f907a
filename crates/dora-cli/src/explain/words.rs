//! What the ledger's codes mean, in words.

/// The rule that made an execution a deployment.
pub(super) fn rule(slug: &str) -> &str {
    match slug {
        "gitflow" => "its pipeline succeeded on the main branch (gitflow)",
        "trunk-based" => "its production stage succeeded (trunk-based)",
        other => other,
    }
}

/// The rule that attributed an incident to a deployment.
pub(super) fn attribution(slug: &str) -> &str {
    match slug {
        "change" => "it names the execution or the commit",
        "repository" => "it names the repository, whose latest deployment before it this was",
        "latest" => "it names nothing, and this was the latest deployment before it",
        "unattributed" => "no deployment is known that could have caused it",
        other => other,
    }
}

/// Why a metric has no value.
pub(super) fn reason(slug: &str) -> &str {
    match slug {
        "no-new-commits" => "all that it shipped was in production before",
        "no-usable-commit-time" => "no commit is dated before the deployment",
        "no-ops-item-referenced" => "it references no incident from before it",
        "unsupported-source" => "its repository is not on GitHub, whose commits are read",
        "too-old-for-cloudwatch" => {
            "CloudWatch takes nothing older than two weeks: it counts in reports"
        }
        other => other,
    }
}
